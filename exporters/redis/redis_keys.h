// Keys and streams that the configuration names, and walks through all keys.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "exporters/collector.h"
#include "exporters/redis/redis_connection.h"
#include "exporters/redis/redis_key_walk.h"

namespace tocsin {

// Not thread-safe.
class RedisKeys {
 public:
  RedisKeys(const RedisConfig& config, const Clock& clock);

  // Goes on with the walks, as far as one collection's budget allows, and writes what is known of
  // the keys. `used`: the databases that have keys. An error: the connection is over.
  Status Collect(const std::vector<int>& used, RedisClient& client, CollectContext& context,
                 MetricSink& sink);

 private:
  struct Key {
    int database;
    std::string name;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  void PlanWalks(const std::vector<int>& used);
  std::set<Key> Wanted(const std::vector<RedisKeyPattern>& single,
                       const std::vector<RedisKeyPattern>& patterns) const;
  Status WalkOn(RedisClient& client, CollectContext& context);
  Status WriteKeys(RedisClient& client, CollectContext& context, MetricSink& sink) const;
  Status WriteStreams(RedisClient& client, CollectContext& context, MetricSink& sink) const;
  void WriteWalks(MetricSink& sink) const;

  const RedisConfig& config_;
  const Clock& clock_;
  std::map<int, RedisKeyWalk> walks_;  // by database
};

}  // namespace tocsin
