// What is in a broker: how much waits in which queue, and since when. Asked without any worker, so
// that a backlog that nobody works on is seen.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "exporters/celery/celery_message.h"
#include "exporters/collector.h"

namespace tocsin {

struct QueueState {
  std::string vhost;  // "": the only one that is watched
  std::string name;
  double messages = 0;                             // waiting
  std::vector<std::pair<int, double>> priorities;  // of a Redis broker; steps that have messages
  // The oldest message of each priority step that has any, the step that is served first in front.
  std::vector<WaitingMessage> oldest;
  std::optional<double> unacked;      // of a RabbitMQ broker
  std::optional<double> consumers;    // of a RabbitMQ broker
  std::optional<double> head_sent_s;  // seconds since the epoch; of a RabbitMQ broker that knows
};

struct UnackedState {
  std::string vhost;
  double messages = 0;
  std::optional<double> oldest_delivery_s;  // seconds since the epoch; of a Redis broker
};

struct BrokerState {
  std::vector<QueueState> queues;
  std::vector<UnackedState> unacked;
  std::string memory_policy;  // "": not told
  bool may_evict = false;
  std::optional<double> memory_used_ratio;
};

// Thread safety: Read is never called twice at the same time; Cancel may be called from any thread.
class CeleryBroker {
 public:
  virtual ~CeleryBroker() = default;
  // `queues`: names that events told of, to be watched too.
  virtual Result<BrokerState> Read(CollectContext& context,
                                   const std::set<std::string>& queues) = 0;
  virtual void Cancel() = 0;
};

}  // namespace tocsin
