#include "rules/manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/rules/rules_fixture.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RuleManagerTest : public testing_support::RulesFixture {};

const LabelSet kErrors = {{"__name__", "errors"}, {"job", "a"}};

constexpr char kAlert[] = R"(
  - name: app
    rules:
      - alert: Errors
        expr: errors > 0
        for: 2m
)";

TEST_F(RuleManagerTest, AnAlertGoesThroughItsLife) {
  Set(kErrors, 0);
  StartWith(kAlert);
  Advance(2min);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive);
  EXPECT_EQ(Rule().health, RuleHealth::kOk);

  Set(kErrors, 3);
  Advance(1min + 15s);
  EXPECT_EQ(Rule().phase, AlertPhase::kPending);
  EXPECT_THAT(notifier_.sent, IsEmpty());

  Advance(2min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  std::vector<Notification> sent = notifier_.Take();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].labels, (LabelSet{{"alertname", "Errors"}, {"job", "a"}}));
  EXPECT_EQ(sent[0].ends_at - sent[0].starts_at, 4min);
  EXPECT_EQ(sent[0].generator_url, "http://tocsin/graph?g0.expr=errors+%3E+0&g0.tab=1");

  Set(kErrors, 0);
  Advance(1min + 15s);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive);
  sent = notifier_.Take();
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_LE(sent[0].ends_at, clock_.Now());
}

TEST_F(RuleManagerTest, AlertsAreSeriesThatEnd) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(1min + 15s);
  EXPECT_EQ(Value("ALERTS{alertstate='pending'}"), 1);
  EXPECT_EQ(Value("ALERTS_FOR_STATE{alertname='Errors'} % 60"),
            ToMs(*Group().last_evaluation) / 1000 % 60);
  Advance(2min);
  EXPECT_EQ(Value("ALERTS{alertstate='firing'}"), 1);
  EXPECT_EQ(Value("ALERTS{alertstate='pending'}"), std::nullopt);
  Set(kErrors, 0);
  Advance(1min + 15s);
  EXPECT_EQ(Value("{__name__=~'ALERTS.*'}"), std::nullopt);
}

TEST_F(RuleManagerTest, LaterRulesSeeWhatEarlierOnesWrote) {
  Set(kErrors, 3);
  StartWith(R"(
  - name: app
    rules:
      - {record: 'job:errors', expr: errors * 2}
      - {record: 'job:errors:twice', expr: 'job:errors * 2', labels: {level: job}}
      - {alert: Many, expr: 'job:errors:twice == 12'}
      - {alert: Chained, expr: 'ALERTS{alertname="Many"}'}
)");
  Advance(1min + 15s);
  EXPECT_EQ(Value("job:errors:twice{level='job'}"), 12);
  EXPECT_EQ(Value("ALERTS{alertname='Chained'}"), 1);
}

TEST_F(RuleManagerTest, SeriesThatARuleNoLongerGivesEnd) {
  Set(kErrors, 3);
  StartWith("  - {name: app, rules: [{record: x, expr: errors > 2}]}\n");
  Advance(1min + 15s);
  EXPECT_EQ(Value("x"), 3);
  Set(kErrors, 1);
  Advance(1min + 15s);
  EXPECT_EQ(Value("x"), std::nullopt);
}

TEST_F(RuleManagerTest, TheQueryOffsetMovesQueriesAndWhatIsWritten) {
  Set(kErrors, 1);
  StartWith(R"(
  - name: app
    query_offset: 2m
    rules:
      - {record: 'x', expr: errors}
)");
  Advance(5min);
  Set(kErrors, 2);
  Advance(1min);
  EXPECT_EQ(Value("x"), 1);
  EXPECT_EQ(Value("timestamp(x)"), ToSeconds(*Group().last_evaluation - 2min));
}

