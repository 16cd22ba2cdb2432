// The configuration as plain structs: prometheus.yml plus the section `collectors:`.
//
//   LoadConfig(files, environment, path) -> Config, or an Error "prometheus.yml:12:9: unknown field
//   "scrape_intervall"; did you mean "scrape_interval"?"
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/http_client.h"
#include "base/regex.h"
#include "base/result.h"
#include "base/time.h"
#include "config/postgres_queries.h"
#include "config/secret.h"
#include "engine/model/label_set.h"
#include "engine/model/relabel.h"

namespace tocsin {

// How to talk to an HTTP peer: Prometheus' http_config.
struct HttpClientConfig {
  std::string basic_auth_user;
  Secret basic_auth_password;
  std::string authorization_type = "Bearer";
  Secret authorization_credentials;
  TlsOptions tls;
  ProxyOptions proxy;
  std::vector<std::pair<std::string, Secret>> headers;
  bool follow_redirects = true;

  friend bool operator==(const HttpClientConfig&, const HttpClientConfig&) = default;
};

// Puts authentication, TLS, proxy and headers into a request.
void Configure(HttpRequest& request, const HttpClientConfig& config);

struct StaticTargets {
  std::vector<std::string> targets;  // host:port
  LabelSet labels;

  friend bool operator==(const StaticTargets&, const StaticTargets&) = default;
};

// file_sd_configs: groups of targets in YAML and JSON files.
struct FileDiscovery {
  std::vector<std::string> patterns;  // paths; the last part may have a wildcard
  Duration refresh_interval = std::chrono::minutes(5);

  friend bool operator==(const FileDiscovery&, const FileDiscovery&) = default;
};

// http_sd_configs: groups of targets as JSON behind a URL.
struct HttpDiscovery {
  std::string url;
  Duration refresh_interval = std::chrono::minutes(1);
  HttpClientConfig http;

  friend bool operator==(const HttpDiscovery&, const HttpDiscovery&) = default;
};

enum class DnsRecordType { kA, kAaaa, kSrv, kMx, kNs };

// dns_sd_configs: one target per record of each name.
struct DnsDiscovery {
  std::vector<std::string> names;
  DnsRecordType type = DnsRecordType::kSrv;
  int port = 0;  // of the targets; SRV records bring their own
  Duration refresh_interval = std::chrono::seconds(30);

  friend bool operator==(const DnsDiscovery&, const DnsDiscovery&) = default;
};

// The ways to find targets that one section names, beside its static_configs.
struct TargetDiscovery {
  std::vector<FileDiscovery> file;
  std::vector<HttpDiscovery> http;
  std::vector<DnsDiscovery> dns;

  bool empty() const { return file.empty() && http.empty() && dns.empty(); }

  friend bool operator==(const TargetDiscovery&, const TargetDiscovery&) = default;
};

struct GlobalConfig {
  Duration scrape_interval = std::chrono::minutes(1);
  Duration scrape_timeout = std::chrono::seconds(10);
  Duration evaluation_interval = std::chrono::minutes(1);
  Duration rule_query_offset{};
  LabelSet external_labels;
};

struct ScrapeConfig {
  std::string job_name;
  Duration scrape_interval{};
  Duration scrape_timeout{};
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::map<std::string, std::vector<std::string>> params;
  bool honor_labels = false;
  bool honor_timestamps = true;
  size_t sample_limit = 0;     // 0: none
  size_t body_size_limit = 0;  // 0: the built-in limit
  size_t label_limit = 0;
  HttpClientConfig http;
  std::vector<StaticTargets> static_configs;
  TargetDiscovery discovery;
  std::vector<RelabelRule> relabel_configs;
  std::vector<RelabelRule> metric_relabel_configs;

  friend bool operator==(const ScrapeConfig&, const ScrapeConfig&) = default;
};

struct AlertmanagerConfig {
  std::string scheme = "http";
  std::string path_prefix = "/";
  Duration timeout = std::chrono::seconds(10);
  HttpClientConfig http;
  std::vector<StaticTargets> static_configs;
  TargetDiscovery discovery;
  std::vector<RelabelRule> relabel_configs;
  std::vector<RelabelRule> alert_relabel_configs;
};

// A server to which samples are sent on.
struct RemoteWriteConfig {
  static constexpr size_t kMostCapacity = 1'000'000;

