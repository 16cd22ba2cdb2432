// The six alerts of deploy/alert_rules.yml on virtual time, with the times that the file says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/shared_files.h"
#include "tests/support/simulation/simulation.h"

namespace tocsin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::IsEmpty;
using testing_support::ReceivedAlert;
using testing_support::Simulation;

constexpr const char* kConfig = R"(
global:
  scrape_interval: 15s
  evaluation_interval: 15s
rule_files: [alert_rules.yml]
alerting:
  alertmanagers:
    - static_configs:
        - targets: ['alertmanager:9093']
scrape_configs:
  - job_name: app
    scrape_interval: 10s
    static_configs: [{targets: ['app:8000']}]
  - job_name: postgres
    static_configs: [{targets: ['postgres:9187']}]
  - job_name: celery
    static_configs: [{targets: ['celery:8080']}]
)";

// What the stack's exporters show, and the ways in which it can be broken.
struct World {
  double latency = 0.2;
  double memory_gib = 0.5;
  double error_share = 0;
  double connections = 10;
  double pending = 2;

  double requests_ok = 0;
  double requests_failed = 0;

  std::string AppPage() {
    requests_ok += 100 * (1 - error_share);
    requests_failed += 100 * error_share;
    return "# TYPE http_request_duration_seconds summary\n"
           "http_request_duration_seconds{endpoint=\"/videos\",quantile=\"0.95\"} " +
           std::to_string(latency) +
           "\n# TYPE process_resident_memory_bytes gauge\n"
           "process_resident_memory_bytes " +
           std::to_string(memory_gib * 1024 * 1024 * 1024) +
           "\n# TYPE http_requests_total counter\n"
           "http_requests_total{status=\"200\"} " +
           std::to_string(requests_ok) + "\nhttp_requests_total{status=\"500\"} " +
           std::to_string(requests_failed) + "\n";
  }
  std::string PostgresPage() const {
    return "pg_stat_activity_count " + std::to_string(connections) +
           "\npg_settings_max_connections 100\n";
  }
  std::string CeleryPage() const {
    return "celery_tasks_total{state=\"PENDING\"} " + std::to_string(pending) +
           "\ncelery_tasks_total{state=\"SUCCESS\"} 1000\n";
  }
};

struct SeedAlert {
  const char* name;
  double World::*figure;  // what breaks
  double broken;
  Duration hold;  // `for` in the file
  const char* severity;
  const char* description;
};

constexpr SeedAlert kSeedAlerts[] = {
    {"HighResponseTime", &World::latency, 1.5, minutes(2), "warning",
     "95th percentile response time is 1.5s for /videos"},
    {"HighMemoryUsage", &World::memory_gib, 2.5, minutes(5), "warning", "Memory usage is 2.5GB"},
    {"HighErrorRate", &World::error_share, 0.5, minutes(3), "critical", "Error rate is 100%"},
    {"DatabaseConnectionPoolHigh", &World::connections, 90, minutes(2), "warning",
     "Connection pool is 90% utilized"},
    {"VideoProcessingQueueBacklog", &World::pending, 12, minutes(5), "warning",
     "12 videos pending processing"},
    {"PerformanceRegression", &World::latency, 0.95, minutes(2), "critical", nullptr},
};

class SeedAlertsTest : public testing::TestWithParam<SeedAlert> {
 protected:
  void SetUp() override {
    sim_.files().Put("tocsin.yml", kConfig);
    sim_.files().Put("alert_rules.yml", testing_support::ReadAll(testing_support::SourceFolder() /
                                                                 "deploy/alert_rules.yml"));
    sim_.Serve("app:8000", [this] { return world_.AppPage(); });
    sim_.Serve("postgres:9187", [this] { return world_.PostgresPage(); });
    sim_.Serve("celery:8080", [this] { return world_.CeleryPage(); });
    const Status status = sim_.Start();
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  // Whether the alert's newest message says so.
  std::function<bool()> Says(const char* alert, bool firing) {
    return [this, alert, firing] {
      const std::optional<ReceivedAlert> last = sim_.Last(alert);
      return last && last->firing() == firing;
    };
  }

  World world_;
  Simulation sim_;
};

TEST_P(SeedAlertsTest, RingsAndEnds) {
  const SeedAlert& seed = GetParam();
  sim_.Advance(minutes(12));
  ASSERT_THAT(sim_.received(), IsEmpty()) << sim_.received().front().name;

  const double healthy = world_.*seed.figure;
  const Timestamp broken_at = sim_.clock().Now();
  world_.*seed.figure = seed.broken;
  // Two intervals of scraping and two of evaluation around `for`.
  ASSERT_TRUE(sim_.AdvanceUntil(Says(seed.name, true), seed.hold + minutes(1))) << sim_.log();
  const ReceivedAlert firing = *sim_.Last(seed.name);
  EXPECT_GE(firing.at - broken_at, seed.hold);
  EXPECT_EQ(firing.labels.Get("severity"), seed.severity);
  if (seed.description != nullptr) {
    EXPECT_EQ(firing.annotations.Get("description"), seed.description);
  }
  EXPECT_THAT(firing.generator_url, testing::StartsWith("http://127.0.0.1:9977/graph?g0.expr="));

  world_.*seed.figure = healthy;
  // The error rate looks back five minutes, the regression ten.
  ASSERT_TRUE(sim_.AdvanceUntil(Says(seed.name, false), minutes(12))) << sim_.log();
  EXPECT_EQ(sim_.Last(seed.name)->labels, firing.labels);
  EXPECT_EQ(sim_.Last(seed.name)->starts_at, firing.starts_at);
}

INSTANTIATE_TEST_SUITE_P(All, SeedAlertsTest, testing::ValuesIn(kSeedAlerts),
                         [](const auto& param) { return std::string(param.param.name); });

// One fault an hour, six times round the clock.
class DayTest : public SeedAlertsTest {};

TEST_F(DayTest, EveryFaultOfADayIsToldAndNothingElse) {
  std::vector<std::string> expected;
  std::vector<std::string> told;
  for (int hour = 0; hour < 24; ++hour) {
    const SeedAlert& seed = kSeedAlerts[hour % 5];
    sim_.Advance(minutes(15));
    const double healthy = world_.*seed.figure;
    world_.*seed.figure = seed.broken;
    sim_.Advance(minutes(10));
    world_.*seed.figure = healthy;
    sim_.Advance(minutes(35));
    expected.emplace_back(seed.name);
    // A latency of 1.5 s is a regression, too.
    if (seed.figure == &World::latency) expected.emplace_back("PerformanceRegression");
  }
  std::map<std::pair<std::string, Timestamp>, bool> alarms;  // by alert and start: is it over
  for (const ReceivedAlert& alert : sim_.received()) {
    alarms[{alert.name, alert.starts_at}] = !alert.firing();
  }
  for (const auto& [alarm, over] : alarms) {
    told.push_back(alarm.first);
    EXPECT_TRUE(over) << alarm.first;
  }
  EXPECT_THAT(told, testing::UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace tocsin
