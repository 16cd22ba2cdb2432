#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.h"
#include "tests/support/memory_files.h"
#include "tests/support/shared_files.h"

namespace tocsin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;  // NOLINT: literals only
using testing_support::MemoryFiles;

Environment FromTable(std::map<std::string, std::string> table) {
  return [table = std::move(table)](const std::string& name) -> std::optional<std::string> {
    const auto found = table.find(name);
    if (found == table.end()) return std::nullopt;
    return found->second;
  };
}

Result<Config> Parse(const std::string& text, std::map<std::string, std::string> variables = {}) {
  const MemoryFiles files({{"etc/token", "hush \n"}});
  return ParseConfig(files, FromTable(std::move(variables)), "etc/prometheus.yml", text);
}

TEST(ConfigLoader, LoadsTheSeedUnmodified) {
  const RealFileSystem files;
  const auto path = testing_support::FindShared("seed/prometheus.yml");
  if (!path) GTEST_SKIP() << "shared/seed/prometheus.yml is not here";
  const Result<Config> config = LoadConfig(files, FromTable({}), path->string());
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->global.evaluation_interval, 15s);
  EXPECT_THAT(config->rule_files, ElementsAre("alert_rules.yml"));
  ASSERT_THAT(config->alertmanagers, SizeIs(1));
  EXPECT_THAT(config->alertmanagers[0].static_configs[0].targets, ElementsAre("alertmanager:9093"));
  ASSERT_THAT(config->scrape_configs, SizeIs(6));
  const ScrapeConfig& app = config->scrape_configs[0];
  EXPECT_EQ(app.job_name, "ai-validation-app");
  EXPECT_EQ(app.scrape_interval, 10s);
  EXPECT_EQ(app.scrape_timeout, 10s);
  EXPECT_THAT(app.static_configs[0].targets, ElementsAre("app-blue:8000", "app-green:8000"));
  EXPECT_EQ(config->scrape_configs[2].scrape_interval, 30s);
  EXPECT_THAT(config->warnings, IsEmpty());
}

TEST(ConfigLoader, AnEmptyFileIsPrometheusDefaults) {
  const Result<Config> config = Parse("");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->global.scrape_interval, 1min);
  EXPECT_EQ(config->global.scrape_timeout, 10s);
  EXPECT_EQ(config->global.evaluation_interval, 1min);
  EXPECT_THAT(config->scrape_configs, IsEmpty());
}

