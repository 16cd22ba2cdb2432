// Alerts over restarts: by the journal, and without one by the store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "rules/state_restore.h"
#include "tests/rules/rules_fixture.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing::Each;
using testing::Field;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const LabelSet kErrors = {{"__name__", "errors"}, {"job", "a"}};

constexpr char kAlert[] = R"(
  - name: app
    rules:
      - alert: Errors
        expr: errors > 0
        for: 5m
        annotations: {s: '{{ $value }}'}
)";

class RestartTest : public testing_support::RulesFixture {
 protected:
  RestartTest() {
    options_.journal_path = "alerts.json";
    config_.global.scrape_interval = 15s;
  }
};

TEST_F(RestartTest, AFiringAlertGoesOnFiring) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(8min);
  const AlertSnapshot before = Rule().alerts.at(0);
  ASSERT_EQ(before.phase, AlertPhase::kFiring);
  notifier_.Take();

  Kill(2min);
  Start();
  ASSERT_THAT(Rule().alerts, SizeIs(1));
  EXPECT_EQ(Rule().alerts[0].phase, AlertPhase::kFiring);
  EXPECT_EQ(Rule().alerts[0].annotations, before.annotations);
  Advance(2min + 15s);
  EXPECT_EQ(Rule().alerts.at(0).active_at, before.active_at);
  ASSERT_THAT(notifier_.sent, Each(Field(&Notification::starts_at, *before.fired_at)));
  ASSERT_THAT(notifier_.sent, Each(Field(&Notification::ends_at, Gt(clock_.Now()))));
}

TEST_F(RestartTest, WhatIsMissingRightAfterTheStartIsNotResolved) {
  Set(kErrors, 3);
  StartWith(R"(
  - name: app
    interval: 15s
    rules: [{alert: Errors, expr: errors offset 2m > 0}]
)");
  Advance(3min);
  ASSERT_EQ(Rule().phase, AlertPhase::kFiring);

  Kill(1min);
  Unset(kErrors);
  Start();
  Advance(2min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  Advance(1min);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive);
}

TEST_F(RestartTest, TheOutageDoesNotCountTowardsTheHold) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(3min);
  ASSERT_EQ(Rule().phase, AlertPhase::kPending);

  Kill(30min);
  Start();
  Advance(1min + 15s);
  EXPECT_EQ(Rule().phase, AlertPhase::kPending);
  Advance(3min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
}

TEST_F(RestartTest, AResolveThatMayBeLostIsSentAgain) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(8min);
  Set(kErrors, 0);
  Advance(1min + 15s);
  ASSERT_EQ(Rule().phase, AlertPhase::kInactive);
  notifier_.Take();

  Kill(1min);
  Start();
  Advance(2min + 15s);
  ASSERT_THAT(notifier_.sent, SizeIs(1));
  EXPECT_LT(notifier_.sent[0].ends_at, clock_.Now());
}

TEST_F(RestartTest, AfterTooLongEverythingStartsAfresh) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(8min);
  Kill(2h);
  Start();
  EXPECT_THAT(Rule().alerts, IsEmpty());
}

TEST_F(RestartTest, AlertsOfRulesThatAreGoneAreResolved) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(8min);
  notifier_.Take();
  Kill(1min);
  StartWith("  - {name: other, rules: []}\n");
  ASSERT_THAT(notifier_.sent, SizeIs(1));
  EXPECT_EQ(notifier_.sent[0].ends_at, clock_.Now());
}

TEST_F(RestartTest, ASecondKillBeforeTheFirstEvaluationLosesNothing) {
  Set(kErrors, 3);
  StartWith(kAlert);
  Advance(8min);
  Kill(1min);
  Start();
  Kill(1min);
  Start();
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
}

TEST_F(RestartTest, ABrokenJournalIsSaidAndLeftAside) {
  for (const char* text : {"", "{", "{\"version\":2,\"groups\":[]}",
                           "{\"version\":1,\"groups\":[{\"file\":\"a.rules\"}]}"}) {
    files_.Put("alerts.json", text);
    StartWith(kAlert);
    EXPECT_THAT(Rule().alerts, IsEmpty());
  }
  EXPECT_THAT(log_.text(), HasSubstr("the alert journal cannot be read"));
}

TEST_F(RestartTest, AFullDiskDoesNotStopTheAlerts) {
  Set(kErrors, 3);
  files_.set_disk_full(true);
  StartWith(kAlert);
  Advance(8min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  EXPECT_THAT(log_.text(), HasSubstr("the alert journal cannot be written"));
}

// The store outlives the process, as a remote one does, and there is no journal.
class StoreRestoreTest : public testing_support::RulesFixture {
 protected:
  void Restart(Duration outage) {
    manager_.reset();
    scheduler_.Advance(outage);
    Start();
  }
  static constexpr char kSlow[] = R"(
  - {name: app, rules: [{alert: Errors, expr: errors > 0, for: 20m, labels: {severity: page}}]}
)";
};

TEST_F(StoreRestoreTest, TheTimeBeforeTheOutageCountsTowardsTheHold) {
  Set(kErrors, 3);
  StartWith(kSlow);
  Advance(6min);
  const Timestamp active_at = Rule().alerts.at(0).active_at;
  const Timestamp seen_at = *Group().last_evaluation;
  Restart(10min);
  Advance(2min + 15s);
  const Duration outage = clock_.Now() - seen_at;
  EXPECT_LE(Rule().alerts.at(0).active_at, active_at + outage);
  EXPECT_GT(Rule().alerts.at(0).active_at, active_at + outage - 1min - 15s);
}

TEST_F(StoreRestoreTest, AnAlertThatFiredFiresAgain) {
  Set(kErrors, 3);
  StartWith(kSlow);
  Advance(25min);
  ASSERT_EQ(Rule().phase, AlertPhase::kFiring);
  Restart(2min);
  Advance(3min + 15s);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  EXPECT_EQ(Value("ALERTS{alertstate='firing'}"), 1);
}

TEST(RestoredActiveAtTest, FollowsPrometheus) {
  const Timestamp now = FromMs(0) + 100min;
  struct Case {
    Duration seen;    // before now
    Duration active;  // before now
    Duration hold;
    Duration want;  // before now
  };
  for (const Case& c : std::vector<Case>{
           {5min, 30min, 20min, 30min},  // fired already
           {5min, 20min, 20min, 10min},  // 5 minutes are left: the grace period is
           {5min, 10min, 30min, 5min},   // 25 are left: the outage is added
       }) {
    EXPECT_EQ(
        RestoredActiveAt({.seen_at = now - c.seen, .active_at = now - c.active}, c.hold, now, {}),
        now - c.want);
  }
}

}  // namespace
}  // namespace tocsin