  std::string name;  // "0", "1", … where none is given
  std::string url;
  Duration timeout = std::chrono::seconds(30);
  HttpClientConfig http;
  std::vector<RelabelRule> relabel_configs;
  // Samples that wait in memory; beyond, the oldest are dropped.
  size_t capacity = 500'000;
  size_t max_samples_per_send = 2'000;
  // A smaller batch waits so long for more.
  Duration batch_send_deadline = std::chrono::seconds(5);
  Duration min_backoff = std::chrono::milliseconds(30);
  Duration max_backoff = std::chrono::seconds(5);
  Duration sample_age_limit{};  // older samples are dropped; 0: none

  friend bool operator==(const RemoteWriteConfig&, const RemoteWriteConfig&) = default;
};

// What all built-in collectors share. `instance` labels their samples; by default host:port of
// the thing they watch. `job` defaults to the collector's name.
struct CollectorConfig {
  std::string job;
  std::string instance;
  LabelSet labels;      // added to every sample
  Duration interval{};  // 0: the global scrape interval
  Duration timeout{};   // 0: the smaller of 10 s and the interval
  // While an alert is pending it is collected so often, a second at the least; 0: no more than
  // else.
  Duration burst_interval{};
  bool aliases = true;  // old and foreign names of the same figures
  // Series of one family; what comes beyond is summed up in a series with the values "_other".
  size_t series_limit = 10'000;

  friend bool operator==(const CollectorConfig&, const CollectorConfig&) = default;
};

struct PostgresConfig : CollectorConfig {
  // Either a URL (postgresql://, also SQLAlchemy's postgresql+asyncpg://) …
  Secret url;
  // … or its parts, which need no escaping.
  std::string host;
  int port = 5432;
  std::string user;
  Secret password;
  std::string database;
  std::string ssl_mode;
  // Labels of pg_stat_activity_count; empty: one number per server.
  std::vector<std::string> activity_labels = {"datname", "state"};
  // Parts (exporters/postgres/postgres_parts.cc) to ask beside, or not of, those by default.
  std::vector<std::string> enable;
  std::vector<std::string> disable;
  // The server's other databases, by name; without include patterns all of them.
  bool discover_databases = true;
  std::vector<Regex> include_databases;
  std::vector<Regex> exclude_databases;
  int max_tables = 300;  // of a database; the others are merged into one
  int statements_limit = 100;
  Duration normal_interval = std::chrono::seconds(30);
  Duration slow_interval = std::chrono::minutes(5);
  std::vector<PostgresQuery> queries;  // of queries_file

  friend bool operator==(const PostgresConfig&, const PostgresConfig&) = default;
};

// A key, or a pattern of keys, of one database of a Redis.
struct RedisKeyPattern {
  int database = 0;
  std::string pattern;

  friend bool operator==(const RedisKeyPattern&, const RedisKeyPattern&) = default;
};

struct RedisConfig : CollectorConfig {
  Secret url;  // redis://[user:password@]host:port[/db], rediss:// for TLS, unix://path
  std::string user;
  Secret password;
  TlsOptions tls;  // of rediss://
  // "": CONFIG is not asked for; a server that renamed it says the other name here.
  std::string config_command = "CONFIG";

  bool latency_histograms = true;                  // per command, 7.0 and later
  bool config_values = false;                      // redis_config_value, redis_config_key_value
  bool client_list = false;                        // redis_connected_client_*
  bool streams_consumers = true;                   // redis_stream_group_consumer_*
  bool key_values = false;                         // redis_key_value: shows what users stored
  std::vector<RedisKeyPattern> check_keys;         // found by SCAN
  std::vector<RedisKeyPattern> check_single_keys;  // named
  std::vector<RedisKeyPattern> check_streams;
  std::vector<RedisKeyPattern> check_single_streams;
  std::vector<RedisKeyPattern> count_keys;
  // The first group that matches, or the whole match, names a key's group; keys that none matches
  // are "unclassified".
  std::vector<Regex> key_groups;
  int max_key_groups = 100;
  int max_keys = 500;      // checked keys and streams, of all patterns
  int max_commands = 200;  // commands in histograms and percentiles, those called most
  int max_clients = 500;
  int scan_keys_per_collection = 10'000;  // how far the walks through all keys get
  Secret keys_url;  // a replica to ask about keys and streams; empty: the server itself
  // Lua whose answer is a list of names and numbers: file name and text.
  std::vector<std::pair<std::string, std::string>> scripts;