TEST(ConfigLoader, ErrorsNamePlaceAndWayOut) {
  struct Case {
    std::string text;
    std::string message;
  };
  const Case cases[] = {
      {"global: {scrape_intervall: 5s}",
       "1:10: unknown field \"scrape_intervall\"; did you mean "
       "\"scrape_interval\"?"},
      {"scrape_config: []", "1:1: unknown field \"scrape_config\"; did you mean"},
      {"global: {scrape_interval: 5x}", "1:27: "},
      {"global: {scrape_interval: 0s}", "1:10: scrape_interval must be longer than 0"},
      {"global: {scrape_interval: 5s, scrape_timeout: 10s}",
       "1:31: global scrape timeout greater than scrape interval"},
      {"remote_read: [{url: 'http://x'}]",
       "1:1: \"remote_read\" is not supported: queries read the embedded store"},
      {"collectors: {node: {burst_interval: 500ms}}", "a burst_interval is a second at the least"},
      {"remote_write: [{url: 'ftp://x'}]",
       "1:17: the URL of a remote write must begin with http:// or https://"},
      {"remote_write: [{url: 'http://x', name: a}, {url: 'http://y', name: a}]",
       "1:44: found multiple remote write configs with job name \"a\""},
      {"remote_write: [{url: 'http://x', protobuf_message: io.prometheus.write.v2.Request}]",
       "only prometheus.WriteRequest is sent"},
      {"remote_write: [{url: 'http://x', queue_config: {capacity: 0}}]",
       "capacity must be greater than 0"},
      {"remote_write: [{url: 'http://x', queue_config: {min_backoff: 1m}}]",
       "max_backoff must not be less than min_backoff, nor 0"},
      {"remote_write: [{url: 'http://x', azuread: {cloud: x}}]",
       "\"azuread\" is not supported: Azure request signing does not exist here"},
      {"scrape_configs:\n- scrape_interval: 5s\n",
       "2:3: a scrape config needs the field "
       "\"job_name\""},
      {"scrape_configs:\n- job_name: a\n- job_name: a\n",
       "3:3: found multiple scrape configs with job name \"a\""},
      {"scrape_configs:\n- job_name: a\n  scrape_interval: 5s\n  scrape_timeout: 6s\n",
       "4:3: scrape timeout greater than scrape interval for scrape config with job name \"a\""},
      {"scrape_configs:\n- job_name: a\n  consul_sd_configs: [{server: x}]\n",
       "3:3: \"consul_sd_configs\" is not supported: let it write a file for file_sd_configs"},
      {"scrape_configs:\n- job_name: a\n  dns_sd_configs: [{names: [x], type: A}]\n",
       "a port is required in DNS-SD configs for all record types except SRV"},
      {"scrape_configs:\n- job_name: a\n  dns_sd_configs: [{names: [x], type: TXT}]\n",
       "3:33: invalid DNS-SD records type \"TXT\""},
      {"scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [x.txt]}]\n",
       "3:30: path name \"x.txt\" is not valid for file discovery"},
      {"scrape_configs:\n- job_name: a\n  http_sd_configs: [{url: 'ftp://x'}]\n",
       "3:22: URL scheme must be 'http' or 'https'"},
      {"alerting: {alertmanagers: [{sigv4: {region: x}}]}", "\"sigv4\" is not supported"},
      {"alerting: {alertmanagers: [{oauth2: {client_id: x}}]}",
       "\"oauth2\" is not supported: put a token into authorization.credentials_file"},
      {"alerting: {alertmanagers: [{no_proxy: x}]}",
       "if no_proxy is configured, proxy_url must also be configured"},
      {"alerting: {alertmanagers: [{tls_config: {cert: x}}]}",
       "cert or cert_file needs a key or key_file beside it"},
      {"scrape_configs:\n- job_name: a\n  scheme: ftp\n",
       "3:11: the scheme must be http or https, not \"ftp\""},
      {"scrape_configs:\n- job_name: a\n  static_configs: [{targets: ['http://b:1/m']}]\n",
       "3:31: \"http://b:1/m\" is not a valid hostname"},
      {"scrape_configs:\n- job_name: a\n  static_configs: [{labels: {a-b: c}}]\n",
       "3:30: \"a-b\" is not a valid label name"},
      {"scrape_configs:\n- job_name: a\n  relabel_configs: [{regex: '('}]\n", "3:29: "},
      {"scrape_configs:\n- job_name: a\n  relabel_configs: [{action: kep}]\n", "3:30: "},
      {"scrape_configs:\n- job_name: a\n  relabel_configs: [{action: hashmod, target_label: b}]\n",
       "3:22: relabel configuration for hashmod requires non-zero modulus"},
      {"scrape_configs:\n- job_name: a\n  relabel_configs: [{action: replace}]\n",
       "3:22: relabel configuration for replace action requires 'target_label' value"},
      {"alerting: {alertmanagers: [{api_version: v1}]}", "to be one of [v2] but got v1"},
      {"alerting: {alertmanagers: [{basic_auth: {password: a, password_file: b}}]}",
       "at most one of password and password_file may be given"},
      {"alerting: {alertmanagers: [{authorization: {credentials_file: nothing}}]}",
       "credentials_file: open etc/nothing: No such file or directory"},
      {"collectors: {postgress: {}}",
       "1:14: unknown field \"postgress\"; did you mean "
       "\"postgres\"?"},
      {"collectors: {postgres: {}}", "a postgres collector needs either \"url\" or \"host\""},
      {"collectors: {postgres: {host: a, port: 70000}}", "1:40: 70000 is no port"},
      {"collectors: {postgres: {url: 'mysql://root:hush@db'}}",
       "1:25: expected a URL of the form postgresql://…, got mysql://…"},
      {"collectors: {redis: [{}]}", "a redis collector needs \"url\""},
      {"collectors: {celery: {}}", "a celery collector needs \"broker_url\""},
      {"collectors: {journey: {file: token}}", "a journey collector needs the field \"url\""},
      {"collectors: {journey: {url: 'app:80', file: token}}",
       "1:24: the url of an app begins with http:// or https://"},
      {"collectors: {journey: {url: 'http://app', file: nothing}}",
       "1:49: open etc/nothing: No such file or directory"},
      {"collectors: {node: {procs: /x}}", "unknown field \"procs\"; did you mean \"procfs\"?"},
      {"collectors: {node: {interval: 5s, timeout: 6s}}",
       "1:35: the timeout is longer than the interval"},
      {"rule_files: ['${NOPE}']", "1:14: the environment variable NOPE is not set"},
  };
  for (const Case& c : cases) {
    const Result<Config> config = Parse(c.text);
    ASSERT_FALSE(config.ok()) << c.text;
    EXPECT_THAT(config.error().message, HasSubstr(c.message)) << c.text;
    EXPECT_THAT(config.error().message, HasSubstr("etc/prometheus.yml:")) << c.text;
    EXPECT_THAT(config.error().message, Not(HasSubstr("hush"))) << c.text;
  }
}

