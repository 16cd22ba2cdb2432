#include "exporters/redis/redis_info.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "exporters/family_index.h"
#include "exporters/redis/redis_families.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

constexpr int kMaxDatabases = 1000;
// A server with every command, error and replica has some thousand.
constexpr size_t kMaxFields = 20'000;

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kRedisFamilies, name); }

// "db0" of "db0:keys=…"; nothing for another field.
bool IsDatabase(std::string_view field) {
  return field.size() > 2 && field.starts_with("db") &&
         field.find_first_not_of("0123456789", 2) == std::string_view::npos;
}

bool IsReplica(std::string_view field) {
  return field.size() > 5 && field.starts_with("slave") &&
         field.find_first_not_of("0123456789", 5) == std::string_view::npos;
}

void WriteInstance(const RedisInfo& info, MetricSink& sink) {
  sink.Write(Family("redis_instance_info"),
             {{"role", info.Get("role")},
              {"redis_version", info.Get("redis_version")},
              {"redis_build_id", info.Get("redis_build_id")},
              {"redis_mode", info.Get("redis_mode")},
              {"os", info.Get("os")},
              {"maxmemory_policy", info.Get("maxmemory_policy")},
              {"tcp_port", info.Get("tcp_port")},
              {"run_id", info.Get("run_id")},
              {"process_id", info.Get("process_id")},
              {"master_replid", info.Get("master_replid")}},
             1);
}

void WriteAliases(const RedisInfo& info, MetricSink& sink) {
  for (const FamilySpec& family : kRedisFamilies) {
    if (family.alias_of.empty()) continue;
    for (const RedisInfoField& row : kRedisInfoFields) {
      if (row.family.name != family.alias_of) continue;
      if (const std::optional<double> value = info.Number(row.field)) sink.Write(family, *value);
    }
  }
}

void WriteDatabases(const RedisInfo& info, int databases, MetricSink& sink) {
  std::set<std::string> names;
  for (int i = 0; i < std::min(databases, kMaxDatabases); ++i)
    names.insert("db" + std::to_string(i));
  for (const auto& [field, value] : info.fields()) {
    if (IsDatabase(field)) names.insert(field);
  }
  for (const std::string& name : names) {
    sink.Write(Family("redis_db_keys"), {{"db", name}}, RedisPart(info.Get(name), "keys"));
  }
  for (const std::string& name : names) {
    sink.Write(Family("redis_db_keys_expiring"), {{"db", name}},
               RedisPart(info.Get(name), "expires"));
  }
  for (const std::string& name : names) {
    if (info.Get(name).empty()) continue;
    sink.Write(Family("redis_db_avg_ttl_seconds"), {{"db", name}},
               RedisPart(info.Get(name), "avg_ttl") / 1000);
  }
}

struct CommandFigure {
  std::string_view family;
  std::string_view part;
  double unit;
};
constexpr CommandFigure kCommandFigures[] = {
    {"redis_commands_total", "calls", 1},
    {"redis_commands_duration_seconds_total", "usec", 1e-6},
    {"redis_commands_rejected_calls_total", "rejected_calls", 1},
    {"redis_commands_failed_calls_total", "failed_calls", 1},
};

constexpr std::string_view kCommandPrefix = "cmdstat_";
constexpr std::string_view kErrorPrefix = "errorstat_";
constexpr std::string_view kPercentilePrefix = "latency_percentiles_usec_";

void WriteCommands(const RedisInfo& info, MetricSink& sink) {
  for (const CommandFigure& figure : kCommandFigures) {
    for (const auto& [field, value] : info.fields()) {
      if (!field.starts_with(kCommandPrefix)) continue;
      sink.Write(Family(figure.family),
                 {{"cmd", std::string_view(field).substr(kCommandPrefix.size())}},
                 RedisPart(value, figure.part) * figure.unit);
    }
  }
  for (const auto& [field, value] : info.fields()) {
    if (!field.starts_with(kErrorPrefix)) continue;
    sink.Write(Family("redis_errors_total"),
               {{"err", std::string_view(field).substr(kErrorPrefix.size())}},
               RedisPart(value, "count"));
  }
}

