// What rules do here beyond Prometheus: missing input, hysteresis, the guard of the start,
// flapping, and what is told of evaluations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rules/data_source.h"
#include "tests/rules/rules_fixture.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

LabelSet Errors(std::string_view job) {
  return {{"__name__", "errors"}, {"job", std::string(job)}};
}

class ExtensionsTest : public testing_support::RulesFixture {
 protected:
  // An alert on errors{job="a"} that fires, and errors{job="b"} that does not.
  void StartFiring(const std::string& settings, const std::string& expr = "errors > 2") {
    Set(Errors("a"), 3);
    Set(Errors("b"), 1);
    Set({{"__name__", "owner"}, {"job", "a"}, {"x", "1"}}, 0);
    StartWith(
        "  - name: app\n    interval: 15s\n    rules:\n      - alert: Errors\n        expr: " +
        expr + "\n" + settings);
    Advance(1min);
    ASSERT_EQ(Rule().phase, AlertPhase::kFiring);
  }
  // The series goes away as one of a target that fails does.
  void End(const LabelSet& series) {
    Unset(series);
    Appender appender(*head_);
    appender.Append(series, ToMs(clock_.Now()), StaleNan());
    ASSERT_TRUE(appender.Commit().ok());
  }
  AlertSnapshot Alert(size_t index = 0) const { return Rule().alerts.at(index); }
};

TEST_F(ExtensionsTest, MissingInputResolvesUnlessTheRuleSaysOtherwise) {
  StartFiring("");
  End(Errors("a"));
  Advance(30s);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive);
}

TEST_F(ExtensionsTest, AnAlertIsKeptWhileItsInputIsMissing) {
  StartFiring("        on_missing: keep\n");
  End(Errors("a"));
  Advance(20min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  EXPECT_EQ(Alert().hold, AlertHold::kMissingInput);
  EXPECT_EQ(Alert().value, 3);
  EXPECT_GT(notifier_.sent.back().ends_at, clock_.Now());

  Set(Errors("a"), 1);
  Advance(30s);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive) << "the input is back, and the condition is false";
}

TEST_F(ExtensionsTest, KeepingIsDecidedForEachAlertByItself) {
  StartFiring("        on_missing: keep\n", "errors > 0");
  ASSERT_THAT(Rule().alerts, SizeIs(2));
  End(Errors("a"));
  Set(Errors("b"), 0);
  Advance(30s);
  EXPECT_EQ(Alert(0).phase, AlertPhase::kFiring);
  EXPECT_EQ(Alert(1).phase, AlertPhase::kInactive);
}

TEST_F(ExtensionsTest, WithFireAPendingAlertGoesOnTowardsFiring) {
  Set(Errors("a"), 3);
  for (const char* policy : {"keep", "fire"}) {
    StartWith(std::string("  - name: app\n    interval: 15s\n    rules:\n      - alert: Errors\n") +
              "        expr: errors > 2\n        for: 2m\n        # tocsin: on_missing=" + policy);
    Set(Errors("a"), 3);
    Advance(1min);
    ASSERT_EQ(Rule().phase, AlertPhase::kPending);
    End(Errors("a"));
    Advance(3min);
    EXPECT_EQ(Rule().phase,
              policy == std::string("fire") ? AlertPhase::kFiring : AlertPhase::kPending);
  }
}

TEST_F(ExtensionsTest, AFiringAlertEndsOnlyBelowItsLowerThreshold) {
  StartFiring("        resolve_expr: errors < 2\n");
  Set(Errors("a"), 2);
  Advance(10min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  EXPECT_EQ(Alert().hold, AlertHold::kNotResolved);
  Set(Errors("a"), 1);
  Advance(30s);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive);
}

TEST_F(ExtensionsTest, ALowerThresholdDoesNotOutliveTheSeries) {
  StartFiring("        resolve_expr: errors < 2\n");
  End(Errors("a"));
  Advance(30s);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive);
}