TEST(ConfigLoader, SaysWhatHasNoEffect) {
  const Result<Config> config =
      Parse("storage: {tsdb: {}}\nscrape_configs: [{job_name: a, scrape_protocols: [x]}]\n");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_THAT(config->warnings, ElementsAre(HasSubstr(":2:32: \"scrape_protocols\" has no effect"),
                                            HasSubstr(":1:1: \"storage\" has no effect")));
}

TEST(ConfigLoader, ReadsEveryFieldOfAScrapeConfig) {
  const Result<Config> config = Parse(R"(
global:
  sample_limit: 5
scrape_configs:
- job_name: all
  scrape_interval: 20s
  scrape_timeout: 5s
  metrics_path: /m
  scheme: https
  params: {module: [a, b]}
  honor_labels: true
  honor_timestamps: false
  body_size_limit: 10MB
  label_limit: 7
  basic_auth: {username: u, password_file: token}
  tls_config: {ca_file: ca.pem, server_name: s, insecure_skip_verify: true}
  follow_redirects: false
  static_configs:
  - targets: [a:1]
    labels: {color: blue}
  relabel_configs:
  - {source_labels: [__address__], regex: '(.*):\d+', target_label: host, replacement: '${1}'}
  metric_relabel_configs:
  - {source_labels: [__name__], regex: go_.*, action: drop}
)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const ScrapeConfig& job = config->scrape_configs.at(0);
  EXPECT_EQ(job.scrape_interval, 20s);
  EXPECT_EQ(job.scrape_timeout, 5s);
  EXPECT_EQ(job.metrics_path, "/m");
  EXPECT_EQ(job.scheme, "https");
  EXPECT_THAT(job.params.at("module"), ElementsAre("a", "b"));
  EXPECT_TRUE(job.honor_labels);
  EXPECT_FALSE(job.honor_timestamps);
  EXPECT_EQ(job.sample_limit, 5u);
  EXPECT_EQ(job.body_size_limit, 10u << 20);
  EXPECT_EQ(job.label_limit, 7u);
  EXPECT_EQ(job.http.basic_auth_user, "u");
  EXPECT_EQ(job.http.basic_auth_password.Reveal(), "hush");
  EXPECT_EQ(job.http.tls.ca_file, "etc/ca.pem");
  EXPECT_TRUE(job.http.tls.insecure_skip_verify);
  EXPECT_FALSE(job.http.follow_redirects);
  EXPECT_EQ(job.static_configs[0].labels, (LabelSet{{"color", "blue"}}));
  EXPECT_EQ(job.relabel_configs[0].replacement, "${1}");
  EXPECT_EQ(job.metric_relabel_configs[0].action, RelabelAction::kDrop);
}

