// Gates on tables: figures from a map of expressions, an app that answers as told, a fake clock.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/json.h"
#include "tests/delivery/gate_fixture.h"
#include "tests/support/shared_files.h"

namespace tocsin::delivery {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(GateFileTest, TheFileOfTheDocumentIsRead) {
  const auto path = testing_support::FindShared("seed/deployment-gates.yml");
  if (!path) GTEST_SKIP() << "shared/seed/deployment-gates.yml is not here";
  const Result<GateSpec> spec = ParseGateFile("g.yml", testing_support::ReadAll(*path));
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  EXPECT_EQ(spec->health->endpoints.size(), 2U);
  EXPECT_EQ(spec->health->success_rate, 1);
  EXPECT_EQ(spec->health->retries, 3);
  EXPECT_EQ(spec->performance->response_time_p95, 1.0);
  EXPECT_EQ(spec->performance->memory_usage_max, 1e9);
  EXPECT_EQ(spec->performance->error_rate_max, 0.01);
  EXPECT_EQ(spec->load->duration, minutes(5));
  EXPECT_EQ(spec->load->users, 100);
  EXPECT_EQ(spec->load->success_rate, 0.99);
  EXPECT_EQ(spec->rollback->response_time_degradation, 0.5);
  EXPECT_EQ(spec->rollback->error_rate_spike, 0.05);
  EXPECT_EQ(spec->rollback->memory_usage_spike, 1.0);
}

TEST(GateFileTest, SaysWhatIsWrongAndWhere) {
  struct Row {
    const char* text;
    const char* error;
  };
  constexpr Row kRows[] = {
      {"x: 1", "g.yml:1:1: "},
      {"gates: {healthcheck: {}}", "did you mean \"health_check\"?"},
      {"gates: {health_check: {}}", "a health check needs endpoints"},
      {"gates: {health_check: {endpoints: [health]}}", "a path begins with \"/\""},
      {"gates: {performance_validation: {memory_usage_max: large}}",
       "memory_usage_max: \"large\" is no size"},
      {"gates: {load_testing: {concurrent_users: 0}}", "concurrent_users is 1 or more"},
      {"gates: {alerts: some}", "alerts can be \"none\" only"},
      {"gates: {custom: [{name: q, query: up}]}", "gate \"q\" can never fail: give max or min"},
      {"gates: {}\non_inconclusive: maybe", "g.yml:2:18: on_inconclusive is hold, fail or pass"},
      {"gates: {}\nqueries: {error_rates: up}", "did you mean \"error_rate\"?"},
      {"gates: {}\nmeasure: {count: 0}", "count is 1 or more"},
  };
  for (const Row& row : kRows) {
    const Result<GateSpec> spec = ParseGateFile("g.yml", row.text);
    ASSERT_FALSE(spec.ok()) << row.text;
    EXPECT_THAT(spec.error().message, HasSubstr(row.error)) << row.text;
  }
}

constexpr const char* kErrorRate = "performance_validation.error_rate_max";

TEST_F(GateTest, AGoodVersionPassesEveryPhase) {
  for (const GatePhase phase :
       {GatePhase::kPre, GatePhase::kStep, GatePhase::kPost, GatePhase::kAll}) {
    const GateReport report = Run(phase);
    EXPECT_EQ(report.exit_code, 0) << RenderGateText(report, false);
  }
  const GateReport all = Run(GatePhase::kAll);
  EXPECT_EQ(all.checks.size(), 11U);
  EXPECT_EQ(all.load->started, 100U);
  EXPECT_EQ(Find(all, "health_check.success_rate").samples, 4U);
}

TEST_F(GateTest, PhasesCheckWhatCanBeKnownThen) {
  EXPECT_TRUE(Run(GatePhase::kPre).load.has_value());
  const GateReport step = Run(GatePhase::kStep);
  EXPECT_FALSE(step.load.has_value());
  for (const GateCheck& check : step.checks) EXPECT_FALSE(check.probed) << check.id;
}

TEST_F(GateTest, WhatIsNotKnownNeverPasses) {
  struct Row {
    const char* what;
    TableSource::Answer answer;
    GateVerdict verdict;
    int exit_code;
    const char* why;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const Row rows[] = {
      {"nothing", std::vector<MetricSample>(), GateVerdict::kInconclusive, 2, "no data"},
      {"NaN", std::vector<MetricSample>{{{}, nan}}, GateVerdict::kInconclusive, 2, "NaN"},
      {"Inf", std::vector<MetricSample>{{{}, inf}}, GateVerdict::kInconclusive, 2, "infinite"},
      {"two series", std::vector<MetricSample>{{{}, 0}, {{{"a", "b"}}, 0}}, GateVerdict::kError, 3,
       "2 series where one is meant"},
      {"refused", ExecutionError("1:5: parse error"), GateVerdict::kError, 3, "parse error"},
      {"away", Unavailable("connection refused"), GateVerdict::kUnreachable, 4, "refused"},
      {"late", TimedOut("no answer within 30s"), GateVerdict::kUnreachable, 4, "no answer"},
  };
  for (const Row& row : rows) {
    figures_.Set("(sum(rate(http_requests_total{color=\"green\"", row.answer);
    const GateReport report = Run(GatePhase::kPre);
    const GateCheck& check = Find(report, kErrorRate);
    EXPECT_EQ(check.verdict, row.verdict) << row.what;
    EXPECT_THAT(check.why, HasSubstr(row.why)) << row.what;
    EXPECT_EQ(report.exit_code, row.exit_code) << row.what;
  }
}

TEST_F(GateTest, OldSamplesAndFewRequestsDecideNothing) {
  figures_.Set("time() - max(timestamp(http_requests_total{color=\"green\"", 240);
  EXPECT_EQ(Find(Run(GatePhase::kPre), kErrorRate).why, "the newest sample is 4m old");
  figures_.Set("time() - max(timestamp(http_requests_total{color=\"green\"", 5);
  figures_.Set("sum(increase(http_requests_total{color=\"green\"", 99);
  const GateReport report = Run(GatePhase::kPre);
  EXPECT_EQ(Find(report, kErrorRate).why, "99 requests in 5m, fewer than min_requests, 100");
  // Memory does not need requests.
  EXPECT_EQ(Find(report, "performance_validation.memory_usage_max").verdict, GateVerdict::kPass);
  EXPECT_EQ(report.exit_code, 2);
}

TEST_F(GateTest, ThePolicyDecidesWhatInconclusiveCountsAs) {
  figures_.Set("(sum(rate(http_requests_total{color=\"green\"", std::vector<MetricSample>());
  inputs_.spec.on_inconclusive = OnInconclusive::kFail;
  EXPECT_EQ(Run(GatePhase::kPre).exit_code, 1);
  inputs_.spec.on_inconclusive = OnInconclusive::kPass;
  EXPECT_EQ(Run(GatePhase::kPre).exit_code, 0);
}

TEST_F(GateTest, AFailureOutweighsWhatIsNotKnown) {
  figures_.Set("(sum(rate(http_requests_total{color=\"green\"", Unavailable("away"));
  figures_.Set("max(max_over_time(process_resident_memory_bytes{color=\"green\"", 1.2e9);
  const GateReport report = Run(GatePhase::kPre);
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_EQ(Find(report, "performance_validation.memory_usage_max").why, "1.2GB is above 1GB");
}

TEST_F(GateTest, AVersionThatNeverGetsHealthyFailsAfterTheTimeout) {
  status_ = [](int) { return 503; };
  const GateReport report = Run(GatePhase::kPre);
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_EQ(report.checks.size(), 1U);  // nothing else is asked of it
  EXPECT_EQ(report.checks[0].why, "no success within 10s: status 503, expected 2xx");
  EXPECT_LE(report.took, seconds(11));
}

TEST_F(GateTest, RetriesForgiveASample) {
  status_ = [](int n) { return n == 2 ? 500 : 200; };
  EXPECT_EQ(Find(Run(GatePhase::kPost), "health_check.success_rate").value, 1.0);
  requests_ = 0;
  status_ = [](int n) { return n == 2 || n == 3 ? 500 : 200; };  // the retry fails too
  const GateReport report = Run(GatePhase::kPost);
  EXPECT_EQ(Find(report, "health_check.success_rate").value, 0.75);
  EXPECT_EQ(report.exit_code, 1);
}

TEST_F(GateTest, TheClientsSideOfTheLatencyCounts) {
  latency_ = milliseconds(1200);  // the app itself reports 0.2 s
  const GateReport report = Run(GatePhase::kPre);
  EXPECT_EQ(Find(report, "performance_validation.response_time_p95 client").verdict,
            GateVerdict::kFail);
  EXPECT_EQ(Find(report, "performance_validation.response_time_p95 server").verdict,
            GateVerdict::kPass);
}

TEST_F(GateTest, DegradationIsRelativeAndMoreThanADelta) {
  const std::string id = "rollback_criteria.response_time_degradation";
  figures_.Set("max(http_request_duration_seconds{color=\"green\"", 0.35);
  EXPECT_EQ(Find(Run(GatePhase::kStep), id).why, "75% is above 50%: 350ms against 200ms");
  figures_.Set("max(http_request_duration_seconds{color=\"green\"", 0.04);
  figures_.Set("max(http_request_duration_seconds{color=\"blue\"", 0.02);
  const GateReport report = Run(GatePhase::kStep);
  EXPECT_EQ(Find(report, id).verdict, GateVerdict::kPass);
  EXPECT_EQ(Find(report, id).why, "40ms against 20ms differ by less than min_delta, 50ms");
  figures_.Set("max(http_request_duration_seconds{color=\"blue\"", 0);
  EXPECT_EQ(Find(Run(GatePhase::kStep), id).verdict, GateVerdict::kPass);
  figures_.Set("max(http_request_duration_seconds{color=\"green\"", 0);
  EXPECT_EQ(Find(Run(GatePhase::kStep), id).verdict, GateVerdict::kPass);
  figures_.Set("max(http_request_duration_seconds{color=\"green\"", 0.35);
  const GateReport slow = Run(GatePhase::kStep);
  EXPECT_EQ(Find(slow, id).verdict, GateVerdict::kFail);
  EXPECT_EQ(Find(slow, id).why, "the baseline's 95th percentile is 0: 350ms against 0s");
}

TEST_F(GateTest, MemoryIsComparedAtTheSameAge) {
  figures_.Set("max(max_over_time(process_resident_memory_bytes{color=\"green\"", 4.9e8);
  const std::string id = "rollback_criteria.memory_usage_spike";
  EXPECT_NEAR(*Find(Run(GatePhase::kStep), id).value, 4.9 / 2.5 - 1, 1e-9);
  figures_.Set("max(max_over_time(process_resident_memory_bytes{color=\"green\"", 6e8);
  EXPECT_EQ(Find(Run(GatePhase::kStep), id).why, "140% is above 100%: 600MB against 250MB");
}

TEST_F(GateTest, WithoutABaselineTheComparisonIsInconclusiveUnlessOneWasRecorded) {
  inputs_.baseline = "";
  const std::string id = "rollback_criteria.response_time_degradation";
  EXPECT_THAT(Find(Run(GatePhase::kStep), id).why, HasSubstr("no baseline"));
  inputs_.recorded = {{"response_time_p95", 0.1}, {"memory_usage", 3e8}, {"error_rate", 0}};
  EXPECT_EQ(Find(Run(GatePhase::kStep), id).value, 1.0);
  GateRun run(inputs_, World());
  EXPECT_EQ(run.MeasureBaseline().at("response_time_p95"), 0.2);
}

TEST_F(GateTest, AnAlertThatHoldsForTheColorAloneFails) {
  Gates("gates: {alerts: none}");
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 2);  // no rules are given
  inputs_.alerts = {{"Errors", "sum by (job) (errors) > 1"}, {"Slow", "slow > 1"}};
  figures_.Set("sum by (job) (errors) > 1", 2);                  // of both colors
  figures_.Set("sum by (job) (errors{color=\"blue\"}) > 1", 2);  // the old color's own trouble
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 0);
  figures_.Set("slow{color=\"green\"} > 1", 2);
  GateReport report = Run(GatePhase::kStep);
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_EQ(Find(report, "alerts").why, "these hold: Slow");
  figures_.Set("sum by (job) (errors{color=\"green\"}) > 1", 3);
  report = Run(GatePhase::kStep);
  EXPECT_EQ(Find(report, "alerts").why, "these hold: Errors, Slow");
  EXPECT_EQ(Find(report, "alerts").query, "sum by (job) (errors{color=\"green\"}) > 1");
}

