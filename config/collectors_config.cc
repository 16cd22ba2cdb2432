#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "base/go_float.h"
#include "config/config_reader.h"

namespace tocsin {
namespace {

// `collectors.<kind>` holds one mapping or a list of them.
Result<std::vector<YamlNode>> OneOrMany(YamlMap& map, std::string_view kind) {
  const std::optional<YamlNode> section = map.Find(kind);
  if (!section) return std::vector<YamlNode>();
  if (section->kind() == YamlNode::Kind::kMap) return std::vector<YamlNode>{*section};
  return section->AsList();
}

Status ReadCommon(YamlMap& fields, CollectorConfig& config) {
  ASSIGN_OR_RETURN(config.job, fields.OptionalString("job"));
  ASSIGN_OR_RETURN(config.instance, fields.OptionalString("instance"));
  ASSIGN_OR_RETURN(config.labels, ReadLabels(fields, "labels"));
  ASSIGN_OR_RETURN(config.interval, fields.OptionalDuration("interval", Duration::zero()));
  ASSIGN_OR_RETURN(config.timeout, fields.OptionalDuration("timeout", Duration::zero()));
  ASSIGN_OR_RETURN(config.burst_interval,
                   fields.OptionalDuration("burst_interval", Duration::zero()));
  if (config.burst_interval != Duration::zero() &&
      config.burst_interval < std::chrono::seconds(1)) {
    return fields.ErrorAt("burst_interval", "a burst_interval is a second at the least");
  }
  ASSIGN_OR_RETURN(config.aliases, fields.OptionalBool("aliases", true));
  ASSIGN_OR_RETURN(const int64_t limit, fields.OptionalInt("series_limit", 10'000));
  if (limit < 1) return fields.ErrorAt("series_limit", "a family needs room for a series");
  config.series_limit = static_cast<size_t>(limit);
  if (config.interval > Duration::zero() && config.timeout > config.interval) {
    return fields.ErrorAt("timeout", "the timeout is longer than the interval");
  }
  return Ok();
}

Result<int> ReadPort(YamlMap& fields, int otherwise) {
  ASSIGN_OR_RETURN(const int64_t port, fields.OptionalInt("port", otherwise));
  if (port < 1 || port > 65535) {
    return fields.Find("port")->ErrorHere(fmt::format("{} is no port", port));
  }
  return static_cast<int>(port);
}

// Patterns that match whole names.
Result<std::vector<Regex>> ReadPatterns(YamlMap& fields, std::string_view field) {
  std::vector<Regex> patterns;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, fields.OptionalList(field));
  for (const YamlNode& node : nodes) {
    ASSIGN_OR_RETURN(const std::string text, node.AsString());
    Result<Regex> pattern = Regex::CompileAnchored(text);
    if (!pattern.ok()) return node.ErrorHere(pattern.error().message);
    patterns.push_back(*std::move(pattern));
  }
  return patterns;
}

Result<int> ReadCount(YamlMap& fields, std::string_view field, int otherwise, int most) {
  ASSIGN_OR_RETURN(const int64_t count, fields.OptionalInt(field, otherwise));
  if (count < 1 || count > most) {
    return fields.Find(field)->ErrorHere(fmt::format("expected 1 to {}", most));
  }
  return static_cast<int>(count);
}

// What is asked, of which databases, how often.
Status ReadPostgresScope(YamlMap& fields, ConfigReader& reader, PostgresConfig& config) {
  if (fields.Find("activity_labels")) {
    ASSIGN_OR_RETURN(config.activity_labels, fields.OptionalStringList("activity_labels"));
  }
  ASSIGN_OR_RETURN(config.enable, fields.OptionalStringList("enable"));
  ASSIGN_OR_RETURN(config.disable, fields.OptionalStringList("disable"));
  ASSIGN_OR_RETURN(config.discover_databases, fields.OptionalBool("discover_databases", true));
  ASSIGN_OR_RETURN(config.include_databases, ReadPatterns(fields, "include_databases"));
  ASSIGN_OR_RETURN(config.exclude_databases, ReadPatterns(fields, "exclude_databases"));
  ASSIGN_OR_RETURN(config.max_tables, ReadCount(fields, "max_tables", config.max_tables, 100'000));
  ASSIGN_OR_RETURN(config.statements_limit,
                   ReadCount(fields, "statements_limit", config.statements_limit, 10'000));
  ASSIGN_OR_RETURN(config.normal_interval,
                   fields.OptionalDuration("normal_interval", config.normal_interval));
  ASSIGN_OR_RETURN(config.slow_interval,
                   fields.OptionalDuration("slow_interval", config.slow_interval));
  ASSIGN_OR_RETURN(const std::string queries, fields.OptionalString("queries_file"));
  if (queries.empty()) return Ok();
  ASSIGN_OR_RETURN(const YamlNode root, reader.ReadYaml(fields, "queries_file"));
  ASSIGN_OR_RETURN(config.queries, ReadPostgresQueries(root));
  return Ok();
}

Result<PostgresConfig> ReadPostgres(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a postgres collector"));
  PostgresConfig config;
  RETURN_IF_ERROR(ReadCommon(fields, config));
  ASSIGN_OR_RETURN(const Secret url, reader.OptionalSecret(fields, "url"));
  ASSIGN_OR_RETURN(config.host, fields.OptionalString("host"));
  ASSIGN_OR_RETURN(config.port, ReadPort(fields, config.port));
  ASSIGN_OR_RETURN(config.user, fields.OptionalString("user"));
  ASSIGN_OR_RETURN(config.password, reader.OptionalSecret(fields, "password"));
  ASSIGN_OR_RETURN(config.database, fields.OptionalString("database"));
  ASSIGN_OR_RETURN(config.ssl_mode, fields.OptionalString("ssl_mode"));
  RETURN_IF_ERROR(ReadPostgresScope(fields, reader, config));
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  if (url.empty() == config.host.empty()) {
    return node.ErrorHere("a postgres collector needs either \"url\" or \"host\"");
  }
  if (!url.empty()) {
    const Result<std::string> normal = LibpqUrl(url.Reveal());
    if (!normal.ok()) return fields.ErrorAt("url", normal.error().message);
    config.url = Secret(*normal);
  }
  return config;
}

// "db0=session:*", "session:*" (of database 0), or {db: 0, pattern: "session:*"}.
Result<RedisKeyPattern> ReadKeyPattern(const YamlNode& node) {
  RedisKeyPattern key;
  if (node.kind() == YamlNode::Kind::kMap) {
    ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a key"));
    ASSIGN_OR_RETURN(const int64_t database, fields.OptionalInt("db", 0));
    if (database < 0 || database > 1'000'000) return fields.ErrorAt("db", "no database's number");
    key.database = static_cast<int>(database);
    ASSIGN_OR_RETURN(key.pattern, fields.RequiredString("pattern"));
    RETURN_IF_ERROR(fields.RejectUnknownFields());
    return key;
  }
  ASSIGN_OR_RETURN(const std::string text, node.AsString());
  key.pattern = text;
  const size_t equals = text.find('=');
  if (text.starts_with("db") && equals != std::string::npos && equals > 2) {
    const char* end = text.data() + equals;
    const auto [last, error] = std::from_chars(text.data() + 2, end, key.database);
    if (error == std::errc() && last == end && key.database >= 0) {
      key.pattern = text.substr(equals + 1);
    }
  }
  if (key.pattern.empty()) return node.ErrorHere("expected a key such as db0=session:*");
  return key;
}

Result<std::vector<RedisKeyPattern>> ReadKeyPatterns(YamlMap& fields, std::string_view field) {
  std::vector<RedisKeyPattern> keys;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, fields.OptionalList(field));
  for (const YamlNode& node : nodes) {
    ASSIGN_OR_RETURN(RedisKeyPattern key, ReadKeyPattern(node));
    keys.push_back(std::move(key));
  }
  return keys;
}

// What beside INFO is asked, and how much of it.
Status ReadRedisScope(YamlMap& fields, ConfigReader& reader, RedisConfig& config) {
  ASSIGN_OR_RETURN(config.keys_url, reader.OptionalSecret(fields, "keys_url"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> scripts, fields.OptionalList("scripts"));
  for (const YamlNode& script : scripts) {
    ASSIGN_OR_RETURN(std::string text, reader.ReadFile(script));
    const std::string& path = script.text();
    config.scripts.emplace_back(path.substr(path.rfind('/') + 1), std::move(text));
  }
  ASSIGN_OR_RETURN(config.config_command,
                   fields.OptionalString("config_command", config.config_command));
  for (const auto& [field, target] : {std::pair("latency_histograms", &config.latency_histograms),
                                      std::pair("config_values", &config.config_values),
                                      std::pair("client_list", &config.client_list),
                                      std::pair("streams_consumers", &config.streams_consumers),
                                      std::pair("key_values", &config.key_values)}) {
    ASSIGN_OR_RETURN(*target, fields.OptionalBool(field, *target));
  }
  for (const auto& [field, target] :
       {std::pair("check_keys", &config.check_keys),
        std::pair("check_single_keys", &config.check_single_keys),
        std::pair("check_streams", &config.check_streams),
        std::pair("check_single_streams", &config.check_single_streams),
        std::pair("count_keys", &config.count_keys)}) {
    ASSIGN_OR_RETURN(*target, ReadKeyPatterns(fields, field));
  }
  ASSIGN_OR_RETURN(const std::vector<YamlNode> groups, fields.OptionalList("key_groups"));
  for (const YamlNode& node : groups) {
    ASSIGN_OR_RETURN(const std::string text, node.AsString());
    Result<Regex> pattern = Regex::Compile(text);
    if (!pattern.ok()) return node.ErrorHere(pattern.error().message);
    config.key_groups.push_back(*std::move(pattern));
  }
  for (const auto& [field, target] :
       {std::pair("max_key_groups", &config.max_key_groups),
        std::pair("max_keys", &config.max_keys), std::pair("max_commands", &config.max_commands),
        std::pair("max_clients", &config.max_clients),
        std::pair("scan_keys_per_collection", &config.scan_keys_per_collection)}) {
    ASSIGN_OR_RETURN(*target, ReadCount(fields, field, *target, 1'000'000));
  }
  return Ok();
}

Result<RedisConfig> ReadRedis(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a redis collector"));
  RedisConfig config;
  RETURN_IF_ERROR(ReadCommon(fields, config));
  ASSIGN_OR_RETURN(config.url, reader.OptionalSecret(fields, "url"));
  ASSIGN_OR_RETURN(config.user, fields.OptionalString("user"));
  ASSIGN_OR_RETURN(config.password, reader.OptionalSecret(fields, "password"));
  RETURN_IF_ERROR(ReadTls(fields, reader, config.tls));
  RETURN_IF_ERROR(ReadRedisScope(fields, reader, config));
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  if (config.url.empty()) return node.ErrorHere("a redis collector needs \"url\"");
  return config;
}

// "all", or a list.
Result<std::vector<std::string>> ReadVirtualHosts(YamlMap& fields) {
  const std::optional<YamlNode> hosts = fields.Find("virtual_hosts");
  if (!hosts) return std::vector<std::string>();
  if (hosts->kind() != YamlNode::Kind::kScalar) return hosts->AsStringList();
  if (hosts->text() != "all") {
    return hosts->ErrorHere("\"virtual_hosts\" is all, or a list of databases or virtual hosts");
  }
  return std::vector<std::string>{"all"};
}

Result<CeleryConfig> ReadCelery(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a celery collector"));
  CeleryConfig config;
  RETURN_IF_ERROR(ReadCommon(fields, config));
  ASSIGN_OR_RETURN(config.broker_url, reader.OptionalSecret(fields, "broker_url"));
  ASSIGN_OR_RETURN(config.queues, fields.OptionalStringList("queues"));
  ASSIGN_OR_RETURN(config.separator, fields.OptionalString("separator", config.separator));
  ASSIGN_OR_RETURN(config.global_keyprefix, fields.OptionalString("global_keyprefix"));
  ASSIGN_OR_RETURN(config.virtual_hosts, ReadVirtualHosts(fields));
  ASSIGN_OR_RETURN(config.management_url, reader.OptionalSecret(fields, "management_url"));
  ASSIGN_OR_RETURN(config.visibility_timeout,
                   fields.OptionalDuration("visibility_timeout", config.visibility_timeout));
  ASSIGN_OR_RETURN(config.events, fields.OptionalBool("events", config.events));
  ASSIGN_OR_RETURN(config.worker_timeout,
                   fields.OptionalDuration("worker_timeout", config.worker_timeout));
  if (fields.Find("priority_steps")) {
    config.priority_steps.clear();
    ASSIGN_OR_RETURN(const std::vector<YamlNode> steps, fields.OptionalList("priority_steps"));
    for (const YamlNode& step : steps) {
      ASSIGN_OR_RETURN(const int64_t number, step.AsInt());
      if (number < 0 || number > 255) return step.ErrorHere("a priority lies between 0 and 255");
      config.priority_steps.push_back(static_cast<int>(number));
    }
  }
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  if (config.broker_url.empty()) return node.ErrorHere("a celery collector needs \"broker_url\"");
  return config;
}

Result<NginxConfig> ReadNginx(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "an nginx collector"));
  NginxConfig config;
  RETURN_IF_ERROR(ReadCommon(fields, config));
  ASSIGN_OR_RETURN(config.stub_status_url, fields.OptionalString("stub_status_url"));
  ASSIGN_OR_RETURN(config.access_log, fields.OptionalString("access_log"));
  ASSIGN_OR_RETURN(config.log_format, fields.OptionalString("log_format", config.log_format));
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  if (config.stub_status_url.empty() && config.access_log.empty()) {
    return node.ErrorHere("an nginx collector needs \"stub_status_url\", \"access_log\" or both");
  }
  return config;
}

Result<NodeConfig> ReadNode(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "the node collector"));
  NodeConfig config;
  RETURN_IF_ERROR(ReadCommon(fields, config));
  ASSIGN_OR_RETURN(config.procfs, fields.OptionalString("procfs", config.procfs));
  ASSIGN_OR_RETURN(config.sysfs, fields.OptionalString("sysfs", config.sysfs));
  ASSIGN_OR_RETURN(config.rootfs, fields.OptionalString("rootfs", config.rootfs));
  ASSIGN_OR_RETURN(config.textfile_directory, fields.OptionalString("textfile_directory"));
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  return config;
}

constexpr std::string_view kProbeSchemes[] = {"http://", "https://", "tcp://", "tls://"};

Result<ProbeConfig> ReadProbe(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a probe"));
  ProbeConfig config;
  RETURN_IF_ERROR(ReadCommon(fields, config));
  ASSIGN_OR_RETURN(config.target, fields.RequiredString("target"));
  ASSIGN_OR_RETURN(config.method, fields.OptionalString("method", config.method));
  ASSIGN_OR_RETURN(config.body_regex, fields.OptionalString("body_regex"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> codes, fields.OptionalList("valid_status_codes"));
  for (const YamlNode& code : codes) {
    ASSIGN_OR_RETURN(const int64_t number, code.AsInt());
    if (number < 100 || number > 599) return code.ErrorHere("a status lies between 100 and 599");
    config.valid_status_codes.push_back(static_cast<int>(number));
  }
  ASSIGN_OR_RETURN(config.http, ReadHttpClient(fields, reader));
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  const bool known = std::ranges::any_of(
      kProbeSchemes, [&](std::string_view scheme) { return config.target.starts_with(scheme); });
  if (!known) {
    return fields.ErrorAt("target",
                          "a probe's target begins with http://, https://, tcp:// or tls://");
  }
  return config;
}

Result<JourneyConfig> ReadJourney(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a journey collector"));
  JourneyConfig config;
  RETURN_IF_ERROR(ReadCommon(fields, config));
  ASSIGN_OR_RETURN(config.url, fields.RequiredString("url"));
  if (!config.url.starts_with("http://") && !config.url.starts_with("https://")) {
    return fields.ErrorAt("url", "the url of an app begins with http:// or https://");
  }
  while (config.url.ends_with('/')) config.url.pop_back();
  ASSIGN_OR_RETURN(const std::string file, fields.RequiredString("file"));
  config.file = reader.Resolve(file);
  ASSIGN_OR_RETURN(config.text, reader.ReadFile(*fields.Find("file")));
  ASSIGN_OR_RETURN(config.journeys, fields.OptionalStringList("journeys"));
  ASSIGN_OR_RETURN(config.http, ReadHttpClient(fields, reader));
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  return config;
}

Result<QuantilesConfig> ReadQuantiles(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "quantiles"));
  QuantilesConfig config;
  ASSIGN_OR_RETURN(config.histogram, fields.RequiredString("histogram"));
  if (!IsLegacyMetricName(config.histogram)) {
    return fields.ErrorAt("histogram", "\"" + config.histogram + "\" is no metric name");
  }
  ASSIGN_OR_RETURN(const std::vector<YamlNode> quantiles, fields.OptionalList("quantiles"));
  for (const YamlNode& quantile : quantiles) {
    // The text is kept as it is written, in quotes or not.
    const double number = ParseGoFloat(quantile.text()).value_or(-1);
    if (!(number >= 0 && number <= 1)) {
      return quantile.ErrorHere("a quantile lies between 0 and 1");
    }
    config.quantiles.push_back(quantile.text());
  }
  if (config.quantiles.empty()) config.quantiles = {"0.5", "0.9", "0.95", "0.99"};
  ASSIGN_OR_RETURN(config.window, fields.OptionalDuration("window", config.window));
  if (config.window <= Duration::zero()) return fields.ErrorAt("window", "the window is empty");
  ASSIGN_OR_RETURN(config.copy_labels, fields.OptionalStringMap("copy_labels"));
  for (const auto& [to, from] : config.copy_labels) {
    if (!IsLegacyLabelName(to) || !IsLegacyLabelName(from)) {
      return fields.ErrorAt("copy_labels", "\"" + to + ": " + from + "\" are no label names");
    }
  }
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  return config;
}

}  // namespace

Result<CollectorsConfig> ReadCollectors(const YamlNode& section, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(section, "collectors"));
  CollectorsConfig config;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> postgres, OneOrMany(map, "postgres"));
  for (const YamlNode& node : postgres) {
    ASSIGN_OR_RETURN(PostgresConfig one, ReadPostgres(node, reader));
    config.postgres.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const std::vector<YamlNode> redis, OneOrMany(map, "redis"));
  for (const YamlNode& node : redis) {
    ASSIGN_OR_RETURN(RedisConfig one, ReadRedis(node, reader));
    config.redis.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const std::vector<YamlNode> celery, OneOrMany(map, "celery"));
  for (const YamlNode& node : celery) {
    ASSIGN_OR_RETURN(CeleryConfig one, ReadCelery(node, reader));
    config.celery.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nginx, OneOrMany(map, "nginx"));
  for (const YamlNode& node : nginx) {
    ASSIGN_OR_RETURN(NginxConfig one, ReadNginx(node));
    config.nginx.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const std::vector<YamlNode> probe, OneOrMany(map, "probe"));
  for (const YamlNode& node : probe) {
    ASSIGN_OR_RETURN(ProbeConfig one, ReadProbe(node, reader));
    config.probe.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(config.probe_allow, map.OptionalStringList("probe_allow"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> journeys, OneOrMany(map, "journey"));
  for (const YamlNode& node : journeys) {
    ASSIGN_OR_RETURN(JourneyConfig one, ReadJourney(node, reader));
    config.journey.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const std::vector<YamlNode> quantiles, OneOrMany(map, "quantiles"));
  for (const YamlNode& node : quantiles) {
    ASSIGN_OR_RETURN(QuantilesConfig one, ReadQuantiles(node));
    config.quantiles.push_back(std::move(one));
  }
  // There is one host, so `node:` alone already says all.
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, section.AsEntries());
  for (const auto& [key, value] : entries) {
    if (key.text() != "node") continue;
    ASSIGN_OR_RETURN(config.node, ReadNode(value));
  }
  map.Accept("node");
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return config;
}

}  // namespace tocsin
