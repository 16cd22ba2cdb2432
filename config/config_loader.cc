#include <fmt/core.h>

#include "config/config_reader.h"

namespace tocsin {
namespace {

constexpr KnownField kRefusedSections[] = {
    {"remote_read", "queries read the embedded store"},
    {"scrape_config_files", "write the jobs into this file"},
    {"otlp", "OpenTelemetry metrics are not received"},
};
constexpr KnownField kIgnoredSections[] = {
    {"storage", "the store is set by --storage.tsdb.* flags"},
    {"tracing", "no traces are made"},
    {"runtime", "it concerns Go's garbage collector"},
};
constexpr KnownField kIgnoredEverywhere[] = {
    {"scrape_protocols", "the text formats are asked for"},
    {"fallback_scrape_protocol", "the Prometheus text format is assumed"},
    {"keep_dropped_targets", "all dropped targets are shown"},
    {"metric_name_validation_scheme", "all UTF-8 names are taken"},
    {"metric_name_escaping_scheme", "names are not escaped"},
    {"scrape_native_histograms", "text formats carry none"},
    {"convert_classic_histograms_to_nhcb", "histograms stay as they are"},
    {"always_scrape_classic_histograms", "they always are"},
    {"extra_scrape_metrics", "there are no further ones"},
    {"scrape_failure_log_file", "failures are logged with everything else"},
};
constexpr KnownField kRefusedLimits[] = {
    {"label_name_length_limit", "use label_limit or sample_limit"},
    {"label_value_length_limit", "use label_limit or sample_limit"},
    {"target_limit", "keep fewer targets with relabel_configs"},
};
constexpr KnownField kIgnoredGlobal[] = {{"query_log_file", "queries are not logged"}};
constexpr KnownField kIgnoredScrape[] = {
    {"enable_compression", "gzip is always offered"},
    {"track_timestamps_staleness", "series that vanish always get a stale marker"},
    {"native_histogram_bucket_limit", "text formats carry no native histograms"},
    {"native_histogram_min_bucket_factor", "text formats carry no native histograms"},
};

// `global` with the limits that are defaults for the jobs.
struct Global {
  GlobalConfig config;
  uint64_t body_size_limit = 0;
  int64_t sample_limit = 0;
  int64_t label_limit = 0;
};

Result<Duration> PositiveDuration(YamlMap& map, std::string_view field, Duration otherwise) {
  ASSIGN_OR_RETURN(const Duration duration, map.OptionalDuration(field, otherwise));
  if (duration <= Duration::zero()) {
    return map.ErrorAt(field, fmt::format("{} must be longer than 0", field));
  }
  return duration;
}

Result<int64_t> ReadLimit(YamlMap& map, std::string_view field, int64_t otherwise) {
  ASSIGN_OR_RETURN(const int64_t limit, map.OptionalInt(field, otherwise));
  if (limit < 0) return map.ErrorAt(field, fmt::format("{} must not be negative", field));
  return limit;
}

Result<Global> ReadGlobal(YamlMap& root, ConfigReader& reader) {
  Global global;
  const std::optional<YamlNode> section = root.Find("global");
  if (!section) return global;
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*section, "global"));
  GlobalConfig& config = global.config;
  ASSIGN_OR_RETURN(config.scrape_interval,
                   PositiveDuration(map, "scrape_interval", config.scrape_interval));
  const Duration timeout = std::min(config.scrape_timeout, config.scrape_interval);
  ASSIGN_OR_RETURN(config.scrape_timeout, PositiveDuration(map, "scrape_timeout", timeout));
  if (config.scrape_timeout > config.scrape_interval) {
    return map.ErrorAt("scrape_timeout", "global scrape timeout greater than scrape interval");
  }
  ASSIGN_OR_RETURN(config.evaluation_interval,
                   PositiveDuration(map, "evaluation_interval", config.evaluation_interval));
  ASSIGN_OR_RETURN(config.rule_query_offset,
                   map.OptionalDuration("rule_query_offset", Duration::zero()));
  ASSIGN_OR_RETURN(config.external_labels, ReadLabels(map, "external_labels"));
  ASSIGN_OR_RETURN(global.body_size_limit, map.OptionalBytes("body_size_limit", 0));
  ASSIGN_OR_RETURN(global.sample_limit, ReadLimit(map, "sample_limit", 0));
  ASSIGN_OR_RETURN(global.label_limit, ReadLimit(map, "label_limit", 0));
  RETURN_IF_ERROR(reader.RefuseFields(map, kRefusedLimits));
  reader.IgnoreFields(map, kIgnoredEverywhere);
  reader.IgnoreFields(map, kIgnoredGlobal);
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return global;
}

