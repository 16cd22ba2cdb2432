#include "exporters/redis/redis_collector.h"

#include <utility>

#include "exporters/family_index.h"
#include "exporters/redis/redis_connection.h"
#include "exporters/redis/redis_families.h"
#include "exporters/redis/redis_info.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kRedisFamilies, name); }

// "maxclients", "10000", "databases", "16"
std::optional<double> Setting(const RedisReply& reply, std::string_view name) {
  for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    if (reply.elements[i].text == name) return ReadNumber(reply.elements[i + 1].text);
  }
  return std::nullopt;
}

class RedisCollector final : public Collector {
 public:
  RedisCollector(Result<RedisAddress> address, bool aliases, const Clock& clock)
      : aliases_(aliases) {
    if (address.ok()) {
      client_.emplace(*std::move(address), clock);
    } else {
      broken_ = address.error();
    }
  }

  Status Collect(CollectContext& context, MetricSink& sink) override {
    if (!client_) return broken_;
    ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                     client_->Run({{"INFO", "ALL"},
                                   {"CONFIG", "GET", "maxclients"},
                                   {"CONFIG", "GET", "maxmemory"},
                                   {"CONFIG", "GET", "databases"},
                                   {"SLOWLOG", "LEN"},
                                   {"SLOWLOG", "GET", "1"}},
                                  context.deadline));
    if (replies[0].kind != RedisReply::Kind::kText) {
      return PermissionDenied("redis: INFO: " + replies[0].text);
    }
    const RedisInfo info(replies[0].text);
    NoteRefusals(replies, context);
    const std::optional<double> databases = Setting(replies[3], "databases");
    WriteRedisInfo(info, static_cast<int>(databases.value_or(0)), aliases_, sink);
    WriteSettings(info, replies, sink);
    WriteSlowLog(replies[4], replies[5], sink);
    return Ok();
  }

  void Cancel() override {
    if (client_) client_->Cancel();
  }

 private:
  // Managed servers have no CONFIG, an ACL may take SLOWLOG away: the rest is still told.
  static void NoteRefusals(const std::vector<RedisReply>& replies, CollectContext& context) {
    if (replies[1].kind == RedisReply::Kind::kError) {
      context.problems.push_back("CONFIG GET: " + replies[1].text);
    }
    if (replies[4].kind == RedisReply::Kind::kError) {
      context.problems.push_back("SLOWLOG: " + replies[4].text);
    }
  }

  static void WriteSettings(const RedisInfo& info, const std::vector<RedisReply>& replies,
                            MetricSink& sink) {
    std::optional<double> clients = Setting(replies[1], "maxclients");
    if (!clients) clients = info.Number("maxclients");
    if (clients) sink.Write(Family("redis_config_maxclients"), *clients);
    std::optional<double> memory = Setting(replies[2], "maxmemory");
    if (!memory) memory = info.Number("maxmemory");
    if (memory) sink.Write(Family("redis_config_maxmemory"), *memory);
  }

  static void WriteSlowLog(const RedisReply& length, const RedisReply& newest, MetricSink& sink) {
    if (length.kind != RedisReply::Kind::kInteger) return;
    sink.Write(Family("redis_slowlog_length"), static_cast<double>(length.integer));
    double id = 0;
    double seconds = 0;
    if (!newest.elements.empty() && newest.elements[0].elements.size() >= 3) {
      id = static_cast<double>(newest.elements[0].elements[0].integer);
      seconds = static_cast<double>(newest.elements[0].elements[2].integer) / 1e6;
    }
    sink.Write(Family("redis_slowlog_last_id"), id);
    sink.Write(Family("redis_last_slow_execution_duration_seconds"), seconds);
  }

  const bool aliases_;
  std::optional<RedisClient> client_;
  Error broken_;
};

Result<RedisAddress> AddressOf(const RedisConfig& config) {
  ASSIGN_OR_RETURN(RedisAddress address, ParseRedisUrl(config.url));
  if (!config.user.empty()) address.user = config.user;
  if (!config.password.empty()) address.password = config.password;
  return address;
}

std::vector<CollectorTarget> Targets(const Config& config, const std::string& /*own_instance*/) {
  std::vector<CollectorTarget> targets;
  for (const RedisConfig& written : config.collectors.redis) {
    auto redis = std::make_shared<RedisConfig>(written);
    const Result<RedisAddress> address = AddressOf(written);
    const std::string text = address.ok() ? address->Text() : "invalid";
    if (redis->job.empty()) redis->job = "redis";
    if (redis->instance.empty()) redis->instance = text;
    targets.push_back({.config = std::move(redis), .url = "tocsin://redis/" + text});
  }
  return targets;
}

std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  const auto& redis = static_cast<const RedisConfig&>(config);
  return std::make_unique<RedisCollector>(AddressOf(redis), redis.aliases, dependencies.clock);
}

}  // namespace

CollectorSpec RedisCollectorSpec() {
  return {.name = "redis",
          .help = "A Redis server: memory, keys, commands, clients, replication, slow log.",
          .up = "redis_up",
          .families = kRedisFamilies,
          .targets = Targets,
          .make = Make,
          .equal = SameConfig<RedisConfig>};
}

}  // namespace tocsin