// What always fires, and what misses a metric, is no color's fault unless it says so.
TEST_F(GateTest, AlertsThatAreNoColorsCountByTheirLabel) {
  Gates("gates: {alerts: none}");
  inputs_.alerts = {{"Watchdog", "vector(1)"}, {"Missing", "absent(pg_up)"}};
  figures_.Set("vector(1)", 1);
  figures_.Set("absent(pg_up)", std::vector<MetricSample>{{{{"color", "blue"}}, 1}});
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 0);
  figures_.Set("absent(pg_up)", std::vector<MetricSample>{{{{"color", "green"}}, 1}});
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 1);
}

TEST_F(GateTest, CustomGatesHaveLimitsOnBothSides) {
  Gates("gates: {custom: [{name: q, query: 'queue{c=\"${color}\"}', min: 1, max: 10}]}");
  for (const auto& [value, code] : {std::pair(5.0, 0), std::pair(0.0, 1), std::pair(11.0, 1)}) {
    figures_.Set("queue{c=\"green\"}", value);
    EXPECT_EQ(Run(GatePhase::kStep).exit_code, code) << value;
  }
}

TEST_F(GateTest, RoundsTolerateFailuresAndEndEarly) {
  Gates(
      "gates: {custom: [{name: q, query: queue, max: 10}]}\n"
      "measure: {count: 5, interval: 10s, failure_limit: 1, initial_delay: 30s}");
  figures_.Set("queue", 11);
  const GateReport failed = Run(GatePhase::kStep);
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_EQ(pauses_, 2);  // the delay, and one interval: two failures are one too many
  inputs_.spec.measure.consecutive_success = 2;
  figures_.Set("queue", 9);
  pauses_ = 0;
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 0);
  EXPECT_EQ(pauses_, 2);
  inputs_.spec.measure = {.count = 1, .consecutive_success = 2};
  EXPECT_EQ(Find(Run(GatePhase::kStep), "custom.q").why, "only 1 of 2 successes in a row");
}