Result<AlertmanagerConfig> ReadAlertmanager(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an alertmanager config"));
  AlertmanagerConfig config;
  ASSIGN_OR_RETURN(config.scheme, ReadScheme(map));
  ASSIGN_OR_RETURN(config.path_prefix, map.OptionalString("path_prefix", config.path_prefix));
  ASSIGN_OR_RETURN(config.timeout, PositiveDuration(map, "timeout", config.timeout));
  ASSIGN_OR_RETURN(const std::string api, map.OptionalString("api_version", "v2"));
  if (api != "v2") {
    return map.Find("api_version")
        ->ErrorHere(
            fmt::format("expected Alertmanager api version to be one of [v2] but got {}", api));
  }
  ASSIGN_OR_RETURN(config.http, ReadHttpClient(map, reader));
  ASSIGN_OR_RETURN(config.static_configs, ReadStaticConfigs(map));
  ASSIGN_OR_RETURN(config.discovery, ReadDiscovery(map, reader));
  ASSIGN_OR_RETURN(config.relabel_configs, ReadRelabelRules(map, "relabel_configs"));
  ASSIGN_OR_RETURN(config.alert_relabel_configs, ReadRelabelRules(map, "alert_relabel_configs"));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return config;
}

Status ReadAlerting(YamlMap& root, ConfigReader& reader, Config& config) {
  const std::optional<YamlNode> section = root.Find("alerting");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*section, "alerting"));
  ASSIGN_OR_RETURN(config.alert_relabel_configs, ReadRelabelRules(map, "alert_relabel_configs"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> list, map.OptionalList("alertmanagers"));
  for (const YamlNode& node : list) {
    ASSIGN_OR_RETURN(AlertmanagerConfig one, ReadAlertmanager(node, reader));
    config.alertmanagers.push_back(std::move(one));
  }
  return map.RejectUnknownFields();
}

Status ReadScrapeTimes(YamlMap& map, const GlobalConfig& global, ScrapeConfig& config) {
  ASSIGN_OR_RETURN(config.scrape_interval,
                   PositiveDuration(map, "scrape_interval", global.scrape_interval));
  const Duration timeout = std::min(global.scrape_timeout, config.scrape_interval);
  ASSIGN_OR_RETURN(config.scrape_timeout, PositiveDuration(map, "scrape_timeout", timeout));
  if (config.scrape_timeout > config.scrape_interval) {
    return map.ErrorAt("scrape_timeout",
                       fmt::format("scrape timeout greater than scrape interval for scrape config "
                                   "with job name \"{}\"",
                                   config.job_name));
  }
  return Ok();
}

Status ReadParams(YamlMap& map, ScrapeConfig& config) {
  const std::optional<YamlNode> section = map.Find("params");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, section->AsEntries());
  for (const auto& [key, value] : entries) {
    ASSIGN_OR_RETURN(config.params[key.text()], value.AsStringList());
  }
  return Ok();
}

Status ReadScrapeLimits(YamlMap& map, const Global& global, ScrapeConfig& config) {
  ASSIGN_OR_RETURN(const int64_t samples, ReadLimit(map, "sample_limit", global.sample_limit));
  ASSIGN_OR_RETURN(const int64_t labels, ReadLimit(map, "label_limit", global.label_limit));
  ASSIGN_OR_RETURN(config.body_size_limit,
                   map.OptionalBytes("body_size_limit", global.body_size_limit));
  config.sample_limit = static_cast<size_t>(samples);
  config.label_limit = static_cast<size_t>(labels);
  return Ok();
}

