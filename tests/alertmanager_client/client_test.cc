#include "alertmanager_client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/json.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_http.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::CaptureLog;
using testing_support::FakeClock;
using testing_support::FakeHttp;
using testing_support::FakeScheduler;
using testing_support::InlineExecutor;

constexpr char kUrl[] = "http://am:9093/api/v2/alerts";

// An Alertmanager that keeps what it accepted, by alertname.
class FakeAlertmanager {
 public:
  // Answers before anything is looked at; 0: accept.
  int status = 0;
  bool refuses_connections = false;
  std::string poison;  // an alertname that makes the request a 400
  int requests = 0;
  std::vector<std::string> accepted;  // alertname:endsAt in order of arrival
  std::vector<size_t> batch_sizes;

  Result<HttpResponse> Handle(const HttpRequest& request) {
    ++requests;
    if (refuses_connections) return Unavailable("POST " + request.url + ": connection refused");
    HttpResponse response;
    response.status = status == 0 ? 200 : status;
    if (status != 0) return response;
    const Result<JsonValue> body = JsonValue::Parse(request.body);
    EXPECT_TRUE(body.ok()) << request.body;
    std::vector<std::string> names;
    for (const JsonValue& alert : *body->AsArray()) {
      const std::string name(alert.Find("labels", "alertname")->TextOrEmpty());
      if (!poison.empty() && name == poison) {
        response.status = 400;
        response.body = "bad alert\nsecond line";
        return response;
      }
      names.push_back(name + ":" + std::string(alert.Find("endsAt")->TextOrEmpty()).substr(14, 5));
    }
    batch_sizes.push_back(names.size());
    accepted.insert(accepted.end(), names.begin(), names.end());
    return response;
  }
};

class ClientTest : public ::testing::Test {
 protected:
  void Start(AlertmanagerClientOptions options = {}) {
    client_.emplace(options, AlertmanagerClient::Dependencies{clock_, scheduler_, io_, http_, log_,
                                                              metrics_, [] { return 0.0; }});
    config_.alertmanagers = {{.static_configs = {{.targets = {"am:9093"}, .labels = {}}}}};
    client_->Apply(config_);
  }
  void SetUp() override {
    http_.Handle("http://am:9093/",
                 [this](const HttpRequest& request) { return am_.Handle(request); });
  }
  Notification Alert(const std::string& name, Duration ends_in = 4min) {
    return {.labels = {{"alertname", name}},
            .annotations = {},
            .starts_at = clock_.Now(),
            .ends_at = clock_.Now() + ends_in,
            .generator_url = "http://t/graph"};
  }
  double MetricValue(const std::string& name) {
    for (const auto& family : metrics_.Collect()) {
      if (family.name == name) return family.samples.at(0).value;
    }
    return -1;
  }

  FakeClock clock_{FromMs(1'700'000'400'000)};  // 22:20:00
  FakeScheduler scheduler_{clock_};
  InlineExecutor io_;
  FakeHttp http_;
  CaptureLog log_;
  Metrics metrics_;
  FakeAlertmanager am_;
  Config config_;
  std::optional<AlertmanagerClient> client_;
};

TEST_F(ClientTest, WritesPrometheusBytes) {
  Start();
  client_->Notify(
      {{.labels = {{"alertname", "A"}, {"cluster", "c1"}, {"severity", "page"}},
        .annotations = {{"s", "<...>"}},
        .starts_at = FromMs(1'763'905'633'730),
        .ends_at = FromMs(1'763'905'649'730),
        .generator_url = "http://prom.example/pp/graph?g0.expr=vector%281%29+%3E+0&g0.tab=1"}});
  ASSERT_THAT(http_.requests(), SizeIs(1));
  const HttpRequest request = http_.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, kUrl);
  EXPECT_THAT(request.headers,
              ElementsAre(std::pair<std::string, std::string>("Content-Type", "application/json")));
  EXPECT_EQ(request.body,
            R"([{"annotations":{"s":"\u003c...\u003e"},"endsAt":"2025-11-23T13:47:29.730Z",)"
            R"("startsAt":"2025-11-23T13:47:13.730Z",)"
            R"("generatorURL":"http://prom.example/pp/graph?g0.expr=vector%281%29+%3E+0)"
            R"(\u0026g0.tab=1","labels":{"alertname":"A","cluster":"c1","severity":"page"}}])");
}

