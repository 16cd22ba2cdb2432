#include "exporters/redis/redis_details.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "exporters/family_index.h"
#include "exporters/redis/redis_families.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

using Kind = RedisReply::Kind;
using Labels = std::vector<MetricSink::LabelView>;

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kRedisFamilies, name); }

// What a client or a setting says of itself; more is nonsense.
constexpr size_t kLongestLine = 16 << 10;

// Settings whose values let others in.
constexpr std::string_view kSecretSettings[] = {
    "requirepass", "masterauth",  "masteruser", "tls-key-file-pass", "tls-client-key-file-pass",
    "primaryauth", "primaryuser",
};

bool IsSecret(std::string_view setting) {
  return std::ranges::find(kSecretSettings, setting) != std::end(kSecretSettings);
}

// "id=3 addr=127.0.0.1:1234 …": the value behind a name.
std::string_view ClientPart(std::string_view line, std::string_view name) {
  for (const std::string_view field : Fields(line)) {
    const size_t equals = field.find('=');
    if (equals != std::string_view::npos && field.substr(0, equals) == name) {
      return field.substr(equals + 1);
    }
  }
  return {};
}

struct ClientFigure {
  std::string_view family;
  std::string_view part;
};
constexpr ClientFigure kClientFigures[] = {
    {"redis_connected_client_channel_subscriptions_count", "sub"},
    {"redis_connected_client_pattern_matching_subscriptions_count", "psub"},
    {"redis_connected_client_shard_channel_subscriptions_count", "ssub"},
    {"redis_connected_client_output_buffer_length_bytes", "obl"},
    {"redis_connected_client_output_buffer_memory_usage_bytes", "omem"},
    {"redis_connected_client_output_list_length", "oll"},
    {"redis_connected_client_query_buffer_free_space_bytes", "qbuf-free"},
    {"redis_connected_client_query_buffer_length_bytes", "qbuf"},
    {"redis_connected_client_total_memory_consumed_bytes", "tot-mem"},
};
// Seconds before now.
constexpr ClientFigure kClientTimes[] = {
    {"redis_connected_client_created_at_timestamp", "age"},
    {"redis_connected_client_idle_since_timestamp", "idle"},
};

// How many of the instances, each a list of pairs, are not said to be down.
double CountUp(const RedisReply& instances) {
  return static_cast<double>(std::ranges::count_if(instances.elements, [](const RedisReply& one) {
    const std::optional<std::string_view> flags = RedisSetting(one, "flags");
    return flags && flags->find("o_down") == std::string_view::npos &&
           flags->find("s_down") == std::string_view::npos;
  }));
}

}  // namespace

std::optional<std::string_view> RedisSetting(const RedisReply& pairs, std::string_view name) {
  for (size_t i = 0; i + 1 < pairs.elements.size(); i += 2) {
    if (pairs.elements[i].text == name) return pairs.elements[i + 1].text;
  }
  return std::nullopt;
}

void WriteRedisBufferLimits(const RedisReply& config, MetricSink& sink) {
  const std::optional<std::string_view> text = RedisSetting(config, "client-output-buffer-limit");
  if (!text || text->size() > kLongestLine) return;
  const std::vector<std::string_view> words = Fields(*text);
  const FamilySpec& bytes = Family("redis_config_client_output_buffer_limit_bytes");
  const FamilySpec& seconds = Family("redis_config_client_output_buffer_limit_overcome_seconds");
  for (size_t i = 0; i + 3 < words.size(); i += 4) {
    sink.Write(bytes, {{"class", words[i]}, {"limit", "hard"}}, NumberOrZero(words[i + 1]));
    sink.Write(bytes, {{"class", words[i]}, {"limit", "soft"}}, NumberOrZero(words[i + 2]));
  }
  for (size_t i = 0; i + 3 < words.size(); i += 4) {
    sink.Write(seconds, {{"class", words[i]}, {"limit", "soft"}}, NumberOrZero(words[i + 3]));
  }
}

void WriteRedisConfigValues(const RedisReply& config, MetricSink& sink) {
  const auto& words = config.elements;
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    if (IsSecret(words[i].text)) continue;
    sink.Write(Family("redis_config_key_value"),
               {{"key", words[i].text}, {"value", words[i + 1].text}}, 1);
  }
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    if (IsSecret(words[i].text)) continue;
    if (const std::optional<double> value = ReadNumber(words[i + 1].text)) {
      sink.Write(Family("redis_config_value"), {{"key", words[i].text}}, *value);
    }
  }
}

void WriteRedisSlowLog(const RedisReply& length, const RedisReply& newest, MetricSink& sink) {
  if (length.kind != Kind::kInteger) return;
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

void WriteRedisLatencySpikes(const RedisReply& latest, MetricSink& sink) {
  struct Figure {
    std::string_view family;
    size_t element;
    double unit;
  };
  // Each event: name, time, milliseconds of the last spike, milliseconds of the longest one.
  constexpr Figure kFigures[] = {{"redis_latency_spike_last", 1, 1},
                                 {"redis_latency_spike_duration_seconds", 2, 1e-3}};
  for (const Figure& figure : kFigures) {
    for (const RedisReply& event : latest.elements) {
      if (event.elements.size() < 3) continue;
      sink.Write(Family(figure.family), {{"event_name", event.elements[0].text}},
                 static_cast<double>(event.elements[figure.element].integer) * figure.unit);
    }
  }
}

void WriteRedisLatencyHistograms(const RedisReply& histograms, const RedisInfo& info,
                                 const RedisCommandSet& commands, MetricSink& sink) {
  const FamilySpec& family = Family("redis_commands_latencies_usec");
  const auto& pairs = histograms.elements;
  // command, {"calls", n, "histogram_usec", {bound, count up to it, …}}, …
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
    const std::string& command = pairs[i].text;
    const auto& parts = pairs[i + 1].elements;
    if (!commands.contains(command) || parts.size() < 4) continue;
    const auto calls = static_cast<double>(parts[1].integer);
    const auto& buckets = parts[3].elements;
    for (size_t bucket = 0; bucket + 1 < buckets.size(); bucket += 2) {
      const std::string bound = std::to_string(buckets[bucket].integer);
      sink.WriteSuffixed(family, "_bucket", Labels{{"cmd", command}, {"le", bound}},
                         static_cast<double>(buckets[bucket + 1].integer));
    }
    sink.WriteSuffixed(family, "_bucket", Labels{{"cmd", command}, {"le", "+Inf"}}, calls);
    sink.WriteSuffixed(family, "_sum", Labels{{"cmd", command}},
                       RedisPart(info.Get("cmdstat_" + command), "usec"));
    sink.WriteSuffixed(family, "_count", Labels{{"cmd", command}}, calls);
  }
}

