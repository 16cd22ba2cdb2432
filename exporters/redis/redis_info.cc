#include "exporters/redis/redis_info.h"

#include <set>

#include "exporters/family_index.h"
#include "exporters/redis/redis_families.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

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

void WriteNumbers(const RedisInfo& info, MetricSink& sink) {
  for (const RedisInfoField& row : kRedisInfoFields) {
    if (const std::optional<double> value = info.Number(row.field)) {
      sink.Write(Family(row.family), *value);
    }
  }
}

void WriteAliases(const RedisInfo& info, MetricSink& sink) {
  for (const FamilySpec& family : kRedisFamilies) {
    if (family.alias_of.empty()) continue;
    for (const RedisInfoField& row : kRedisInfoFields) {
      if (row.family != family.alias_of) continue;
      if (const std::optional<double> value = info.Number(row.field)) sink.Write(family, *value);
    }
  }
}

void WriteDatabases(const RedisInfo& info, int databases, MetricSink& sink) {
  std::set<std::string> names;
  for (int i = 0; i < databases; ++i) names.insert("db" + std::to_string(i));
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

void WriteCommands(const RedisInfo& info, MetricSink& sink) {
  constexpr std::string_view kPrefix = "cmdstat_";
  for (const CommandFigure& figure : kCommandFigures) {
    for (const auto& [field, value] : info.fields()) {
      if (!field.starts_with(kPrefix)) continue;
      sink.Write(Family(figure.family), {{"cmd", std::string_view(field).substr(kPrefix.size())}},
                 RedisPart(value, figure.part) * figure.unit);
    }
  }
  constexpr std::string_view kErrors = "errorstat_";
  for (const auto& [field, value] : info.fields()) {
    if (!field.starts_with(kErrors)) continue;
    sink.Write(Family("redis_errors_total"),
               {{"err", std::string_view(field).substr(kErrors.size())}},
               RedisPart(value, "count"));
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

void WriteRedisInfo(const RedisInfo& info, int databases, bool aliases, MetricSink& sink) {
  WriteInstance(info, sink);
  WriteNumbers(info, sink);
  if (aliases) WriteAliases(info, sink);
  WriteDatabases(info, databases, sink);
  WriteCommands(info, sink);
  WriteReplication(info, sink);
}

}  // namespace tocsin
