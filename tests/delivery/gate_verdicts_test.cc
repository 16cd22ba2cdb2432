// What a gate does beyond limits: warnings, scores, samples against samples, and the check of the
// gate itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "delivery/gate/gate_explain.h"
#include "delivery/gate/gate_preflight.h"
#include "tests/delivery/gate_fixture.h"

namespace tocsin::delivery {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kP95 = "max(http_request_duration_seconds{color=\"";
constexpr const char* kErrors = "(sum(rate(http_requests_total{color=\"";

class GateVerdictsTest : public GateTest {
 protected:
  void Compare(const std::vector<double>& green, const std::vector<double>& blue) {
    Gates("gates: {}\ncompare: {test: mann-whitney, alpha: 1%, tolerance: 10%, step: 15s}");
    figures_.SetRange(kP95 + std::string("green"), green);
    figures_.SetRange(kP95 + std::string("blue"), blue);
    for (const char* color : {"green", "blue"}) {
      figures_.SetRange(kErrors + std::string(color), std::vector<double>(20, 0.0));
    }
  }
  GateCheck Compared() { return Find(Run(GatePhase::kStep), "compare.response_time_p95"); }
};

std::vector<double> Around(double middle) {
  std::vector<double> values;
  for (int i = 0; i < 20; ++i) values.push_back(middle * (0.9 + 0.01 * (i * 7 % 20)));
  return values;
}

TEST_F(GateVerdictsTest, SamplesOfTheSameKindPassAndLargerOnesFail) {
  Compare(Around(0.2), Around(0.2));
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 0);
  EXPECT_EQ(figures_.last_steps.step, seconds(15));
  EXPECT_EQ(figures_.last_steps.to - figures_.last_steps.from, seconds(285));
  Compare(Around(0.21), Around(0.2));  // within the tolerance
  EXPECT_EQ(Compared().verdict, GateVerdict::kPass);
  Compare(Around(0.3), Around(0.2));
  const GateCheck slower = Compared();
  EXPECT_EQ(slower.verdict, GateVerdict::kFail);
  EXPECT_LT(*slower.value, 1e-6);
  EXPECT_EQ(slower.samples, 40U);
  EXPECT_THAT(slower.why, HasSubstr("median 298.5ms against 199ms: larger by more than 10%"));
  Compare(Around(0.1), Around(0.2));  // faster is no reason
  EXPECT_EQ(Compared().verdict, GateVerdict::kPass);
}

TEST_F(GateVerdictsTest, TooFewMeasurementsDecideNothing) {
  Compare({0.9, 0.9, 0.9, 0.9}, Around(0.2));
  EXPECT_EQ(Compared().verdict, GateVerdict::kInconclusive);
  EXPECT_THAT(Compared().why, HasSubstr("green has 4 measurements in 5m, fewer than 5"));
  Compare(Around(0.2), {});
  EXPECT_EQ(Compared().why, "blue has no data");
  inputs_.baseline.clear();
  EXPECT_THAT(Compared().why, HasSubstr("give --baseline"));
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 2);
}

TEST_F(GateVerdictsTest, AComparisonThatCannotBeMadeSaysWhy) {
  Compare(Around(0.2), Around(0.2));
  figures_.SetRange(kP95 + std::string("blue"), std::vector<MetricSeries>(2));
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 3);
  figures_.SetRange(kP95 + std::string("blue"), Unavailable("away"));
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 4);
  Compare(Around(0.2), Around(0.2));
  figures_.Set("time() - max(timestamp(http_requests_total{color=\"green\"", 500);
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 2);
}

TEST_F(GateVerdictsTest, AValueBeyondItsWarningPassesAndSaysSo) {
  const std::string gates = kGates;
  Gates((gates + "warn: {performance_validation.memory_usage_max: 250MB}").c_str());
  const GateReport report = Run(GatePhase::kStep);
  const GateCheck& memory = Find(report, "performance_validation.memory_usage_max");
  EXPECT_EQ(memory.verdict, GateVerdict::kWarn);
  EXPECT_EQ(memory.why, "300MB is above 250MB, where it warns");
  EXPECT_EQ(report.verdict, GateVerdict::kWarn);
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_THAT(RenderGateJunit(report), HasSubstr("<system-out>warning: 300MB is above"));
  EXPECT_THAT(RenderGateText(report, false), HasSubstr("step of green against blue: WARN"));
  const GateCheck& spike = Find(report, "rollback_criteria.memory_usage_spike");
  EXPECT_DOUBLE_EQ(*spike.ratio, 3e8 / 2.5e8);
  EXPECT_EQ(FormatQuantity(*spike.base, spike.base_unit), "250MB");
  Gates((gates + "warn: {performance_validation.response_time_p95: 150ms}").c_str());
  EXPECT_EQ(Find(Run(GatePhase::kStep), "performance_validation.response_time_p95 server").verdict,
            GateVerdict::kWarn);
}

struct ScoreRow {
  double queue;   // weight 1, limit 10, warns at 5
  double errors;  // weight 3, limit 1
  GateVerdict verdict;
  double score;
};

