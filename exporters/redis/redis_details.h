// What commands beside INFO tell, as samples. Replies of another form than expected (errors, too)
// give nothing.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "exporters/collector.h"
#include "exporters/redis/redis_info.h"
#include "exporters/redis/redis_reply.h"

namespace tocsin {

// "maxclients", "10000", "databases", "16": the value behind a name; nothing when it is not there.
std::optional<std::string_view> RedisSetting(const RedisReply& pairs, std::string_view name);

// CONFIG GET client-output-buffer-limit: "normal 0 0 0 pubsub 33554432 8388608 60".
void WriteRedisBufferLimits(const RedisReply& config, MetricSink& sink);
// CONFIG GET *, without those settings that are secrets.
void WriteRedisConfigValues(const RedisReply& config, MetricSink& sink);

// SLOWLOG LEN, SLOWLOG GET 1.
void WriteRedisSlowLog(const RedisReply& length, const RedisReply& newest, MetricSink& sink);
// LATENCY LATEST.
void WriteRedisLatencySpikes(const RedisReply& latest, MetricSink& sink);
// LATENCY HISTOGRAM, of these commands. `info` has the sums.
void WriteRedisLatencyHistograms(const RedisReply& histograms, const RedisInfo& info,
                                 const RedisCommandSet& commands, MetricSink& sink);
// CLIENT LIST, at most `most` clients.
void WriteRedisClients(std::string_view list, Timestamp now, size_t most, MetricSink& sink);

// What a script of the user's gave: names and numbers in turn.
void WriteRedisScript(std::string_view file_name, const RedisReply& reply, MetricSink& sink);

// One master of SENTINEL MASTERS.
struct RedisSentinelMaster {
  std::string_view name;
  std::string address;
};
std::optional<RedisSentinelMaster> ReadRedisSentinelMaster(const RedisReply& master);
// The master's settings; whether SENTINEL CKQUORUM is content; of SENTINEL SENTINELS and SENTINEL
// SLAVES, how many are up.
void WriteRedisSentinelMaster(const RedisReply& master, const RedisReply& quorum,
                              const RedisReply& sentinels, const RedisReply& replicas,
                              MetricSink& sink);

}  // namespace tocsin