TEST(ConfigLoader, ReadsTheWaysToFindAndReachAlertmanagers) {
  const Result<Config> config = Parse(R"(
alerting:
  alertmanagers:
  - static_configs: [{targets: [a:1]}]
    basic_auth: {username_file: token, password: p}
    proxy_url: http://u:pw@proxy:3128
    no_proxy: localhost
    proxy_connect_header: {X-Token: [t0p]}
    http_headers: {X-A: {values: [plain], secrets: [s3cret], files: [token]}}
    tls_config: {ca: CA-TEXT, cert: CERT-TEXT, key: KEY-TEXT, server_name: am.example}
    file_sd_configs: [{files: [sd/*.json], refresh_interval: 1m}]
    dns_sd_configs: [{names: [am.example], type: aaaa, port: 9093}, {names: [_am._tcp.x]}]
    http_sd_configs: [{url: 'https://u:pw2@sd/x', authorization: {credentials: t1p}}]
)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const AlertmanagerConfig& entry = config->alertmanagers.at(0);
  EXPECT_EQ(entry.http.basic_auth_user, "hush");
  EXPECT_EQ(entry.http.proxy.url, "http://u:pw@proxy:3128");
  EXPECT_THAT(entry.http.headers, SizeIs(3));
  EXPECT_EQ(entry.http.tls.key, "KEY-TEXT");
  EXPECT_EQ(entry.http.tls.server_name, "am.example");
  EXPECT_EQ(
      entry.discovery.file,
      (std::vector<FileDiscovery>{{.patterns = {"etc/sd/*.json"}, .refresh_interval = 1min}}));
  ASSERT_THAT(entry.discovery.dns, SizeIs(2));
  EXPECT_EQ(entry.discovery.dns[0].type, DnsRecordType::kAaaa);
  EXPECT_EQ(entry.discovery.dns[1].type, DnsRecordType::kSrv);
  ASSERT_THAT(entry.discovery.http, SizeIs(1));
  EXPECT_EQ(entry.discovery.http[0].http.authorization_credentials.Reveal(), "t1p");
  for (const std::string secret : {"hush", "u:pw@", "t0p", "s3cret", "KEY-TEXT", "pw2", "t1p"}) {
    EXPECT_THAT(config->redacted_text, Not(HasSubstr(secret)));
  }
}

TEST(ConfigLoader, ReadsTheCollectors) {
  const Result<Config> config = Parse(R"(
collectors:
  postgres:
  - url: postgresql+asyncpg://app:p%40ss@db:5432/app?ssl=require
    instance: postgres:9187
    activity_labels: []
  - {host: other, user: u, password: '${PW}', database: d, interval: 30s}
  redis: {url: 'redis://cache:6379', labels: {role: cache}}
  celery: {broker_url: 'redis://cache:6379/1', queues: [a], priority_steps: [0, 5]}
  nginx: {stub_status_url: 'http://nginx/status', aliases: false}
  node:
)",
                                      {{"PW", "s3cret"}});
  ASSERT_TRUE(config.ok()) << config.error().message;
  const CollectorsConfig& collectors = config->collectors;
  ASSERT_THAT(collectors.postgres, SizeIs(2));
  EXPECT_EQ(collectors.postgres[0].url.Reveal(),
            "postgresql://app:p%40ss@db:5432/app?sslmode=require");
  EXPECT_EQ(collectors.postgres[0].instance, "postgres:9187");
  EXPECT_THAT(collectors.postgres[0].activity_labels, IsEmpty());
  EXPECT_EQ(collectors.postgres[1].password.Reveal(), "s3cret");
  EXPECT_EQ(collectors.postgres[1].port, 5432);
  EXPECT_EQ(collectors.postgres[1].interval, 30s);
  EXPECT_THAT(collectors.postgres[1].activity_labels, ElementsAre("datname", "state"));
  EXPECT_EQ(collectors.redis[0].labels, (LabelSet{{"role", "cache"}}));
  EXPECT_THAT(collectors.celery[0].priority_steps, ElementsAre(0, 5));
  EXPECT_FALSE(collectors.nginx[0].aliases);
  EXPECT_TRUE(collectors.node.has_value());
}

TEST(ConfigLoader, ShowsNoSecret) {
  const Result<Config> config = Parse(R"(
scrape_configs:
- job_name: a  # the password is hush1
  basic_auth: {username: u, password: hush2}
  http_headers: {X-Token: {secrets: [hush3, "hush4"]}}
alerting:
  alertmanagers:
  - authorization:
      credentials: >-
        hush5
    static_configs: [{targets: ["${HOST}:9093"]}]
collectors:
  postgres: {url: 'postgresql://u:hush6@h/d'}
  redis: {url: &url 'redis://:hush7@h'}
  celery: {broker_url: *url}
)",
                                      {{"HOST", "am"}});
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->alertmanagers[0].static_configs[0].targets[0], "am:9093");
  EXPECT_EQ(config->alertmanagers[0].http.authorization_credentials.Reveal(), "hush5");
  EXPECT_EQ(config->collectors.celery[0].broker_url, config->collectors.redis[0].url);
  EXPECT_THAT(config->redacted_text, Not(HasSubstr("hush")));
  EXPECT_THAT(config->redacted_text, HasSubstr("url: <secret>"));
  EXPECT_THAT(config->redacted_text, HasSubstr("${HOST}:9093"));
}

TEST(ConfigLoader, EnvironmentVariables) {
  struct Case {
    std::string written;
    std::string expanded;
  };
  const Case cases[] = {{"${A}", "1"},  {"x${A}y${A}", "x1y1"}, {"$${A}", "${A}"},
                        {"$A", "$A"},   {"${1}", "${1}"},       {"${", "${"},
                        {"${A", "${A"}, {"${EMPTY}|", "|"},     {"${A}$${A}${A}", "1${A}1"}};
  for (const Case& c : cases) {
    const Result<Config> config =
        Parse("rule_files: ['" + c.written + "']", {{"A", "1"}, {"EMPTY", ""}});
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_THAT(config->rule_files, ElementsAre(c.expanded)) << c.written;
  }
}

TEST(ConfigLoader, TheRedactedTextIsTheSameConfiguration) {
  const std::string text = "global:\n  external_labels: {a: \"b: c #\", d: '- x', e: \"\\n\"}\n";
  const Result<Config> config = Parse(text);
  ASSERT_TRUE(config.ok()) << config.error().message;
  const Result<Config> again = Parse(config->redacted_text);
  ASSERT_TRUE(again.ok()) << again.error().message << "\n" << config->redacted_text;
  EXPECT_EQ(again->global.external_labels, config->global.external_labels);
  EXPECT_EQ(again->redacted_text, config->redacted_text);
}

TEST(DefaultConfigTest, WatchesTheHostAndWhatTheEnvironmentNames) {
  const MemoryFiles files({{"/run/redis_url", "redis://:hush@cache:6379/0\n"}});
  const Result<Config> config =
      DefaultConfig(files, FromTable({{"DATABASE_URL", "postgresql+psycopg2://u:p@db/app"},
                                      {"REDIS_URL_FILE", "/run/redis_url"},
                                      {"CELERY_BROKER_URL", "redis://cache:6379/1"}}));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_TRUE(config->collectors.node.has_value());
  EXPECT_EQ(config->collectors.postgres.at(0).url.Reveal(), "postgresql://u:p@db/app");
  EXPECT_EQ(config->collectors.redis.at(0).url.Reveal(), "redis://:hush@cache:6379/0");
  EXPECT_EQ(config->collectors.celery.at(0).broker_url.Reveal(), "redis://cache:6379/1");
  EXPECT_EQ(config->global.scrape_interval, 15s);
}

TEST(DefaultConfigTest, ADatabaseOfAnotherKindIsAWarning) {
  const MemoryFiles files;
  const Result<Config> config =
      DefaultConfig(files, FromTable({{"DATABASE_URL", "mysql://u:hush@db/app"}}));
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_THAT(config->collectors.postgres, IsEmpty());
  EXPECT_THAT(config->warnings, ElementsAre(AllOf(HasSubstr("DATABASE_URL is not watched"),
                                                  HasSubstr("mysql"), Not(HasSubstr("hush")))));
}

}  // namespace
}  // namespace tocsin