TEST_F(ExtensionsTest, ABrokenLowerThresholdKeepsTheAlert) {
  StartFiring("        resolve_expr: errors + on (job) group_left () owner < 2\n");
  Set({{"__name__", "owner"}, {"job", "a"}, {"x", "2"}}, 0);
  Set(Errors("a"), 1);
  Advance(1min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
}

TEST_F(ExtensionsTest, ARuleWithoutInputSaysSo) {
  StartWith(R"(
  - name: app
    interval: 15s
    rules:
      - {alert: ATypo, expr: 'erors > 2'}
      - {alert: Gone, expr: 'absent(erors)'}
      - {record: x, expr: vector(1)}
      - {record: y, expr: 'x + 1'}
)");
  Advance(1min);
  EXPECT_TRUE(Rule(0).no_input);
  EXPECT_FALSE(Rule(1).no_input);
  EXPECT_FALSE(Rule(2).no_input);
  EXPECT_FALSE(Rule(3).no_input);
  EXPECT_EQ(Rule(3).series_fetched, 1u);
  EXPECT_EQ(Figure("tocsin_rule_no_input"), 1);
}

TEST_F(ExtensionsTest, SharedSelectionsCountForEachRule) {
  Set(Errors("a"), 3);
  StartWith("  - {name: app, rules: [{record: x, expr: errors}, {record: y, expr: errors + 1}]}\n");
  Advance(1min + 15s);
  EXPECT_EQ(Rule(0).series_fetched, 1u);
  EXPECT_EQ(Rule(1).series_fetched, 1u);
}

TEST_F(ExtensionsTest, AlertsThatFlapAreTold) {
  StartFiring("");
  for (int i = 0; i < 3; ++i) {
    Set(Errors("a"), 1);
    Advance(30s);
    Set(Errors("a"), 3);
    Advance(30s);
  }
  EXPECT_EQ(Alert().transitions_per_hour, 7u);
  EXPECT_GE(Alert().transitions_per_hour, kFlappingTransitions);
  EXPECT_EQ(Rule().transitions_per_hour, 7u);
  Advance(1h);
  EXPECT_EQ(Alert().transitions_per_hour, 0u);
}

TEST_F(ExtensionsTest, TheHistoryTellsWhatAnEvaluationHasChanged) {
  options_.history = 3;
  Set(Errors("a"), 3);
  StartWith("  - {name: app, rules: [{alert: Errors, expr: errors > 2, for: 1m}]}\n");
  Advance(3min);
  ASSERT_THAT(Rule().history, SizeIs(3));
  const EvaluationRecord& first = *Rule().history[0];
  EXPECT_EQ(first.series_fetched, 1u);
  EXPECT_EQ(first.samples, 2u);
  ASSERT_THAT(first.transitions, SizeIs(1));
  EXPECT_EQ(first.transitions[0].from, std::nullopt);
  EXPECT_EQ(first.transitions[0].to, AlertPhase::kPending);
  EXPECT_EQ(Rule().history[1]->transitions.at(0).to, AlertPhase::kFiring);
  EXPECT_THAT(Rule().history[2]->transitions, IsEmpty());
  Advance(5min);
  EXPECT_THAT(Rule().history, SizeIs(3));
}

TEST_F(ExtensionsTest, AFailingRuleSaysSinceWhen) {
  StartFiring("", "errors + on (job) owner > 2");
  const Timestamp since = Group().next_evaluation;
  Set({{"__name__", "owner"}, {"job", "a"}, {"x", "2"}}, 1);
  Advance(1min);
  EXPECT_THAT(Rule().last_error, HasSubstr("many-to-many"));
  EXPECT_EQ(Rule().failing_since, since);
  EXPECT_EQ(Rule().last_success, since - 15s);
  EXPECT_THAT(Rule().history.back()->error, HasSubstr("many-to-many"));
  EXPECT_EQ(Figure("tocsin_rule_consecutive_failures"), Rule().consecutive_failures);
  EXPECT_EQ(Figure("tocsin_rule_seconds_since_last_success"), 60);
}

TEST_F(ExtensionsTest, TemplatesKnowMoreThanPrometheus) {
  Set(Errors("a"), 3);
  StartWith(R"(
  - name: app
    rules:
      - alert: Errors
        expr: errors > 0
        for: 90s
        annotations: {s: '{{ $activeAt.Unix }} {{ $for }} {{ $interval }} {{ $expr }}'}
)");
  Advance(3min + 15s);
  const int64_t active_at = ToMs(Rule().alerts.at(0).active_at) / 1000;
  EXPECT_LT(Rule().alerts.at(0).active_at, *Rule().last_evaluation);
  EXPECT_EQ(Rule().alerts.at(0).annotations.Get("s"),
            std::to_string(active_at) + " 1m30s 1m0s errors > 0");
}

// --- targets ----------------------------------------------------------------------------------

class SourcesTest : public ExtensionsTest {
 protected:
  SourcesTest() {
    sources_ = [this] { return list_; };
    list_ = {{.name = "app/a", .labels = {{"job", "a"}}, .interval = 15s},
             {.name = "db/b", .labels = {{"job", "b"}}, .interval = 15s}};
  }

  std::vector<DataSource> list_;
};

constexpr char kGuarded[] = R"(
  - name: app
    interval: 15s
    # tocsin: startup_guard=true
    rules:
      - {alert: Errors, expr: 'rate(errors{job="a"}[1m]) > 0 or absent(errors{job="a"})'}
)";

