#include "exporters/redis/redis_collector.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "exporters/family_index.h"
#include "exporters/peer_text.h"
#include "exporters/redis/redis_connection.h"
#include "exporters/redis/redis_details.h"
#include "exporters/redis/redis_families.h"
#include "exporters/redis/redis_info.h"
#include "exporters/redis/redis_keys.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kRedisFamilies, name); }

using Kind = RedisReply::Kind;

// What is asked in one go, and where in the replies it is.
enum Question : size_t {
  kInfo,
  kMaxClients,
  kMaxMemory,
  kDatabases,
  kIoThreads,
  kBacklogSize,
  kBufferLimits,
  kSlowLogLength,
  kSlowLogNewest,
  kLatencySpikes,
  kQuestions,
};
constexpr std::string_view kSettings[] = {"maxclients",        "maxmemory",
                                          "databases",         "io-threads",
                                          "repl-backlog-size", "client-output-buffer-limit"};

struct SettingFamily {
  Question question;
  std::string_view setting;
  std::string_view family;
  std::string_view info;  // INFO has it too; "": it has not
};
constexpr SettingFamily kSettingFamilies[] = {
    {kMaxClients, "maxclients", "redis_config_maxclients", "maxclients"},
    {kMaxMemory, "maxmemory", "redis_config_maxmemory", "maxmemory"},
    {kIoThreads, "io-threads", "redis_config_io_threads", ""},
    {kBacklogSize, "repl-backlog-size", "redis_config_repl_backlog_size", "repl_backlog_size"},
};

class RedisCollector final : public Collector {
 public:
  // `replica`: where keys are asked for, when it is another server.
  RedisCollector(const RedisConfig& config, Result<RedisAddress> address,
                 std::optional<Result<RedisAddress>> replica, const Clock& clock)
      : config_(config), clock_(clock) {
    if (replica && !replica->ok()) {
      broken_ = Prefixed("keys_url: ", replica->error());
    } else if (address.ok()) {
      if (replica) replica_.emplace(**std::move(replica), clock);
      client_.emplace(*std::move(address), clock);
      keys_.emplace(config_, clock);
    } else {
      broken_ = address.error();
    }
  }

