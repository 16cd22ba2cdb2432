// Celery's queues in Redis.
//
// Source of the key layout: kombu's Redis transport. A queue is a list per priority step; step 0
// has the queue's name, step N the name, the separator and N. Declared queues are members of the
// sets _kombu.binding.<exchange>. Messages that workers hold are in the hash `unacked`, with the
// times of their delivery in `unacked_index`. A virtual host is a database.
#pragma once

#include <map>
#include <memory>

#include "exporters/celery/celery_broker.h"
#include "exporters/celery/queue_finder.h"
#include "exporters/redis/redis_connection.h"

namespace tocsin {

class RedisBroker final : public CeleryBroker {
 public:
  RedisBroker(const CeleryConfig& config, RedisAddress address, const Clock& clock);
  Result<BrokerState> Read(CollectContext& context, const std::set<std::string>& queues) override;
  void Cancel() override { client_.Cancel(); }

 private:
  // One database.
  struct VirtualHost {
    explicit VirtualHost(const CeleryConfig& config) : finder(config) {}
    QueueFinder finder;
    std::string cursor = "0";
    int scans = 0;  // of the walk at hand
    std::optional<SteadyTime> next_walk;
    std::map<std::string, int> skip;  // lists whose messages are too large to be read each time
  };

  Result<std::vector<RedisReply>> Run(int database, std::vector<RedisCommand> commands,
                                      CollectContext& context);
  Status FindVirtualHosts(const RedisReply& keyspace);
  Status FindQueues(int database, VirtualHost& host, CollectContext& context);
  Status ReadVirtualHost(int database, VirtualHost& host, CollectContext& context,
                         BrokerState& state);
  Status ReadOldest(int database, VirtualHost& host, CollectContext& context,
                    const std::vector<std::pair<size_t, std::string>>& lists,
                    std::vector<QueueState>& queues);

  const CeleryConfig config_;
  const bool all_hosts_;
  const int own_database_;
  RedisClient client_;
  std::map<int, VirtualHost> hosts_;  // by database
};

}  // namespace tocsin