TEST_F(GateTest, AFileWithoutChecksShowsNothing) {
  Gates("gates: {}");
  EXPECT_EQ(Run(GatePhase::kAll).exit_code, 2);
}

TEST_F(GateTest, ABundleIsJudgedAgainAsItWas) {
  figures_.Set("max(max_over_time(process_resident_memory_bytes{color=\"green\"", 1.2e9);
  figures_.Set("max(http_request_duration_seconds{color=\"blue\"", Unavailable("away"));
  RecordingSource recording(figures_);
  const GateWorld tables = World();
  inputs_.phase = GatePhase::kAll;
  const GateReport first = GateRun(inputs_, {.load = tables.load, .metrics = recording}).Run();

  const Result<Recording> kept = ReadRecording(WriteRecording(recording.recording()));
  ASSERT_TRUE(kept.ok()) << kept.error().message;
  ReplaySource replay(*kept);
  const Result<std::vector<GateCheck>> checks = ReadGateChecks(RenderGateJson(first));
  ASSERT_TRUE(checks.ok());
  for (const GateCheck& check : *checks) {
    if (check.probed) inputs_.probed.push_back(check);
  }
  inputs_.only_figures = true;
  clock_.Advance(std::chrono::hours(1000));
  const int requests = requests_;
  const GateReport again = GateRun(inputs_, {.load = tables.load, .metrics = replay}).Run();
  EXPECT_EQ(requests_, requests);
  ASSERT_EQ(again.checks.size(), first.checks.size());
  for (size_t i = 0; i < first.checks.size(); ++i) {
    EXPECT_EQ(again.checks[i].id, first.checks[i].id);
    EXPECT_EQ(again.checks[i].verdict, first.checks[i].verdict) << first.checks[i].id;
    EXPECT_EQ(again.checks[i].value, first.checks[i].value) << first.checks[i].id;
    EXPECT_EQ(again.checks[i].why, first.checks[i].why);
  }
  EXPECT_EQ(again.exit_code, first.exit_code);
}