  friend bool operator==(const RedisConfig&, const RedisConfig&) = default;
};

struct CeleryConfig : CollectorConfig {
  Secret broker_url;
  std::vector<std::string> queues;  // beside those that are found
  std::vector<int> priority_steps = {0, 3, 6, 9};
  std::string separator = "\x06\x16";
  std::string global_keyprefix;
  // Databases of a Redis broker, virtual hosts of a RabbitMQ one, or "all" alone; empty: the one
  // that the URL names. Otherwise queues carry the label `vhost`.
  std::vector<std::string> virtual_hosts;
  Secret management_url;  // of a RabbitMQ broker; empty: http://<its host>:15672
  // As in the application's broker_transport_options; of a Redis broker.
  Duration visibility_timeout = std::chrono::hours(1);
  bool events = true;  // listen to what workers publish; of a Redis broker
  Duration worker_timeout =
      std::chrono::seconds(30);  // a worker that is silent for so long is down

  friend bool operator==(const CeleryConfig&, const CeleryConfig&) = default;
};

struct NginxConfig : CollectorConfig {
  std::string stub_status_url;  // "": only the access log
  std::string access_log;       // path; "": only stub_status
  // "combined", "json", or nginx's own log_format string.
  std::string log_format = "combined";

  friend bool operator==(const NginxConfig&, const NginxConfig&) = default;
};

struct NodeConfig : CollectorConfig {
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  std::string rootfs = "/";
  std::string textfile_directory;  // "": no files

  friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

// A named endpoint to be probed from outside.
struct ProbeConfig : CollectorConfig {
  // http://…, https://…, tcp://host:port, tls://host:port
  std::string target;
  std::string method = "GET";           // of http
  std::vector<int> valid_status_codes;  // of http; empty: 200 to 299
  std::string body_regex;               // of http: must be found in the body; "": anything
  HttpClientConfig http;

  friend bool operator==(const ProbeConfig&, const ProbeConfig&) = default;
};

// What users do with an app, done at an interval: each journey of the file is a target of its own.
struct JourneyConfig : CollectorConfig {
  std::string url;                    // of the app, without a slash at its end
  std::string file;                   // path, for errors
  std::string text;                   // what stands in it; delivery/journey reads it
  std::vector<std::string> journeys;  // names; empty: all of the file
  HttpClientConfig http;

  friend bool operator==(const JourneyConfig&, const JourneyConfig&) = default;
};

// Series of quantiles that are recorded from the buckets of a histogram, for rules and dashboards
// that expect a summary.
struct QuantilesConfig {
  std::string histogram;               // http_request_duration_seconds
  std::vector<std::string> quantiles;  // kept as they are written: "0.50"
  Duration window = std::chrono::minutes(5);
  // New label from an existing one; several may copy the same.
  std::vector<std::pair<std::string, std::string>> copy_labels;
};

struct CollectorsConfig {
  std::vector<PostgresConfig> postgres;
  std::vector<RedisConfig> redis;
  std::vector<CeleryConfig> celery;
  std::vector<NginxConfig> nginx;
  std::optional<NodeConfig> node;
  std::vector<ProbeConfig> probe;
  // What /probe?target= may ask for: shell patterns of targets as ProbeConfig has them. Empty: the
  // page is off.
  std::vector<std::string> probe_allow;
  std::vector<JourneyConfig> journey;
  std::vector<QuantilesConfig> quantiles;
};

struct Config {
  std::string path;  // "" when there is no file
  GlobalConfig global;
  std::vector<std::string> rule_files;  // as written; relative to the file's folder
  std::vector<AlertmanagerConfig> alertmanagers;
  std::vector<RelabelRule> alert_relabel_configs;
  std::vector<ScrapeConfig> scrape_configs;
  std::vector<RemoteWriteConfig> remote_writes;
  CollectorsConfig collectors;
  // The file without comments, ${VAR} as written and secrets replaced by <secret>, for
  // /api/v1/status/config.
  std::string redacted_text;
  // What is accepted but has no effect, with its place.
  std::vector<std::string> warnings;
};

// Looks up an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

// Prometheus' configuration format (prometheus.io/docs/prometheus/latest/configuration), strictly:
// unknown fields are errors. ${VAR} in a value is the environment variable, which must be set; $${
// is a plain ${. Secrets are also read from the file that <field>_file names; relative paths start
// at the configuration's folder. Rule files are not read here.
Result<Config> LoadConfig(const FileSystem& files, const Environment& environment,
                          const std::string& path);
Result<Config> ParseConfig(const FileSystem& files, const Environment& environment,
                           const std::string& path, const std::string& text);
// With no configuration file: the host, itself, and what DATABASE_URL, REDIS_URL and
// CELERY_BROKER_URL name.
Result<Config> DefaultConfig(const FileSystem& files, const Environment& environment);

}  // namespace tocsin