  Status Collect(CollectContext& context, MetricSink& any_sink) override {
    if (!client_) return broken_;
    Utf8Sink sink(any_sink);
    const SteadyTime started = clock_.Steady();
    ++collections_;
    ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                     client_->Run(Commands(), context.deadline));
    if (replies[kInfo].kind != Kind::kText) {
      return PermissionDenied("redis " + client_->address().Text() +
                              ": INFO: " + PeerMessage(replies[kInfo].text));
    }
    const RedisInfo info(replies[kInfo].text);
    const bool sentinel = info.Get("redis_mode") == "sentinel";
    if (!sentinel) NoteRefusals(replies, context);  // it has none of these commands
    const double databases =
        NumberOrZero(RedisSetting(replies[kDatabases], "databases").value_or("0"));
    const RedisInfoOptions options{.databases = static_cast<int>(std::clamp(databases, 0.0, 1e6)),
                                   .aliases = config_.aliases,
                                   .max_commands = static_cast<size_t>(config_.max_commands)};
    WriteRedisInfo(info, options, sink);
    WriteSettings(info, replies, sink);
    WriteRedisBufferLimits(replies[kBufferLimits], sink);
    WriteRedisSlowLog(replies[kSlowLogLength], replies[kSlowLogNewest], sink);
    WriteRedisLatencySpikes(replies[kLatencySpikes], sink);
    RETURN_IF_ERROR(AskMore(info, context, sink));
    RedisClient& keys_client = replica_ ? *replica_ : *client_;
    const Status keys = keys_->Collect(UsedRedisDatabases(info), keys_client, context, sink);
    if (!keys.ok() && !replica_) return keys;
    if (!keys.ok()) context.problems.push_back("keys_url: " + keys.error().message);
    WriteOwn(started, context, sink);
    return Ok();
  }

  void Cancel() override {
    if (client_) client_->Cancel();
    if (replica_) replica_->Cancel();
  }

 private:
  std::vector<RedisCommand> Commands() const {
    std::vector<RedisCommand> commands = {{"INFO", "ALL"}};
    for (const std::string_view setting : kSettings) {
      // A server without CONFIG is asked for something that it has, to keep the order.
      if (config_.config_command.empty()) {
        commands.push_back({"PING"});
      } else {
        commands.push_back({config_.config_command, "GET", std::string(setting)});
      }
    }
    commands.push_back({"SLOWLOG", "LEN"});
    commands.push_back({"SLOWLOG", "GET", "1"});
    commands.push_back({"LATENCY", "LATEST"});
    return commands;
  }

  // Managed servers have no CONFIG, an ACL may take SLOWLOG away: the rest is still told, with what
  // INFO says in the place of CONFIG.
  void NoteRefusals(const std::vector<RedisReply>& replies, CollectContext& context) const {
    const auto note = [&](Question question, const std::string& command) {
      if (replies[question].kind != Kind::kError) return;
      context.problems.push_back(command + ": " + PeerMessage(replies[question].text));
    };
    note(kMaxClients, config_.config_command + " GET");
    note(kSlowLogLength, "SLOWLOG");
    note(kLatencySpikes, "LATENCY LATEST");
  }

  static void WriteSettings(const RedisInfo& info, const std::vector<RedisReply>& replies,
                            MetricSink& sink) {
    for (const SettingFamily& row : kSettingFamilies) {
      std::optional<double> value;
      if (const auto setting = RedisSetting(replies[row.question], row.setting)) {
        value = ReadNumber(*setting);
      }
      if (!value && !row.info.empty()) value = info.Number(row.info);
      if (value) sink.Write(Family(row.family), *value);
    }
  }

  // What only some servers have, or some users want.
  Status AskMore(const RedisInfo& info, CollectContext& context, MetricSink& sink) {
    const bool sentinel = info.Get("redis_mode") == "sentinel";
    const std::string_view version = info.Get("redis_version");
    const double major = NumberOrZero(version.substr(0, version.find('.')));
    if (config_.latency_histograms && major >= 7 && !sentinel) {
      ASSIGN_OR_RETURN(const RedisReply histograms, Ask({"LATENCY", "HISTOGRAM"}, context));
      WriteRedisLatencyHistograms(
          histograms, info, BusiestCommands(info, static_cast<size_t>(config_.max_commands)), sink);
    }
    if (config_.config_values && !config_.config_command.empty()) {
      ASSIGN_OR_RETURN(const RedisReply values, Ask({config_.config_command, "GET", "*"}, context));
      WriteRedisConfigValues(values, sink);
    }
    if (config_.client_list) {
      ASSIGN_OR_RETURN(const RedisReply clients, Ask({"CLIENT", "LIST"}, context));
      WriteRedisClients(clients.text, context.clock.Now(), static_cast<size_t>(config_.max_clients),
                        sink);
    }
    if (info.Number("cluster_enabled").value_or(0) == 1) {
      ASSIGN_OR_RETURN(const RedisReply cluster, Ask({"CLUSTER", "INFO"}, context));
      WriteRedisNumbers(RedisInfo(cluster.text), sink);
    }
    if (sentinel) RETURN_IF_ERROR(AskSentinel(context, sink));
    return RunScripts(context, sink);
  }

  Status RunScripts(CollectContext& context, MetricSink& sink) {
    for (const auto& [name, text] : config_.scripts) {
      ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                       client_->Run({{"EVAL", text, "0"}}, context.deadline));
      if (replies[0].kind == Kind::kError) {
        context.problems.push_back(name + ": " + PeerMessage(replies[0].text));
      }
      WriteRedisScript(name, replies[0], sink);
    }
    return Ok();
  }

  Status AskSentinel(CollectContext& context, MetricSink& sink) {
    ASSIGN_OR_RETURN(const RedisReply masters, Ask({"SENTINEL", "MASTERS"}, context));
    std::vector<RedisCommand> commands;
    for (const RedisReply& master : masters.elements) {
      const std::string name(RedisSetting(master, "name").value_or(""));
      commands.push_back({"SENTINEL", "CKQUORUM", name});
      commands.push_back({"SENTINEL", "SENTINELS", name});
      commands.push_back({"SENTINEL", "SLAVES", name});
    }
    ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                     client_->Run(commands, context.deadline));
    for (size_t i = 0; i < masters.elements.size(); ++i) {
      WriteRedisSentinelMaster(masters.elements[i], replies[3 * i], replies[3 * i + 1],
                               replies[3 * i + 2], sink);
    }
    return Ok();
  }

  Result<RedisReply> Ask(const RedisCommand& command, CollectContext& context) {
    ASSIGN_OR_RETURN(std::vector<RedisReply> replies, client_->Run({command}, context.deadline));
    if (replies[0].kind == Kind::kError) {
      context.problems.push_back(command[0] + " " + command[1] + ": " +
                                 PeerMessage(replies[0].text));
      return RedisReply{};
    }
    return std::move(replies[0]);
  }

  void WriteOwn(SteadyTime started, const CollectContext& context, MetricSink& sink) const {
    const std::chrono::duration<double> took = clock_.Steady() - started;
    const std::chrono::duration<double> connect = client_->connect_time();
    sink.Write(Family("redis_exporter_last_scrape_duration_seconds"), took.count());
    sink.Write(Family("redis_exporter_last_scrape_connect_time_seconds"), connect.count());
    sink.Write(Family("redis_exporter_last_scrape_error"), context.problems.empty() ? 0 : 1);
    sink.Write(Family("redis_exporter_scrapes_total"), static_cast<double>(collections_));
  }

  const RedisConfig config_;
  const Clock& clock_;
  std::optional<RedisClient> client_;
  std::optional<RedisClient> replica_;
  std::optional<RedisKeys> keys_;
  uint64_t collections_ = 0;
  Error broken_;
};

Result<RedisAddress> AddressOf(const RedisConfig& config, const Secret& url) {
  ASSIGN_OR_RETURN(RedisAddress address, ParseRedisUrl(url));
  if (!config.user.empty()) address.user = config.user;
  if (!config.password.empty()) address.password = config.password;
  address.tls_options = config.tls;
  return address;
}

std::vector<CollectorTarget> Targets(const Config& config, const std::string& /*own_instance*/) {
  std::vector<CollectorTarget> targets;
  for (const RedisConfig& written : config.collectors.redis) {
    auto redis = std::make_shared<RedisConfig>(written);
    const Result<RedisAddress> address = AddressOf(written, written.url);
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
  std::optional<Result<RedisAddress>> replica;
  if (!redis.keys_url.empty()) replica = AddressOf(redis, redis.keys_url);
  return std::make_unique<RedisCollector>(redis, AddressOf(redis, redis.url), std::move(replica),
                                          dependencies.clock);
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
