// The section remote_write of prometheus.yml.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "config/config_reader.h"

namespace tocsin {
namespace {

constexpr KnownField kIgnored[] = {
    {"send_exemplars", "no exemplars are kept"},
    {"send_native_histograms", "samples are sent as numbers"},
    {"round_robin_dns", "one connection is used"},
    {"metadata_config", "metadata is not sent"},
};
constexpr KnownField kIgnoredInQueue[] = {
    {"min_shards", "one request at a time is sent"},
    {"retry_on_http_429", "it is always tried again"},
};

Result<size_t> ReadCount(YamlMap& map, std::string_view field, size_t otherwise) {
  ASSIGN_OR_RETURN(const int64_t count, map.OptionalInt(field, static_cast<int64_t>(otherwise)));
  if (count <= 0) return map.ErrorAt(field, fmt::format("{} must be greater than 0", field));
  return static_cast<size_t>(count);
}

Status ReadQueue(YamlMap& endpoint, ConfigReader& reader, RemoteWriteConfig& config) {
  const std::optional<YamlNode> section = endpoint.Find("queue_config");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*section, "a queue config"));
  ASSIGN_OR_RETURN(const size_t shards, ReadCount(map, "max_shards", 50));
  ASSIGN_OR_RETURN(const size_t capacity, ReadCount(map, "capacity", 10'000));
  config.capacity = std::min(capacity * shards, RemoteWriteConfig::kMostCapacity);
  ASSIGN_OR_RETURN(config.max_samples_per_send,
                   ReadCount(map, "max_samples_per_send", config.max_samples_per_send));
  ASSIGN_OR_RETURN(config.batch_send_deadline,
                   map.OptionalDuration("batch_send_deadline", config.batch_send_deadline));
  ASSIGN_OR_RETURN(config.min_backoff, map.OptionalDuration("min_backoff", config.min_backoff));
  ASSIGN_OR_RETURN(config.max_backoff, map.OptionalDuration("max_backoff", config.max_backoff));
  ASSIGN_OR_RETURN(config.sample_age_limit,
                   map.OptionalDuration("sample_age_limit", config.sample_age_limit));
  if (config.min_backoff <= Duration::zero() || config.max_backoff < config.min_backoff) {
    return map.ErrorAt("max_backoff", "max_backoff must not be less than min_backoff, nor 0");
  }
  reader.IgnoreFields(map, kIgnoredInQueue);
  return map.RejectUnknownFields();
}

// They may hold tokens.
Status ReadHeaders(YamlMap& map, ConfigReader& reader, RemoteWriteConfig& config) {
  const std::optional<YamlNode> section = map.Find("headers");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, section->AsEntries());
  for (const auto& [name, value] : entries) {
    ASSIGN_OR_RETURN(std::string text, value.AsString());
    reader.NoteSecret(value);
    config.http.headers.emplace_back(name.text(), Secret(std::move(text)));
  }
  return Ok();
}

Result<RemoteWriteConfig> ReadEndpoint(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a remote write config"));
  RemoteWriteConfig config;
  ASSIGN_OR_RETURN(config.url, map.RequiredString("url"));
  if (!config.url.starts_with("http://") && !config.url.starts_with("https://")) {
    return map.ErrorAt("url", "the URL of a remote write must begin with http:// or https://");
  }
  ASSIGN_OR_RETURN(config.name, map.OptionalString("name"));
  ASSIGN_OR_RETURN(config.timeout, map.OptionalDuration("remote_timeout", config.timeout));
  if (config.timeout <= Duration::zero()) {
    return map.ErrorAt("remote_timeout", "remote_timeout must be greater than 0");
  }
  ASSIGN_OR_RETURN(const std::string message,
                   map.OptionalString("protobuf_message", "prometheus.WriteRequest"));
  if (message != "prometheus.WriteRequest") {
    return map.ErrorAt("protobuf_message", "only prometheus.WriteRequest is sent");
  }
  ASSIGN_OR_RETURN(config.http, ReadHttpClient(map, reader));
  RETURN_IF_ERROR(ReadHeaders(map, reader, config));
  ASSIGN_OR_RETURN(config.relabel_configs, ReadRelabelRules(map, "write_relabel_configs"));
  RETURN_IF_ERROR(ReadQueue(map, reader, config));
  reader.IgnoreFields(map, kIgnored);
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return config;
}

}  // namespace

Result<std::vector<RemoteWriteConfig>> ReadRemoteWrites(YamlMap& root, ConfigReader& reader) {
  std::vector<RemoteWriteConfig> configs;
  std::set<std::string> names;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> list, root.OptionalList("remote_write"));
  for (const YamlNode& node : list) {
    ASSIGN_OR_RETURN(RemoteWriteConfig config, ReadEndpoint(node, reader));
    if (config.name.empty()) {
      config.name = std::to_string(configs.size());
    }
    if (!names.insert(config.name).second) {
      return node.ErrorHere(
          fmt::format("found multiple remote write configs with job name \"{}\"", config.name));
    }
    configs.push_back(std::move(config));
  }
  return configs;
}

}  // namespace tocsin