TEST_F(SourcesTest, TheGuardWaitsForTwoCollectionsWhereThereIsARange) {
  list_[0].interval = 1h;
  StartWith(kGuarded);
  list_[0].collections = 1;
  Advance(15s);
  EXPECT_EQ(Group().last_evaluation, std::nullopt);
  EXPECT_THAT(Group().waiting_for, ElementsAre("app/a"));
  list_[0].collections = 2;
  Advance(15s);
  EXPECT_NE(Group().last_evaluation, std::nullopt);
  EXPECT_THAT(Group().waiting_for, IsEmpty());
}

TEST_F(SourcesTest, TheGuardWaitsNoLongerThanTwoIntervals) {
  StartWith(kGuarded);
  Advance(30s);
  EXPECT_EQ(Group().last_evaluation, std::nullopt);
  Advance(30s);
  EXPECT_NE(Group().last_evaluation, std::nullopt);
}

TEST_F(SourcesTest, AFailingTargetDegradesTheRulesThatReadFromIt) {
  Set(Errors("a"), 1);
  Set({{"__name__", "up"}, {"job", "a"}}, 1);
  StartWith(R"(
  - name: app
    interval: 15s
    rules:
      - {record: x, expr: sum(errors)}
      - {record: y, expr: 'up == 0'}
      - {record: z, expr: 'errors{job="b"}'}
)");
  Advance(1min);
  EXPECT_THAT(Rule(0).degraded_by, IsEmpty());
  list_[0].failing = true;
  Set({{"__name__", "up"}, {"job", "a"}}, 0);
  End(Errors("a"));
  Advance(30s);
  EXPECT_THAT(Rule(0).degraded_by, ElementsAre("app/a"));
  EXPECT_THAT(Rule(1).degraded_by, IsEmpty()) << "`up` is what tells that the target fails";
  EXPECT_THAT(Rule(2).degraded_by, IsEmpty());
}

TEST_F(SourcesTest, ATargetThatNeverAnsweredDegradesRulesThatNameIt) {
  StartWith("  - {name: app, rules: [{record: z, expr: 'errors{job=\"b\"}'}]}\n");
  list_[1].failing = true;
  Advance(1min + 15s);
  EXPECT_THAT(Rule().degraded_by, ElementsAre("db/b"));
}

}  // namespace
}  // namespace tocsin