TEST_F(GateTest, ReportsSayTheSameInEveryFormat) {
  figures_.Set("(sum(rate(http_requests_total{color=\"green\"", 0.2);
  const GateReport report = Run(GatePhase::kPre);
  EXPECT_THAT(RenderGateText(report, false), HasSubstr("FAIL          " + std::string(kErrorRate)));
  EXPECT_THAT(RenderGateText(report, true), HasSubstr("\033[31mFAIL"));
  EXPECT_THAT(RenderGateMarkdown(report),
              HasSubstr("| FAIL | " + std::string(kErrorRate) + " | 20% | <= 1% |"));
  EXPECT_THAT(RenderGateJunit(report),
              HasSubstr("<failure message=\"20% is above 1%\"/>\n  </testcase>"));
  const Result<JsonValue> json = JsonValue::Parse(RenderGateJson(report));
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->Find("verdict")->TextOrEmpty(), "FAIL");
  std::map<std::string, std::string> units;
  for (const JsonValue& check : *json->Find("checks")->AsArray()) {
    units.emplace(check.Find("id")->TextOrEmpty(), check.Find("unit")->TextOrEmpty());
  }
  EXPECT_EQ(units.at(std::string(kErrorRate)), "ratio");
  EXPECT_EQ(units.at("performance_validation.response_time_p95 client"), "s");
  const auto checks = ReadGateChecks(RenderGateJson(report));
  ASSERT_TRUE(checks.ok());
  EXPECT_TRUE(std::ranges::equal(*checks, report.checks, {}, &GateCheck::unit, &GateCheck::unit));
}

}  // namespace
}  // namespace tocsin::delivery