TEST_F(GateVerdictsTest, WeightsSumUpToAScore) {
  Gates(
      "gates:\n  custom:\n  - {name: queue, query: queue, max: 10}\n"
      "  - {name: errors, query: errors, max: 1}\n"
      "warn: {custom.queue: 5}\n"
      "score: {weights: {custom.errors: 3}, pass: 90%, warn: 75%}\n");
  constexpr ScoreRow kRows[] = {{1, 0, GateVerdict::kPass, 1},
                                {6, 0, GateVerdict::kWarn, 0.875},
                                {20, 0, GateVerdict::kWarn, 0.75},
                                {1, 2, GateVerdict::kFail, 0.25},
                                {20, 2, GateVerdict::kFail, 0}};
  for (const ScoreRow& row : kRows) {
    figures_.Set("queue", row.queue);
    figures_.Set("errors", row.errors);
    const GateReport report = Run(GatePhase::kStep);
    EXPECT_EQ(report.verdict, row.verdict) << row.queue << " " << row.errors;
    EXPECT_DOUBLE_EQ(report.score.value_or(-1), row.score);
  }
}

TEST_F(GateVerdictsTest, NeitherAKeyCheckNorWhatIsNotKnownIsAMatterOfWeights) {
  const std::string gates =
      "gates:\n  custom:\n  - {name: queue, query: queue, max: 10}\n"
      "  - {name: errors, query: errors, max: 1}\n";
  Gates((gates + "score: {weights: {custom.queue: 0}, key: [custom.queue]}").c_str());
  figures_.Set("queue", 11);
  figures_.Set("errors", 0);
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 1);
  Gates((gates + "score: {weights: {custom.queue: 0}}").c_str());
  EXPECT_EQ(Run(GatePhase::kStep).verdict, GateVerdict::kWarn);
  figures_.Set("queue", std::vector<MetricSample>());
  EXPECT_EQ(Run(GatePhase::kStep).exit_code, 2);
}

TEST(GateExtrasTest, WrongKeysSayWhatIsMeant) {
  struct Row {
    const char* text;
    const char* error;
  };
  constexpr Row kRows[] = {
      {"gates: {}\ncompare: wilcoxon", "g.yml:2:10: compare is mann-whitney"},
      {"gates: {}\ncompare: {alpha: 60%}", "alpha is 0 to 50%"},
      {"gates: {}\nwarn: {performance_validation.memory_usage: 1GB}",
       "did you mean \"performance_validation.memory_usage_max\"?"},
      {"gates: {}\nwarn: {alerts: 1}", "alerts has no limit to warn before"},
      {"gates: {}\nscore: {weights: {alerts: -1}}", "a weight is 0 or more"},
      {"gates: {}\nscore: {key: [health_chek]}", "did you mean \"health_check\"?"},
      {"gates: {}\nscore: {pass: 50%, warn: 60%}", "warn is below pass"},
  };
  for (const Row& row : kRows) {
    const Result<GateSpec> spec = ParseGateFile("g.yml", row.text);
    ASSERT_FALSE(spec.ok()) << row.text;
    EXPECT_THAT(spec.error().message, HasSubstr(row.error)) << row.text;
  }
}

// What is printed is a gates file: read again, it says the same.
TEST_F(GateVerdictsTest, TheExplanationIsTheFileWithItsDefaults) {
  const std::string gates = kGates;
  const std::string files[] = {
      gates,
      gates +
          "compare: mann-whitney\nwarn: {performance_validation.error_rate_max: 0.5%, "
          "performance_validation.response_time_p95: 800ms}\n",
      "gates:\n  custom: [{name: q, query: 'queue{a=\"b\"}', max: 1}]\nscore: {weights: {custom.q: "
      "2}}\n"
      "on_inconclusive: fail\nmeasure: {count: 3, consecutive_success: 2}\n"};
  for (const std::string& file : files) {
    Gates(file.c_str());
    const std::string text = ExplainGate(inputs_, GateRun(inputs_, World()));
    Gates(text.c_str());
    EXPECT_EQ(ExplainGate(inputs_, GateRun(inputs_, World())), text);
  }
  EXPECT_EQ(inputs_.spec.measure.consecutive_success, 2);
  EXPECT_EQ(inputs_.spec.on_inconclusive, OnInconclusive::kFail);
  EXPECT_EQ(inputs_.spec.score->weights.at("custom.q"), 2);
}

// The gate itself.

class GatePreflightTest : public GateVerdictsTest {
 protected:
  std::vector<std::string> Problems() {
    std::vector<std::string> problems;
    for (const GateFinding& finding : FindInGateFile(inputs_)) {
      if (finding.kind != GateFinding::Kind::kProblem) continue;
      problems.push_back(finding.subject + ": " + finding.text);
    }
    return problems;
  }
  std::string OnServer() {
    const Result<std::vector<GateFinding>> found = FindOnServer(inputs_, figures_, clock_.Now());
    return found.ok() ? RenderFindingsText(*found) : found.error().message;
  }
};