TEST_F(ClientTest, KeepsAlertsWhileTheAlertmanagerIsDownAndSendsTheNewestStateOnce) {
  Start();
  am_.refuses_connections = true;
  for (int minute = 0; minute < 10; ++minute) {
    client_->Notify({Alert("A"), Alert("B")});
    scheduler_.Advance(1min);
  }
  client_->Notify({Alert("A", 0s), Alert("B")});
  EXPECT_EQ(client_->Snapshot().active[0].queued, 2u);
  EXPECT_EQ(client_->Snapshot().active[0].last_success, std::nullopt);
  am_.refuses_connections = false;
  scheduler_.Advance(30s);
  EXPECT_THAT(am_.accepted, ElementsAre("A:30:00", "B:34:00"));
  const AlertmanagerSnapshot seen = client_->Snapshot().active[0];
  EXPECT_EQ(seen.queued, 0u);
  EXPECT_EQ(seen.sent, 2u);
  EXPECT_THAT(seen.last_error, HasSubstr("connection refused"));
  EXPECT_THAT(log_.text(), HasSubstr("takes alerts again"));
}

TEST_F(ClientTest, PausesGrowToTheMaximum) {
  Start();
  am_.status = 500;
  client_->Notify({Alert("A")});
  std::vector<int> requests_after;
  for (int i = 0; i < 7; ++i) {
    requests_after.push_back(am_.requests);
    scheduler_.Advance(i < 5 ? Duration(1s) * (1 << i) : Duration(30s));
  }
  EXPECT_THAT(requests_after, ElementsAre(1, 2, 3, 4, 5, 6, 7));
}

TEST_F(ClientTest, TemporaryAndConfigurationErrorsLoseNothing) {
  for (const int status : {500, 503, 408, 429, 401, 403, 404, 405, 410, 415, 302}) {
    am_ = {};
    Start();
    am_.status = status;
    client_->Notify({Alert("A"), Alert("B")});
    scheduler_.Advance(10s);
    EXPECT_EQ(client_->Snapshot().active[0].queued, 2u) << status;
    am_.status = 0;
    scheduler_.Advance(30s);
    EXPECT_THAT(am_.accepted, SizeIs(2)) << status;
  }
}

TEST_F(ClientTest, RefusalsOfTheContentAreNotRepeated) {
  for (const int status : {400, 406, 409, 413, 422}) {
    am_ = {};
    Start();
    am_.status = status;
    client_->Notify({Alert("A"), Alert("B")});
    scheduler_.Advance(5min);
    const AlertmanagerSnapshot seen = client_->Snapshot().active[0];
    EXPECT_EQ(seen.refused, 2u) << status;
    EXPECT_EQ(seen.queued, 0u) << status;
    EXPECT_EQ(am_.requests, 3) << status;
  }
}

TEST_F(ClientTest, OneBadAlertIsDroppedAndTheOthersDelivered) {
  Start();
  am_.refuses_connections = true;
  std::vector<Notification> alerts;
  for (int i = 0; i < 100; ++i) alerts.push_back(Alert("A" + std::to_string(i)));
  client_->Notify(alerts);
  am_.refuses_connections = false;
  am_.poison = "A37";
  scheduler_.Advance(10s);
  EXPECT_THAT(am_.accepted, SizeIs(99));
  EXPECT_EQ(client_->Snapshot().active[0].refused, 1u);
  EXPECT_EQ(client_->Snapshot().active[0].queued, 0u);
  EXPECT_THAT(log_.text(), HasSubstr("answered 400: bad alert"));
  EXPECT_LT(am_.requests, 20);
}

