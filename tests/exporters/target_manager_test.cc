#include "exporters/target_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/metrics.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_http.h"
#include "tests/support/memory_files.h"
#include "tests/support/recording_sink.h"

namespace tocsin {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::CaptureLog;
using testing_support::FakeClock;
using testing_support::FakeHttp;
using testing_support::FakeScheduler;
using testing_support::InlineExecutor;
using testing_support::MemoryFiles;
using testing_support::RecordingSink;

constexpr Duration kInterval = seconds(10);

class TargetManagerTest : public testing::Test {
 protected:
  static ScrapeConfig App(std::vector<std::string> targets = {"app:8000"}) {
    ScrapeConfig scrape;
    scrape.job_name = "app";
    scrape.scrape_interval = kInterval;
    scrape.static_configs = {{.targets = std::move(targets)}};
    return scrape;
  }
  static Config With(std::vector<ScrapeConfig> scrapes) {
    Config config;
    config.scrape_configs = std::move(scrapes);
    return config;
  }
  void Apply(std::vector<ScrapeConfig> scrapes) {
    const Status status = manager_.Apply(With(std::move(scrapes)));
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  void OneInterval() { scheduler_.Advance(kInterval); }
  std::string Page() const {
    std::string page;
    manager_.exposition().Render({}, [&](std::string_view piece) { page += piece; });
    return page;
  }
  TargetSnapshot Target() const { return manager_.Snapshot().active.at(0); }

  FakeClock clock_;
  FakeScheduler scheduler_{clock_};
  InlineExecutor io_;
  FakeHttp http_;
  MemoryFiles files_;
  CaptureLog log_;
  RecordingSink sink_;
  Metrics metrics_;
  TargetManager manager_{{.clock = clock_,
                          .scheduler = scheduler_,
                          .io = io_,
                          .http = http_,
                          .files = files_,
                          .log = log_,
                          .sink = sink_,
                          .metrics = metrics_,
                          .own_instance = "",
                          .state_folder = ""}};
};

constexpr std::string_view kIn = R"({instance="app:8000", job="app"})";
std::string Of(std::string_view name) { return std::string(name) + std::string(kIn); }

TEST_F(TargetManagerTest, ScrapesAtItsSlotsAndSaysHowItWent) {
  http_.Answer("http://app:8000/metrics", 200, "requests_total 5\nlast{x=\"1\"} 2\n");
  Apply({App()});
  OneInterval();
  OneInterval();
  ASSERT_EQ(sink_.samples(Of("requests_total")).size(), 2u);
  EXPECT_EQ(
      sink_.samples(Of("requests_total"))[1].t_ms - sink_.samples(Of("requests_total"))[0].t_ms,
      10'000);
  EXPECT_EQ(sink_.Last(R"(last{instance="app:8000", job="app", x="1"})"), 2);
  EXPECT_EQ(sink_.Last(Of("up")), 1);
  EXPECT_EQ(sink_.Last(Of("scrape_samples_scraped")), 2);
  EXPECT_EQ(sink_.Last(Of("scrape_samples_post_metric_relabeling")), 2);
  EXPECT_EQ(sink_.samples(Of("scrape_series_added"))[0].value, 2);
  EXPECT_EQ(sink_.Last(Of("scrape_series_added")), 0);
  EXPECT_EQ(sink_.samples(Of("scrape_duration_seconds")).size(), 2u);
  EXPECT_EQ(Target().health, TargetHealth::kUp);
  EXPECT_EQ(Target().last_samples, 2u);
}

TEST_F(TargetManagerTest, AsksAsPrometheusDoes) {
  http_.Answer("http://app:8000/", 200, "");
  ScrapeConfig app = App();
  app.metrics_path = "/probe";
  app.params = {{"module", {"http 2xx", "b"}}};
  app.scrape_timeout = seconds(4);
  app.http.basic_auth_user = "me";
  app.http.basic_auth_password = Secret("hidden");
  Apply({app});
  OneInterval();
  const HttpRequest request = http_.requests().at(0);
  EXPECT_EQ(request.url, "http://app:8000/probe?module=http%202xx&module=b");
  EXPECT_EQ(request.timeout, seconds(4));
  EXPECT_EQ(request.password, "hidden");
  std::map<std::string, std::string> headers(request.headers.begin(), request.headers.end());
  EXPECT_THAT(headers["Accept"], HasSubstr("application/openmetrics-text"));
  EXPECT_EQ(headers["X-Prometheus-Scrape-Timeout-Seconds"], "4");
}

TEST_F(TargetManagerTest, ACollectionEndsBeforeTheNextSlot) {
  http_.Answer("http://app:8000/", 200, "");
  ScrapeConfig app = App();
  app.scrape_timeout = kInterval;
  Apply({app});
  OneInterval();
  EXPECT_EQ(http_.requests().at(0).timeout, milliseconds(9900));
}

TEST_F(TargetManagerTest, VanishedSeriesBecomeStaleOnce) {
  http_.Answer("http://app:8000/metrics", 200, "a 1\nb 2\n");
  Apply({App()});
  OneInterval();
  http_.Answer("http://app:8000/metrics", 200, "a 1\n");
  OneInterval();
  OneInterval();
  EXPECT_EQ(sink_.Last(Of("a")), 1);
  EXPECT_TRUE(sink_.IsStale(Of("b")));
  EXPECT_EQ(sink_.samples(Of("b")).size(), 2u);
}

TEST_F(TargetManagerTest, ADeadTargetIsDownAndItsSeriesStale) {
  http_.Answer("http://app:8000/metrics", 200, "a 1\n");
  Apply({App()});
  OneInterval();
  http_.Answer("http://app:8000/metrics", 503, "busy");
  OneInterval();
  EXPECT_EQ(sink_.Last(Of("up")), 0);
  EXPECT_TRUE(sink_.IsStale(Of("a")));
  EXPECT_EQ(Target().last_error, "server returned HTTP status 503");
  EXPECT_THAT(log_.text(), HasSubstr("server returned HTTP status 503"));
}

TEST_F(TargetManagerTest, ABrokenPageStoresNothingOfItself) {
  http_.Answer("http://app:8000/metrics", 200, "good 1\nbad{x=\"1 2\n");
  Apply({App()});
  OneInterval();
  EXPECT_EQ(sink_.Last(Of("up")), 0);
  EXPECT_TRUE(sink_.samples(Of("good")).empty());
  EXPECT_THAT(Target().last_error, HasSubstr("line 2"));
}

TEST_F(TargetManagerTest, OwnTimestampsAreHonoredUnlessForbidden) {
  const int64_t then = ToMs(clock_.Now()) - 5000;
  http_.Answer("http://app:8000/metrics", 200, "a 1 " + std::to_string(then) + "\n");
  ScrapeConfig forbidden = App({"other:1"});
  forbidden.job_name = "other";
  forbidden.honor_timestamps = false;
  http_.Answer("http://other:1/metrics", 200, "a 1 " + std::to_string(then) + "\n");
  Apply({App(), forbidden});
  OneInterval();
  EXPECT_EQ(sink_.samples(Of("a")).at(0).t_ms, then);
  EXPECT_GT(sink_.samples(R"(a{instance="other:1", job="other"})").at(0).t_ms, then);
}

TEST_F(TargetManagerTest, AStoppedTargetsSeriesBecomeStaleAtOnce) {
  http_.Answer("http://app:8000/metrics", 200, "a 1\n");
  Apply({App()});
  OneInterval();
  Apply({});
  EXPECT_TRUE(sink_.IsStale(Of("a")));
  EXPECT_TRUE(sink_.IsStale(Of("up")));
  EXPECT_TRUE(manager_.Snapshot().active.empty());
  EXPECT_EQ(scheduler_.pending(), 0u);
}

TEST_F(TargetManagerTest, AReloadKeepsWhatDidNotChange) {
  http_.Answer("http://app:8000/metrics", 200, "a 1\n");
  Apply({App()});
  OneInterval();
  Apply({App(), App({"new:1"})});
  EXPECT_EQ(sink_.Last(Of("a")), 1);
  EXPECT_EQ(Target().health, TargetHealth::kUp);
}

TEST_F(TargetManagerTest, AChangedConfigurationTakesTheSeriesOver) {
  http_.Answer("http://app:8000/metrics", 200, "a 1\nb 2\n");
  Apply({App()});
  OneInterval();
  ScrapeConfig changed = App();
  RelabelRule drop;
  drop.source_labels = {"__name__"};
  drop.regex = *Regex::CompileAnchored("b");
  drop.action = RelabelAction::kDrop;
  changed.metric_relabel_configs = {drop};
  Apply({changed});
  EXPECT_EQ(sink_.Last(Of("b")), 2);
  OneInterval();
  EXPECT_EQ(sink_.samples(Of("a")).size(), 2u);
  EXPECT_EQ(sink_.Last(Of("a")), 1);
  EXPECT_TRUE(sink_.IsStale(Of("b")));
  EXPECT_EQ(sink_.Last(Of("scrape_samples_scraped")), 2);
  EXPECT_EQ(sink_.Last(Of("scrape_samples_post_metric_relabeling")), 1);
}

TEST_F(TargetManagerTest, TargetsAreRelabeledAndDropped) {
  ScrapeConfig app = App({"a:1", "b:2"});
  RelabelRule keep;
  keep.source_labels = {"__address__"};
  keep.regex = *Regex::CompileAnchored("a:.*");
  keep.action = RelabelAction::kKeep;
  app.relabel_configs = {keep};
  Apply({app});
  const TargetsSnapshot snapshot = manager_.Snapshot();
  ASSERT_EQ(snapshot.active.size(), 1u);
  EXPECT_EQ(snapshot.active[0].scrape_url, "http://a:1/metrics");
  ASSERT_EQ(snapshot.dropped.size(), 1u);
  EXPECT_EQ(snapshot.dropped[0].discovered_labels.Get("__address__"), "b:2");
}

TEST_F(TargetManagerTest, AnUnusableAddressChangesNothing) {
  Apply({App()});
  const Status status = manager_.Apply(With({App({"http://app:8000"})}));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("is not a valid hostname"));
  EXPECT_EQ(manager_.Snapshot().active.size(), 1u);
}

TEST_F(TargetManagerTest, ClashingLabelsAreExportedOrHonored) {
  http_.Answer("http://app:8000/metrics", 200, "a{job=\"mine\"} 1\n");
  http_.Answer("http://honest:1/metrics", 200, "a{job=\"mine\"} 1\n");
  ScrapeConfig honor = App({"honest:1"});
  honor.job_name = "honor";
  honor.honor_labels = true;
  Apply({App(), honor});
  OneInterval();
  EXPECT_EQ(sink_.Last(R"(a{exported_job="mine", instance="app:8000", job="app"})"), 1);
  EXPECT_EQ(sink_.Last(R"(a{instance="honest:1", job="mine"})"), 1);
}

TEST_F(TargetManagerTest, LimitsFailTheWholeScrape) {
  http_.Answer("http://app:8000/metrics", 200, "a 1\nb 2\nc 3\n");
  ScrapeConfig app = App();
  app.sample_limit = 2;
  Apply({app});
  OneInterval();
  EXPECT_EQ(sink_.Last(Of("up")), 0);
  EXPECT_TRUE(sink_.samples(Of("a")).empty());
  EXPECT_EQ(sink_.Last(Of("scrape_samples_scraped")), 3);
  EXPECT_EQ(Target().last_error, "sample_limit exceeded: 3 samples after relabelling, limit 2");
}

TEST_F(TargetManagerTest, ThePageJoinsTargetsFamilyByFamily) {
  http_.Answer("http://app:8000/metrics", 200,
               "# HELP a_total Things.\n# TYPE a_total counter\na_total 1\nloose 7\n");
  http_.Answer("http://b:1/metrics", 200, "# TYPE a_total counter\na_total{q=\"\\\"\"} 2\n");
  Apply({App({"app:8000", "b:1"})});
  const uint64_t generation = manager_.exposition().generation();
  OneInterval();
  EXPECT_NE(manager_.exposition().generation(), generation);
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr("# HELP a_total Things.\n# TYPE a_total counter\n"
                              "a_total{instance=\"app:8000\",job=\"app\"} 1\n"
                              "a_total{instance=\"b:1\",job=\"app\",q=\"\\\"\"} 2\n"));
  EXPECT_THAT(page,
              HasSubstr("# TYPE loose untyped\nloose{instance=\"app:8000\",job=\"app\"} 7\n"));
  EXPECT_THAT(page, HasSubstr("up{instance=\"app:8000\",job=\"app\"} 1\n"
                              "up{instance=\"b:1\",job=\"app\"} 1\n"));
}

// A target that does not answer in its interval: the executor still holds its collection.
TEST_F(TargetManagerTest, AFreshPageIsCollectedBetweenTheSlotsAndSharedByReaders) {
  int asked = 0;
  http_.Handle("http://app:8000/metrics", [&](const HttpRequest&) -> Result<HttpResponse> {
    HttpResponse response;
    response.status = 200;
    response.body = "asked " + std::to_string(++asked) + "\n";
    return response;
  });
  Apply({App()});
  manager_.exposition().Refresh({}, seconds(1));
  EXPECT_EQ(asked, 0);  // the first slot comes soon enough
  while (asked == 0) scheduler_.Advance(milliseconds(50));
  scheduler_.Advance(milliseconds(500));
  manager_.exposition().Refresh({}, seconds(1));
  EXPECT_EQ(asked, 1);  // young enough
  scheduler_.Advance(seconds(3));
  manager_.exposition().Refresh({}, seconds(1));
  manager_.exposition().Refresh({}, seconds(1));
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(Page(), HasSubstr("asked{instance=\"app:8000\",job=\"app\"} 2\n"));
  EXPECT_EQ(sink_.samples(Of("asked")).size(), 2u);
  manager_.exposition().Refresh({.pools = {"other"}}, seconds(1));
  OneInterval();
  EXPECT_EQ(asked, 3);  // the slots stay where they were
  EXPECT_EQ(Target().last_error, "");
}

TEST_F(TargetManagerTest, ALookBetweenTheSlotsThatWasTooShortSaysNothing) {
  bool hangs = false;
  http_.Handle("http://app:8000/metrics", [&](const HttpRequest& request) -> Result<HttpResponse> {
    if (hangs) {
      clock_.Advance(request.timeout);
      return TimedOut("no answer");
    }
    HttpResponse response;
    response.status = 200;
    response.body = "x 1\n";
    return response;
  });
  Apply({App()});
  while (Target().collections == 0) scheduler_.Advance(milliseconds(50));
  scheduler_.Advance(seconds(3));
  hangs = true;
  manager_.exposition().Refresh({}, seconds(1));
  EXPECT_EQ(sink_.Last(Of("up")), 1);
  EXPECT_EQ(sink_.samples(Of("up")).size(), 1u);
  EXPECT_FALSE(sink_.IsStale(Of("x")));
  EXPECT_THAT(Page(), HasSubstr("x{"));
  OneInterval();  // a whole time limit
  EXPECT_EQ(sink_.Last(Of("up")), 0);
  EXPECT_TRUE(sink_.IsStale(Of("x")));
}

TEST_F(TargetManagerTest, ABurstConcernsWhatTakesPartInIt) {
  Config config;
  config.global.scrape_interval = kInterval;
  config.collectors.probe.resize(2);
  config.collectors.probe[0].job = "often";
  config.collectors.probe[0].burst_interval = seconds(2);
  config.collectors.probe[1].job = "seldom";
  for (ProbeConfig& probe : config.collectors.probe) {
    probe.instance = "app";
    probe.target = "http://app:8000/health";
  }
  http_.Answer("http://app:8000/health", 200, "fine");
  ASSERT_TRUE(manager_.Apply(config).ok());
  OneInterval();
  const size_t often = sink_.samples(R"(up{instance="app", job="often"})").size();
  const size_t seldom = sink_.samples(R"(up{instance="app", job="seldom"})").size();
  for (int second = 0; second < 10; ++second) {
    scheduler_.Advance(seconds(1));
    manager_.Burst();
  }
  EXPECT_GE(sink_.samples(R"(up{instance="app", job="often"})").size(), often + 5);
  EXPECT_EQ(sink_.samples(R"(up{instance="app", job="seldom"})").size(), seldom + 1);
}

TEST_F(TargetManagerTest, AHungCollectionIsDownFromTheFirstMissedSlot) {
  http_.Answer("http://app:8000/metrics", 200, "a 1\n");
  Apply({App()});
  OneInterval();
  http_.Handle("http://app:8000/metrics", [&](const HttpRequest&) -> Result<HttpResponse> {
    scheduler_.Advance(kInterval * 2);
    HttpResponse late{.status = 200};
    late.body = "a 5\n";
    return late;
  });
  OneInterval();
  EXPECT_EQ(sink_.Last(Of("up")), 0);
  EXPECT_TRUE(sink_.IsStale(Of("a")));
  EXPECT_EQ(sink_.samples(Of("a")).size(), 2u) << "one value and one marker";
  EXPECT_THAT(Target().last_error, HasSubstr("is not over after 10s"));
  http_.Answer("http://app:8000/metrics", 200, "a 6\n");
  OneInterval();
  EXPECT_EQ(sink_.Last(Of("up")), 1);
  EXPECT_EQ(sink_.Last(Of("a")), 6);
}

}  // namespace
}  // namespace tocsin