TEST_F(GatePreflightTest, TheDocumentsGatesCanPassAndFail) {
  EXPECT_THAT(Problems(), ElementsAre());
}

TEST_F(GatePreflightTest, ChecksThatAlwaysPassOrNeverDoAreFound) {
  struct Row {
    const char* text;
    const char* problem;
  };
  constexpr Row kRows[] = {
      {"gates: {performance_validation: {error_rate_max: 100%}}",
       "performance_validation.error_rate_max: can never fail: a ratio is never above 100%"},
      {"gates: {health_check: {endpoints: [/h], success_rate: 0}}",
       "health_check.success_rate: can never fail: a ratio is never below 0%"},
      {"gates: {load_testing: {success_rate: 101%}}",
       "load_testing.success_rate: can never pass: a ratio is never above 100%"},
      {"gates: {custom: [{name: q, query: queue, min: 5, max: 1}]}",
       "custom.q: can never pass: min is above max"},
      {"gates: {custom: [{name: q, query: 'queue +', max: 1}]}", "custom.q: "},
      {"gates: {custom: [{name: q, query: '1 + 1', max: 1}]}",
       "custom.q: asks for no metric, so its value never changes: 1 + 1"},
      {"gates: {alerts: none}", "alerts: can never pass: no alert rules are given"},
      {"gates: {custom: [{name: q, query: q, max: 1}]}\nmeasure: {count: 2, failure_limit: 2}",
       "measure: can never fail: 2 failures of 2 measurements are tolerated"},
      {"gates: {custom: [{name: q, query: q, max: 1}]}\nmeasure: {consecutive_success: 2}",
       "measure: can never pass: 2 successes in a row of 1 measurements"},
      {"gates: {load_testing: {rate: 1, duration: 30s}, performance_validation: "
       "{response_time_p95: 1s}}",
       "load_testing: 30 journeys are fewer than min_requests, 100"},
      {"gates: {}\ncompare: {step: 2m}", "compare: can never pass: the window has 2 steps"},
      {"gates: {}", "gates: can never pass: nothing is checked"},
      {"gates: {performance_validation: {response_time_p95: 1s}}\nqueries: {response_time_p95: "
       "'max(latency_milliseconds{color=\"${color}\"})'}",
       "query response_time_p95: latency_milliseconds is in milliseconds, its limit in seconds"},
      {"gates: {performance_validation: {memory_usage_max: 1GB}}\nqueries: {memory_usage: "
       "max(rss)}",
       "query memory_usage: does not ask about ${color}"},
  };
  for (const Row& row : kRows) {
    Gates(row.text);
    EXPECT_THAT(Problems(), Contains(HasSubstr(row.problem))) << row.text;
  }
}

TEST_F(GatePreflightTest, AServerTellsWhichQueriesHaveAnswers) {
  Gates("gates: {performance_validation: {memory_usage_max: 1GB}}");
  EXPECT_THAT(OnServer(), HasSubstr("ok       query memory_usage"));
  EXPECT_THAT(OnServer(), HasSubstr("300MB for green: max(max_over_time("));
  figures_.Set("max(max_over_time(process_resident_memory_bytes{color=\"green\"",
               std::vector<MetricSample>());
  const std::string metric = "{__name__=\"process_resident_memory_bytes\"";
  EXPECT_THAT(OnServer(), HasSubstr("the server has no series process_resident_memory_bytes"));
  figures_.Set("count(" + metric, 4);
  EXPECT_THAT(OnServer(), HasSubstr("process_resident_memory_bytes have no label color"));
  LabelSet blue;
  blue.Set("color", "blue");
  figures_.Set("group by (color) (" + metric,
               std::vector<MetricSample>{{.labels = blue, .value = 1}});
  EXPECT_THAT(OnServer(), HasSubstr("note     query memory_usage"));
  EXPECT_THAT(OnServer(), HasSubstr("nothing for green yet; 300MB for blue"));
  figures_.Set("max(max_over_time(process_resident_memory_bytes{color=\"green\"",
               std::vector<MetricSample>(2));
  EXPECT_THAT(OnServer(), HasSubstr("2 series where one is meant"));
  figures_.Set("max(max_over_time(process_resident_memory_bytes{color=\"green\"",
               Unavailable("connection refused"));
  EXPECT_EQ(OnServer(), "connection refused");
}

TEST_F(GatePreflightTest, RulesWhoseMetricsAreMissingAreNamed) {
  Gates("gates: {alerts: none}");
  inputs_.alerts = {{.name = "A", .expr = "rate(http_requests_total[5m]) > 1"},
                    {.name = "B", .expr = "queue_length > 10"}};
  figures_.Set("count({__name__=\"http_requests_total\"", 3);
  EXPECT_THAT(OnServer(), HasSubstr("note     alerts"));
  EXPECT_THAT(OnServer(), HasSubstr("the server has no series of queue_length\n"));
  figures_.Set("count({__name__=\"queue_length\"", 1);
  EXPECT_THAT(OnServer(), HasSubstr("the server has the metrics of all 2 rules"));
}

}  // namespace
}  // namespace tocsin::delivery
