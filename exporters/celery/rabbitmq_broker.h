// Celery's queues in RabbitMQ, read from its management API (rabbitmq.com/docs/management): no AMQP
// connection is made, and no worker is asked. Events are not read.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/http_client.h"
#include "config/config.h"
#include "exporters/celery/celery_broker.h"

namespace tocsin {

class RabbitMqBroker final : public CeleryBroker {
 public:
  struct Address {
    std::string url;  // http://rabbit:15672, without credentials and without a slash at the end
    std::string user;
    Secret password;
    std::string vhost;  // "/" is the default one; "": all
    bool label_vhost = false;
    TlsOptions tls;
  };
  // Of `broker_url` (amqp://…), `management_url` and `virtual_hosts`. Errors hold no secrets.
  static Result<Address> AddressOf(const CeleryConfig& config);

  RabbitMqBroker(Address address, std::set<std::string> vhosts, HttpClient& http);
  Result<BrokerState> Read(CollectContext& context, const std::set<std::string>& queues) override;
  void Cancel() override { canceled_ = true; }

 private:
  const Address address_;
  const std::set<std::string> vhosts_;  // to be kept of all; empty: all
  HttpClient& http_;
  std::atomic<bool> canceled_ = false;
};

// The answer of GET /api/queues. What belongs to remote control and events is left out.
Result<std::vector<QueueState>> ParseRabbitMqQueues(std::string_view json);

}  // namespace tocsin