// "p50=1.003,p99=2.007": the percentiles that the server is configured to keep.
void WritePercentiles(const RedisInfo& info, const RedisCommandSet& commands, MetricSink& sink) {
  const FamilySpec& family = Family("redis_latency_percentiles_usec");
  for (const auto& [field, value] : info.fields()) {
    if (!field.starts_with(kPercentilePrefix)) continue;
    const std::string_view command = std::string_view(field).substr(kPercentilePrefix.size());
    if (!commands.contains(command)) continue;
    std::string_view list = value;
    while (!list.empty()) {
      const std::string_view part = list.substr(0, list.find(','));
      list.remove_prefix(std::min(part.size() + 1, list.size()));
      const size_t equals = part.find('=');
      if (!part.starts_with('p') || equals == std::string_view::npos) continue;
      sink.Write(family, {{"cmd", command}, {"quantile", part.substr(1, equals - 1)}},
                 NumberOrZero(part.substr(equals + 1)));
    }
    const std::string_view calls = info.Get(std::string(kCommandPrefix) + std::string(command));
    const MetricSink::LabelView label[] = {{"cmd", command}};
    sink.WriteSuffixed(family, "_sum", label, RedisPart(calls, "usec"));
    sink.WriteSuffixed(family, "_count", label, RedisPart(calls, "calls"));
  }
}

void WriteTimes(const RedisInfo& info, MetricSink& sink) {
  const std::optional<double> now = info.Number("server_time_usec");
  const std::optional<double> uptime = info.Number("uptime_in_seconds");
  if (now && uptime) {
    sink.Write(Family("redis_start_time_seconds"), std::floor(*now / 1e6 - *uptime));
  }
  if (const std::optional<double> fork = info.Number("latest_fork_usec")) {
    sink.Write(Family("redis_latest_fork_seconds"), *fork / 1e6);
  }
}

// master0:name=main,status=ok,address=10.0.0.1:6379,slaves=1,sentinels=3
void WriteSentinelMasters(const RedisInfo& info, MetricSink& sink) {
  struct Figure {
    std::string_view family;
    std::string_view part;
  };
  constexpr Figure kFigures[] = {{"redis_sentinel_master_slaves", "slaves"},
                                 {"redis_sentinel_master_sentinels", "sentinels"}};
  const auto is_master = [](std::string_view field) {
    return field.size() > 6 && field.starts_with("master") &&
           field.find_first_not_of("0123456789", 6) == std::string_view::npos;
  };
  for (const auto& [field, value] : info.fields()) {
    if (!is_master(field)) continue;
    const std::string_view status = RedisTextPart(value, "status");
    sink.Write(Family("redis_sentinel_master_status"),
               {{"master_name", RedisTextPart(value, "name")},
                {"master_address", RedisTextPart(value, "address")},
                {"master_status", status}},
               status == "ok" ? 1 : 0);
  }
  for (const Figure& figure : kFigures) {
    for (const auto& [field, value] : info.fields()) {
      if (!is_master(field)) continue;
      sink.Write(Family(figure.family),
                 {{"master_name", RedisTextPart(value, "name")},
                  {"master_address", RedisTextPart(value, "address")}},
                 RedisPart(value, figure.part));
    }
  }
}