Result<ScrapeConfig> ReadScrape(const YamlNode& node, const Global& global, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a scrape config"));
  ScrapeConfig config;
  ASSIGN_OR_RETURN(config.job_name, map.RequiredString("job_name"));
  if (config.job_name.empty()) return map.ErrorAt("job_name", "job_name is empty");
  RETURN_IF_ERROR(ReadScrapeTimes(map, global.config, config));
  ASSIGN_OR_RETURN(config.metrics_path, map.OptionalString("metrics_path", config.metrics_path));
  ASSIGN_OR_RETURN(config.scheme, ReadScheme(map));
  RETURN_IF_ERROR(ReadParams(map, config));
  ASSIGN_OR_RETURN(config.honor_labels, map.OptionalBool("honor_labels", false));
  ASSIGN_OR_RETURN(config.honor_timestamps, map.OptionalBool("honor_timestamps", true));
  RETURN_IF_ERROR(ReadScrapeLimits(map, global, config));
  ASSIGN_OR_RETURN(config.http, ReadHttpClient(map, reader));
  ASSIGN_OR_RETURN(config.static_configs, ReadStaticConfigs(map));
  ASSIGN_OR_RETURN(config.discovery, ReadDiscovery(map, reader));
  ASSIGN_OR_RETURN(config.relabel_configs, ReadRelabelRules(map, "relabel_configs"));
  ASSIGN_OR_RETURN(config.metric_relabel_configs, ReadRelabelRules(map, "metric_relabel_configs"));
  RETURN_IF_ERROR(reader.RefuseFields(map, kRefusedLimits));
  reader.IgnoreFields(map, kIgnoredEverywhere);
  reader.IgnoreFields(map, kIgnoredScrape);
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return config;
}

Status ReadScrapes(YamlMap& root, const Global& global, ConfigReader& reader, Config& config) {
  ASSIGN_OR_RETURN(const std::vector<YamlNode> list, root.OptionalList("scrape_configs"));
  for (const YamlNode& node : list) {
    ASSIGN_OR_RETURN(ScrapeConfig one, ReadScrape(node, global, reader));
    for (const ScrapeConfig& other : config.scrape_configs) {
      if (other.job_name != one.job_name) continue;
      return node.ErrorHere(
          fmt::format("found multiple scrape configs with job name \"{}\"", one.job_name));
    }
    config.scrape_configs.push_back(std::move(one));
  }
  return Ok();
}

// The tree again with ${VAR} as written, for showing.
Result<std::string> Redacted(const std::string& path, const std::string& text,
                             const ConfigReader& reader) {
  ASSIGN_OR_RETURN(const YamlNode plain, YamlNode::Parse(path, text));
  return PrintRedacted(plain, reader.secret_places());
}

}  // namespace

Result<Config> ParseConfig(const FileSystem& files, const Environment& environment,
                           const std::string& path, const std::string& text) {
  YamlOptions options;
  options.expand = [&](std::string_view value) { return ExpandEnvironment(environment, value); };
  options.verbatim_fields = {"replacement", "regex"};
  ASSIGN_OR_RETURN(const YamlNode node, YamlNode::Parse(path, text, options));
  ASSIGN_OR_RETURN(YamlMap root, YamlMap::Open(node, "the configuration"));
  ConfigReader reader(files, path);
  Config config;
  config.path = path;
  ASSIGN_OR_RETURN(const Global global, ReadGlobal(root, reader));
  config.global = global.config;
  ASSIGN_OR_RETURN(config.rule_files, root.OptionalStringList("rule_files"));
  RETURN_IF_ERROR(ReadAlerting(root, reader, config));
  RETURN_IF_ERROR(ReadScrapes(root, global, reader, config));
  if (const std::optional<YamlNode> collectors = root.Find("collectors")) {
    ASSIGN_OR_RETURN(config.collectors, ReadCollectors(*collectors, reader));
  }
  ASSIGN_OR_RETURN(config.remote_writes, ReadRemoteWrites(root, reader));
  RETURN_IF_ERROR(reader.RefuseFields(root, kRefusedSections));
  reader.IgnoreFields(root, kIgnoredSections);
  RETURN_IF_ERROR(root.RejectUnknownFields());
  ASSIGN_OR_RETURN(config.redacted_text, Redacted(path, text, reader));
  config.warnings = reader.TakeWarnings();
  return config;
}

Result<Config> LoadConfig(const FileSystem& files, const Environment& environment,
                          const std::string& path) {
  Result<std::string> text = files.Read(path);
  if (!text.ok()) return Prefixed("configuration: ", text.error());
  return ParseConfig(files, environment, path, *text);
}

}  // namespace tocsin