TEST_F(RuleManagerTest, AFailedEvaluationDoesNotEndAnAlert) {
  Set(kErrors, 3);
  StartWith(R"(
  - name: app
    rules:
      - {alert: Errors, expr: 'errors * on (job) owner > 0'}
)");
  Set({{"__name__", "owner"}, {"job", "a"}}, 1);
  Advance(1min + 15s);
  ASSERT_EQ(Rule().phase, AlertPhase::kFiring);
  notifier_.Take();

  Set({{"__name__", "owner"}, {"job", "a"}, {"team", "b"}}, 1);
  Advance(6min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  EXPECT_EQ(Rule().health, RuleHealth::kError);
  EXPECT_THAT(Rule().last_error, HasSubstr("many-to-many"));
  EXPECT_GE(Rule().consecutive_failures, 5u);
  ASSERT_THAT(notifier_.sent, SizeIs(3));
  EXPECT_GT(notifier_.sent.back().ends_at, clock_.Now());
  EXPECT_GE(Figure("prometheus_rule_evaluation_failures_total"), 5);
  EXPECT_EQ(Value("ALERTS{alertstate='firing'}"), 1);
}

TEST_F(RuleManagerTest, TemplatesCanQuery) {
  Set(kErrors, 3);
  StartWith(R"(
  - name: app
    rules:
      - alert: Errors
        expr: errors > 0
        annotations:
          s: '{{ range query "errors" }}{{ .Labels.job }}={{ .Value }}{{ end }}'
)");
  Advance(1min + 15s);
  EXPECT_EQ(Rule().alerts.at(0).annotations.Get("s"), "a=3");
}

TEST_F(RuleManagerTest, StringsAndMatricesAreNoRuleResults) {
  StartWith("  - {name: app, rules: [{record: x, expr: 'errors[5m]'}, {record: y, expr: '1'}]}\n");
  Advance(1min + 15s);
  EXPECT_EQ(Rule(0).last_error, "rule result is not a vector or scalar");
  EXPECT_EQ(Value("y"), 1);
}

TEST_F(RuleManagerTest, MissedSlotsAreCountedAndSkipped) {
  StartWith(kAlert);
  Advance(1min + 15s);
  clock_.Advance(3min);
  Advance(1min);
  EXPECT_EQ(Group().iterations, 5u);
  EXPECT_EQ(Group().missed_iterations, 2u);
  EXPECT_EQ(Figure("prometheus_rule_group_iterations_missed_total"), 2);
  EXPECT_LT(clock_.Now(), Group().next_evaluation);
}

TEST_F(RuleManagerTest, AClockThatIsSetBackDoesNotStopTheGroup) {
  StartWith(kAlert);
  Advance(1min + 15s);
  clock_.Jump(-1h);
  Advance(2min + 15s);
  EXPECT_LE(*Group().last_evaluation, clock_.Now());
  EXPECT_GT(*Group().last_evaluation, clock_.Now() - 1min - 15s);
}

TEST_F(RuleManagerTest, ABrokenFileChangesNothing) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(4min);
  Load("  - {name: app, rules: [{alert: Errors, expr: 'errors >'}]}\n");
  EXPECT_FALSE(manager_->Check(config_).ok());
  EXPECT_FALSE(Apply().ok());
  Advance(2min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
}

TEST_F(RuleManagerTest, AChangedExpressionKeepsTheAlert) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(4min);
  const Timestamp active_at = Rule().alerts.at(0).active_at;
  notifier_.Take();
  Load(R"(
  - name: app
    rules:
      - {alert: Errors, expr: errors > 1, for: 2m}
)");
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  Advance(1min + 15s);
  EXPECT_EQ(Rule().alerts.at(0).active_at, active_at);
}

TEST_F(RuleManagerTest, AGroupThatStaysIsNotTouched) {
  StartWith(kAlert);
  Advance(3min);
  const RuleGroupSnapshot before = Group();
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Group().iterations, before.iterations);
  EXPECT_EQ(Group().last_evaluation, before.last_evaluation);
}