void WriteReplication(const RedisInfo& info, MetricSink& sink) {
  for (const auto& [family, part] : {std::pair("redis_connected_slave_offset_bytes", "offset"),
                                     std::pair("redis_connected_slave_lag_seconds", "lag")}) {
    for (const auto& [field, value] : info.fields()) {
      if (!IsReplica(field)) continue;
      sink.Write(Family(family),
                 {{"slave_ip", RedisTextPart(value, "ip")},
                  {"slave_port", RedisTextPart(value, "port")},
                  {"slave_state", RedisTextPart(value, "state")}},
                 RedisPart(value, part));
    }
  }
  if (info.Get("master_host").empty()) return;
  const std::pair<std::string_view, std::string_view> host = {"master_host",
                                                              info.Get("master_host")};
  const std::pair<std::string_view, std::string_view> port = {"master_port",
                                                              info.Get("master_port")};
  if (const std::optional<double> offset = info.Number("slave_repl_offset")) {
    sink.Write(Family("redis_slave_repl_offset"), {host, port}, *offset);
  }
  sink.Write(Family("redis_slave_info"), {host, port, {"read_only", info.Get("slave_read_only")}},
             1);
  for (const auto& [family, field] :
       {std::pair("redis_master_link_up", "master_link_status"),
        std::pair("redis_master_last_io_seconds_ago", "master_last_io_seconds_ago"),
        std::pair("redis_master_sync_in_progress", "master_sync_in_progress")}) {
    if (const std::optional<double> value = info.Number(field)) {
      sink.Write(Family(family), {host, port}, *value);
    }
  }
}

}  // namespace

RedisInfo::RedisInfo(std::string_view text) {
  while (const std::optional<std::string_view> line = TakeLine(text)) {
    const size_t colon = line->find(':');
    if (line->starts_with('#') || colon == std::string_view::npos) continue;
    if (fields_.size() >= kMaxFields) break;
    fields_.emplace(line->substr(0, colon), line->substr(colon + 1));
  }
}

std::string_view RedisInfo::Get(std::string_view field) const {
  const auto found = fields_.find(field);
  return found == fields_.end() ? std::string_view() : found->second;
}

std::optional<double> RedisInfo::Number(std::string_view field) const {
  const std::string_view text = Get(field);
  if (text.empty()) return std::nullopt;
  if (const std::optional<double> number = ReadNumber(text)) return number;
  return text == "ok" || text == "up" || text == "yes" ? 1 : 0;
}

std::string_view RedisTextPart(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view part = list.substr(0, comma);
    const size_t equals = part.find('=');
    if (equals != std::string_view::npos && part.substr(0, equals) == name) {
      return part.substr(equals + 1);
    }
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return {};
}

double RedisPart(std::string_view list, std::string_view name) {
  return NumberOrZero(RedisTextPart(list, name));
}

RedisCommandSet BusiestCommands(const RedisInfo& info, size_t most) {
  std::vector<std::pair<double, std::string_view>> commands;
  for (const auto& [field, value] : info.fields()) {
    if (!field.starts_with(kCommandPrefix)) continue;
    commands.emplace_back(RedisPart(value, "calls"),
                          std::string_view(field).substr(kCommandPrefix.size()));
  }
  std::ranges::sort(commands, std::greater());
  RedisCommandSet busiest;
  for (size_t i = 0; i < std::min(most, commands.size()); ++i) {
    busiest.emplace(commands[i].second);
  }
  return busiest;
}

std::vector<int> UsedRedisDatabases(const RedisInfo& info) {
  std::vector<int> used;
  for (const auto& [field, value] : info.fields()) {
    const std::optional<double> number =
        IsDatabase(field) ? ReadNumber(field.substr(2)) : std::nullopt;
    if (number && *number < 1e6 && used.size() < static_cast<size_t>(kMaxDatabases)) {
      used.push_back(static_cast<int>(*number));
    }
  }
  return used;
}

void WriteRedisNumbers(const RedisInfo& info, MetricSink& sink) {
  for (const RedisInfoField& row : kRedisInfoFields) {
    if (const std::optional<double> value = info.Number(row.field)) sink.Write(row.family, *value);
  }
}

void WriteRedisInfo(const RedisInfo& info, const RedisInfoOptions& options, MetricSink& sink) {
  WriteInstance(info, sink);
  WriteRedisNumbers(info, sink);
  if (options.aliases) WriteAliases(info, sink);
  WriteTimes(info, sink);
  WriteDatabases(info, options.databases, sink);
  WriteCommands(info, sink);
  WritePercentiles(info, BusiestCommands(info, options.max_commands), sink);
  WriteReplication(info, sink);
  WriteSentinelMasters(info, sink);
}

}  // namespace tocsin