TEST_F(ClientTest, TenThousandAlertsGoInBatchesOf256) {
  Start();
  am_.refuses_connections = true;
  std::vector<Notification> alerts;
  for (int i = 0; i < 10'000; ++i) alerts.push_back(Alert("A" + std::to_string(i)));
  client_->Notify(alerts);
  am_.refuses_connections = false;
  scheduler_.Advance(1s);
  EXPECT_THAT(am_.accepted, SizeIs(10'000));
  EXPECT_THAT(am_.batch_sizes, SizeIs(40));
  EXPECT_EQ(MetricValue("prometheus_notifications_sent_total"), 10'000);
  EXPECT_EQ(MetricValue("prometheus_notifications_dropped_total"), 0);
}

TEST_F(ClientTest, AFullQueueKeepsResolvedAlerts) {
  Start({.queue_capacity = 3});
  am_.status = 500;
  client_->Notify({Alert("R", 0s), Alert("A"), Alert("B")});
  client_->Notify({Alert("C"), Alert("D")});
  EXPECT_EQ(MetricValue("prometheus_notifications_dropped_total"), 2);
  am_.status = 0;
  scheduler_.Advance(1s);
  EXPECT_THAT(am_.accepted, ElementsAre("R:20:00", "C:24:00", "D:24:00"));
}

TEST_F(ClientTest, ExternalLabelsAndRelabellingAtBothLevels) {
  config_.global.external_labels = {{"cluster", "c1"}, {"severity", "external"}};
  RelabelRule drop_debug;
  drop_debug.source_labels = {"alertname"};
  drop_debug.regex = *Regex::CompileAnchored("Debug.*");
  drop_debug.action = RelabelAction::kDrop;
  config_.alert_relabel_configs = {drop_debug};
  RelabelRule drop_cluster;
  drop_cluster.regex = *Regex::CompileAnchored("cluster");
  drop_cluster.action = RelabelAction::kLabelDrop;
  Start();
  config_.alertmanagers.push_back(
      {.path_prefix = "/am2", .static_configs = {{.targets = {"am:9093"}, .labels = {}}}});
  config_.alertmanagers[1].alert_relabel_configs = {drop_cluster};
  client_->Apply(config_);
  Notification alert = Alert("A");
  alert.labels.Set("severity", "page");
  client_->Notify({alert, Alert("DebugX")});
  ASSERT_THAT(http_.requests(), SizeIs(2));
  EXPECT_THAT(http_.requests()[0].body,
              HasSubstr(R"("labels":{"alertname":"A","cluster":"c1","severity":"page"})"));
  EXPECT_EQ(http_.requests()[1].url, "http://am:9093/am2/api/v2/alerts");
  EXPECT_THAT(http_.requests()[1].body,
              HasSubstr(R"("labels":{"alertname":"A","severity":"page"})"));
}

TEST_F(ClientTest, AReloadKeepsTheQueueOfAnAlertmanagerThatStays) {
  Start();
  am_.status = 500;
  client_->Notify({Alert("A")});
  config_.alertmanagers[0].http.authorization_credentials = Secret("s3cret");
  client_->Apply(config_);
  EXPECT_EQ(client_->Snapshot().active[0].queued, 1u);
  am_.status = 0;
  scheduler_.Advance(1s);
  EXPECT_THAT(am_.accepted, SizeIs(1));
  EXPECT_THAT(
      http_.requests().back().headers,
      ::testing::Contains(std::pair<std::string, std::string>("Authorization", "Bearer s3cret")));
  EXPECT_THAT(log_.text(), ::testing::Not(HasSubstr("s3cret")));
}

TEST_F(ClientTest, AnAlertmanagerThatLeavesGetsNothingMore) {
  Start();
  am_.status = 500;
  client_->Notify({Alert("A")});
  config_.alertmanagers.clear();
  client_->Apply(config_);
  am_.status = 0;
  scheduler_.Advance(5min);
  EXPECT_THAT(am_.accepted, IsEmpty());
  EXPECT_THAT(client_->Snapshot().active, IsEmpty());
}

TEST_F(ClientTest, WhatComesBeforeTheConfigurationIsSentAfterIt) {
  client_.emplace(AlertmanagerClientOptions{},
                  AlertmanagerClient::Dependencies{clock_, scheduler_, io_, http_, log_, metrics_,
                                                   [] { return 0.0; }});
  client_->Notify({Alert("A"), Alert("B")});
  client_->Notify({Alert("A", 0s)});
  config_.alertmanagers = {{.static_configs = {{.targets = {"am:9093"}, .labels = {}}}}};
  client_->Apply(config_);
  EXPECT_THAT(am_.accepted, ElementsAre("A:20:00", "B:24:00"));
}

TEST_F(ClientTest, AlertsWaitUntilDiscoveryHasFoundSomebody) {
  Start();
  config_.alertmanagers[0].discovery.dns = {{.names = {"am"}}};
  std::vector<StaticTargets> found = std::exchange(config_.alertmanagers[0].static_configs, {});
  client_->Apply(config_);
  client_->Notify({Alert("A"), Alert("B")});
  client_->Notify({Alert("A", 0s)});
  EXPECT_THAT(am_.accepted, IsEmpty());
  EXPECT_EQ(client_->Snapshot().nobody_because, "no Alertmanager has been found");
  config_.alertmanagers[0].static_configs = found;
  client_->Apply(config_);
  EXPECT_THAT(am_.accepted, ElementsAre("A:20:00", "B:24:00"));
}

TEST_F(ClientTest, WhatTheLastAlertmanagerHasNotTakenWaitsForTheNext) {
  Start();
  config_.alertmanagers[0].discovery.dns = {{.names = {"am"}}};
  client_->Apply(config_);
  am_.status = 500;
  client_->Notify({Alert("A", 0s)});
  std::vector<StaticTargets> found = std::exchange(config_.alertmanagers[0].static_configs, {});
  client_->Apply(config_);
  am_.status = 0;
  scheduler_.Advance(1min);
  EXPECT_THAT(am_.accepted, IsEmpty());
  config_.alertmanagers[0].static_configs = found;
  client_->Apply(config_);
  EXPECT_THAT(am_.accepted, ElementsAre("A:20:00"));
}

TEST_F(ClientTest, PrintsInsteadOfSending) {
  std::string printed;
  config_.global.external_labels = {{"cluster", "c1"}};
  Start({.mode = NotifyMode::kPrint, .print = [&](std::string_view line) { printed += line; }});
  client_->Notify({Alert("A"), Alert("B")});
  EXPECT_THAT(http_.requests(), IsEmpty());
  EXPECT_THAT(printed, ::testing::StartsWith(R"([{"endsAt":"2023-11-14T22:24:00.000Z")"));
  EXPECT_THAT(printed,
              ::testing::EndsWith("\"labels\":{\"alertname\":\"B\",\"cluster\":\"c1\"}}]\n"));
}

TEST_F(ClientTest, TellsNobodyWhenItIsOff) {
  Start({.mode = NotifyMode::kOff});
  client_->Notify({Alert("A")});
  EXPECT_THAT(http_.requests(), IsEmpty());
  EXPECT_THAT(client_->Snapshot().active, IsEmpty());
  EXPECT_EQ(client_->Snapshot().nobody_because, "--notify says so");
}

TEST_F(ClientTest, DrainEndsThePauseAndReportsWhatIsLost) {
  Start();
  am_.status = 500;
  client_->Notify({Alert("A")});
  am_.status = 0;
  EXPECT_THAT(client_->Drain(0s).lost, IsEmpty());
  EXPECT_THAT(am_.accepted, SizeIs(1));

  Start();
  am_.status = 500;
  client_->Notify({Alert("A"), Alert("B")});
  const DrainReport report = client_->Drain(0s);
  ASSERT_THAT(report.lost, SizeIs(1));
  EXPECT_EQ(report.lost[0].alertmanager, kUrl);
  EXPECT_EQ(report.lost[0].alerts, 2u);
  EXPECT_THAT(report.lost[0].first, HasSubstr(R"("alertname":"A")"));
  EXPECT_THAT(log_.text(), HasSubstr("not delivered before the end"));
}

TEST(DiscoverStatic, RelabellingBuildsTheUrl) {
  AlertmanagerConfig config{.scheme = "https",
                            .path_prefix = "/pre/",
                            .static_configs = {{.targets = {"a:1", "b:2", "a:1"}, .labels = {}}}};
  RelabelRule drop_b;
  drop_b.source_labels = {"__address__"};
  drop_b.regex = *Regex::CompileAnchored("b:.*");
  drop_b.action = RelabelAction::kDrop;
  config.relabel_configs = {drop_b};
  config.static_configs.push_back(
      {.targets = {"c:3"}, .labels = {{"__scheme__", "http"}, {"__alerts_path__", "/x"}}});
  const DiscoveredAlertmanagers found = DiscoverStatic(config);
  EXPECT_THAT(found.urls, ElementsAre("https://a:1/pre/api/v2/alerts", "http://c:3/x"));
  EXPECT_THAT(found.dropped, ElementsAre("https://b:2/pre/api/v2/alerts"));
}

}  // namespace
}  // namespace tocsin