TEST_F(RuleManagerTest, AnUnchangedRuleTakesItsAlertsToAnotherGroup) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(4min);
  notifier_.Take();
  Load("  - {name: other, rules: [{alert: Errors, expr: errors > 0, for: 2m}]}\n");
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  EXPECT_THAT(notifier_.sent, IsEmpty());
}

TEST_F(RuleManagerTest, AlertsOfARemovedRuleAreResolvedAndItsSeriesEnd) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(4min);
  notifier_.Take();
  Load("  - {name: app, rules: []}\n");
  ASSERT_TRUE(Apply().ok());
  ASSERT_THAT(notifier_.sent, SizeIs(1));
  EXPECT_EQ(notifier_.sent[0].ends_at, clock_.Now());
  Advance(1min + 15s);
  EXPECT_EQ(Value("ALERTS"), std::nullopt);
}

TEST_F(RuleManagerTest, SeriesOfARemovedGroupEndAfterTwoIntervals) {
  Set(kErrors, 3);
  StartWith("  - {name: app, rules: [{record: x, expr: errors}]}\n");
  Advance(2min);
  Load("  - {name: other, rules: []}\n");
  ASSERT_TRUE(Apply().ok());
  Advance(1min);
  EXPECT_EQ(Value("x"), 3);
  Advance(1min + 15s);
  EXPECT_EQ(Value("x"), std::nullopt);
}

TEST_F(RuleManagerTest, ARenamedGroupGoesOnWithItsSeries) {
  Set(kErrors, 3);
  StartWith("  - {name: app, rules: [{record: x, expr: errors}]}\n");
  Advance(2min);
  Load("  - {name: other, rules: [{record: x, expr: errors + 1}]}\n");
  ASSERT_TRUE(Apply().ok());
  Advance(3min);
  EXPECT_EQ(Value("x"), 4);
}

TEST_F(RuleManagerTest, AReloadSaysWhatItHasChanged) {
  Set(kErrors, 3);
  StartWith(R"(
  - {name: stays, rules: [{record: a, expr: errors}]}
  - {name: changes, rules: [{alert: Kept, expr: errors > 0}, {alert: Gone, expr: errors > 1}]}
  - {name: goes, rules: [{record: b, expr: errors}]}
)");
  EXPECT_EQ(ToString(manager_->last_reload()),
            "rules: 0 groups unchanged; 3 groups new (stays, changes, goes); "
            "4 rules new (a, Kept, Gone, b)");
  Advance(1min + 15s);
  Load(R"(
  - {name: stays, rules: [{record: a, expr: errors}]}
  - {name: changes, rules: [{alert: Kept, expr: errors > 2}]}
  - {name: comes, rules: [{record: c, expr: errors}]}
)");
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(
      ToString(manager_->last_reload()),
      "rules: 1 group unchanged; 1 group new (comes); 1 group changed (changes); 1 group gone "
      "(goes); 1 rule new (c); 2 rules gone (Gone, b); 1 alert kept; 1 alert resolved");
}

TEST_F(RuleManagerTest, APlaceIsThatOfTheFileAsItWasReadLast) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(1min + 15s);
  EXPECT_EQ(Rule().column, 9);
  const int line = Rule().line;
  Load(std::string("  # a comment more\n") + kAlert);
  ASSERT_TRUE(Apply().ok());
  EXPECT_EQ(manager_->last_reload().groups_unchanged, 1U);
  EXPECT_EQ(Rule().phase, AlertPhase::kPending);
  EXPECT_EQ(Rule().line, line + 1);
}

TEST_F(RuleManagerTest, NothingIsEvaluatedAfterStop) {
  StartWith(kAlert);
  Advance(2min);
  manager_->Stop();
  const uint64_t iterations = Group().iterations;
  Advance(5min);
  EXPECT_EQ(Group().iterations, iterations);
}

}  // namespace
}  // namespace tocsin
