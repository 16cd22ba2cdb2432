// Alerts while the wall clock is set: nothing is resolved, nothing fires, and time that nobody has
// lived through does not count.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/rules_fixture.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing::Each;
using testing::Field;
using testing::Gt;
using testing::IsEmpty;
using testing::Not;

const LabelSet kErrors = {{"__name__", "errors"}, {"job", "a"}};

class ClockJumpTest : public testing_support::RulesFixture {
 protected:
  ClockJumpTest() { config_.global.scrape_interval = 15s; }
  void StartAlert(const std::string& settings) {
    Set(kErrors, 3);
    StartWith("  - {name: app, interval: 15s, rules: [{alert: Errors, expr: errors > 0" + settings +
              "}]}\n");
  }
  // Nothing is collected at the moment of the jump.
  void Jump(Duration by) {
    clock_.Jump(by);
    scheduler_.Advance(20s);
  }
};

TEST_F(ClockJumpTest, FiringAlertsSurviveAJumpAhead) {
  StartAlert("");
  Advance(2min);
  ASSERT_EQ(Rule().phase, AlertPhase::kFiring);
  notifier_.Take();
  Jump(1h);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  Advance(5min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  EXPECT_THAT(notifier_.sent, Each(Field(&Notification::ends_at, Gt(clock_.Now() - 5min))));
  Set(kErrors, 0);
  Advance(30s);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive);
}

TEST_F(ClockJumpTest, AJumpAheadDoesNotCountTowardsTheHold) {
  StartAlert(", for: 5m");
  Advance(2min);
  ASSERT_EQ(Rule().phase, AlertPhase::kPending);
  Jump(1h);
  Advance(2min);
  EXPECT_EQ(Rule().phase, AlertPhase::kPending);
  EXPECT_THAT(notifier_.sent, IsEmpty());
  Advance(2min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
}

TEST_F(ClockJumpTest, AbsenceAfterAJumpAheadIsNoAlert) {
  Set(kErrors, 3);
  StartWith("  - {name: app, interval: 15s, rules: [{alert: Gone, expr: absent(errors)}]}\n");
  Advance(2min);
  Jump(1h);
  Advance(2min);
  EXPECT_THAT(notifier_.sent, IsEmpty());
}

TEST_F(ClockJumpTest, FiringAlertsSurviveAJumpBack) {
  StartAlert("");
  Advance(10min);
  ASSERT_EQ(Rule().phase, AlertPhase::kFiring);
  notifier_.Take();
  Jump(-5min);
  Advance(4min);
  EXPECT_EQ(Rule().phase, AlertPhase::kFiring);
  EXPECT_THAT(notifier_.sent, Not(IsEmpty()));
  for (const auto& [sent_at, notification] : notifier_.timeline) {
    EXPECT_LE(notification.starts_at, sent_at);
    EXPECT_GT(notification.ends_at, sent_at);
  }
  Advance(2min);
  Set(kErrors, 0);
  Advance(2min);
  EXPECT_EQ(Rule().phase, AlertPhase::kInactive);
}

TEST_F(ClockJumpTest, SmallStepsChangeNothing) {
  StartAlert(", for: 1m");
  Advance(30s);
  const Timestamp active_at = Rule().alerts.at(0).active_at;
  clock_.Jump(3s);
  Advance(30s);
  EXPECT_EQ(Rule().alerts.at(0).active_at, active_at);
  EXPECT_EQ(log_.text().find("the clock was set"), std::string::npos);
}

}  // namespace
}  // namespace tocsin