void WriteRedisClients(std::string_view list, Timestamp now, size_t most, MetricSink& sink) {
  std::vector<std::string_view> clients;
  while (const std::optional<std::string_view> line = TakeLine(list)) {
    if (clients.size() >= most) break;
    if (!line->empty() && line->size() <= kLongestLine) clients.push_back(*line);
  }
  const double now_s = std::floor(ToSeconds(now));
  for (const std::string_view client : clients) {
    const std::string_view address = ClientPart(client, "addr");
    sink.Write(Family("redis_connected_client_info"),
               {{"id", ClientPart(client, "id")},
                {"name", ClientPart(client, "name")},
                {"db", ClientPart(client, "db")},
                {"flags", ClientPart(client, "flags")},
                {"host", address.substr(0, address.rfind(':'))},
                {"resp", ClientPart(client, "resp")},
                {"user", ClientPart(client, "user")}},
               1);
  }
  const auto write = [&](const ClientFigure& figure, bool is_time) {
    for (const std::string_view client : clients) {
      const std::optional<double> value = ReadNumber(ClientPart(client, figure.part));
      if (!value) continue;
      sink.Write(Family(figure.family),
                 {{"id", ClientPart(client, "id")}, {"name", ClientPart(client, "name")}},
                 is_time ? now_s - *value : *value);
    }
  };
  for (const ClientFigure& figure : kClientFigures) write(figure, false);
  for (const ClientFigure& figure : kClientTimes) write(figure, true);
}

void WriteRedisScript(std::string_view file_name, const RedisReply& reply, MetricSink& sink) {
  constexpr size_t kMostValues = 1000;
  const bool pairs = reply.kind == Kind::kArray && reply.elements.size() % 2 == 0;
  sink.Write(Family("redis_script_result"), {{"filename", file_name}}, pairs ? 1 : 0);
  if (!pairs) return;
  for (size_t i = 0; i + 1 < std::min(reply.elements.size(), 2 * kMostValues); i += 2) {
    const RedisReply& value = reply.elements[i + 1];
    sink.Write(Family("redis_script_values"),
               {{"filename", file_name}, {"key", reply.elements[i].text}},
               value.kind == Kind::kInteger ? static_cast<double>(value.integer)
                                            : NumberOrZero(value.text));
  }
}

std::optional<RedisSentinelMaster> ReadRedisSentinelMaster(const RedisReply& master) {
  const std::optional<std::string_view> name = RedisSetting(master, "name");
  const std::optional<std::string_view> ip = RedisSetting(master, "ip");
  const std::optional<std::string_view> port = RedisSetting(master, "port");
  if (!name || !ip || !port) return std::nullopt;
  return RedisSentinelMaster{*name, std::string(*ip) + ":" + std::string(*port)};
}

void WriteRedisSentinelMaster(const RedisReply& master, const RedisReply& quorum,
                              const RedisReply& sentinels, const RedisReply& replicas,
                              MetricSink& sink) {
  struct Figure {
    std::string_view family;
    std::string_view setting;
    double unit;
  };
  constexpr Figure kFigures[] = {
      {"redis_sentinel_master_setting_ckquorum", "quorum", 1},
      {"redis_sentinel_master_setting_failover_timeout", "failover-timeout", 1},
      {"redis_sentinel_master_setting_parallel_syncs", "parallel-syncs", 1},
      {"redis_sentinel_master_setting_down_after_milliseconds", "down-after-milliseconds", 1},
      {"redis_sentinel_master_config_epoch", "config-epoch", 1},
      {"redis_sentinel_master_last_ok_ping_reply_seconds", "last-ok-ping-reply", 1e-3},
  };
  const std::optional<RedisSentinelMaster> read = ReadRedisSentinelMaster(master);
  if (!read) return;
  const Labels labels = {{"master_name", read->name}, {"master_address", read->address}};
  for (const Figure& figure : kFigures) {
    if (const std::optional<std::string_view> value = RedisSetting(master, figure.setting)) {
      sink.Write(Family(figure.family), labels, NumberOrZero(*value) * figure.unit);
    }
  }
  sink.Write(Family("redis_sentinel_master_ckquorum_status"),
             {{"master_name", read->name}, {"message", quorum.text}},
             quorum.kind == Kind::kText ? 1 : 0);
  // A sentinel does not list itself.
  sink.Write(Family("redis_sentinel_master_ok_sentinels"), labels, CountUp(sentinels) + 1);
  sink.Write(Family("redis_sentinel_master_ok_slaves"), labels, CountUp(replicas));
}

}  // namespace tocsin
