#include "rules/alert_timing.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only

struct TimelineCase {
  std::string_view name;
  AlertPolicy policy;
  // One evaluation a minute: 1 the condition holds, 0 it is gone, ? nobody knows.
  std::string_view conditions;
  // After each evaluation: P pending, F firing, K firing only by keep_firing_for, R resolved,
  // . nothing.
  std::string_view phases;
};

void PrintTo(const TimelineCase& c, std::ostream* out) { *out << c.name; }

char Letter(const std::optional<AlertTiming>& alert) {
  if (!alert) return '.';
  switch (alert->phase) {
    case AlertPhase::kPending:
      return 'P';
    case AlertPhase::kFiring:
      return alert->keep_firing_since ? 'K' : 'F';
    case AlertPhase::kInactive:
      return 'R';
  }
  return '!';
}

class TimelineTest : public testing::TestWithParam<TimelineCase> {};

TEST_P(TimelineTest, FollowsTheCondition) {
  const TimelineCase& c = GetParam();
  std::optional<AlertTiming> alert;
  std::string phases;
  Timestamp now = FromMs(0);
  for (const char condition : c.conditions) {
    now += 1min;
    alert = Next(alert,
                 condition == '1'   ? AlertCondition::kHolds
                 : condition == '0' ? AlertCondition::kGone
                                    : AlertCondition::kUnknown,
                 now, c.policy);
    phases += Letter(alert);
  }
  EXPECT_EQ(phases, c.phases);
}

INSTANTIATE_TEST_SUITE_P(
    All, TimelineTest,
    testing::Values(
        TimelineCase{"NothingComesOfNothing", {.hold = 2min}, "000", "..."},
        TimelineCase{"NoHoldFiresAtOnce", {}, "010", ".FR"},
        TimelineCase{"FiresWhenTheHoldIsOver", {.hold = 3min}, "11111", "PPPFF"},
        TimelineCase{"HoldBelowTheIntervalFiresSecond", {.hold = 15s}, "011", ".PF"},
        TimelineCase{"PendingVanishesSilently", {.hold = 3min}, "1101111", "PP.PPPF"},
        TimelineCase{"OneGapStartsTheHoldAgain", {.hold = 2min}, "1101", "PP.P"},
        TimelineCase{
            "ResolvedIsKeptForTheRetention", {.resolved_retention = 3min}, "1000000", "FRRRR.."},
        TimelineCase{"KeepsFiring", {.keep_firing_for = 3min}, "1000000", "FKKKRRR"},
        TimelineCase{"KeepFiringEndsWhenTheConditionIsBack",
                     {.keep_firing_for = 3min},
                     "10010000",
                     "FKKFKKKR"},
        TimelineCase{"PendingIsNotKept", {.hold = 2min, .keep_firing_for = 3min}, "110", "PP."},
        TimelineCase{"ResolvedStartsAfresh", {.hold = 2min}, "11101111", "PPFRPPFF"},
        TimelineCase{"UnknownChangesNothing",
                     {.hold = 2min, .keep_firing_for = 2min},
                     "?1?1?0?00?",
                     ".PPFFKKRRR"}),
    [](const testing::TestParamInfo<TimelineCase>& c) { return std::string(c.param.name); });

TEST(AlertTimingTest, RemembersWhenThingsHappened) {
  const AlertPolicy policy = {.hold = 1min, .keep_firing_for = 1min};
  auto alert = Next(std::nullopt, AlertCondition::kHolds, FromMs(60'000), policy);
  alert = Next(alert, AlertCondition::kHolds, FromMs(120'000), policy);
  alert = Next(alert, AlertCondition::kGone, FromMs(180'000), policy);
  EXPECT_EQ(alert->keep_firing_since, FromMs(180'000));
  alert = Next(alert, AlertCondition::kGone, FromMs(240'000), policy);
  EXPECT_EQ(alert->active_at, FromMs(60'000));
  EXPECT_EQ(alert->fired_at, FromMs(120'000));
  EXPECT_EQ(alert->resolved_at, FromMs(240'000));
}

TEST(AlertTimingTest, AResolvedAlertThatComesBackForgetsItsPast) {
  const AlertTiming resolved = {.phase = AlertPhase::kInactive,
                                .active_at = FromMs(1),
                                .fired_at = FromMs(2),
                                .resolved_at = FromMs(3),
                                .last_sent_at = FromMs(3)};
  const auto alert = Next(resolved, AlertCondition::kHolds, FromMs(10), {});
  EXPECT_EQ(
      *alert,
      (AlertTiming{.phase = AlertPhase::kFiring, .active_at = FromMs(10), .fired_at = FromMs(10)}));
}

TEST(AlertTimingTest, ARaisedHoldTakesAFiringAlertBack) {
  const AlertTiming firing = {.phase = AlertPhase::kFiring,
                              .active_at = FromMs(0),
                              .fired_at = FromMs(60'000),
                              .last_sent_at = FromMs(60'000)};
  const auto alert = Next(firing, AlertCondition::kHolds, FromMs(120'000), {.hold = 5min});
  EXPECT_EQ(*alert, (AlertTiming{.phase = AlertPhase::kPending, .active_at = FromMs(0)}));
}

TEST(AlertTimingTest, AClockSetBackDoesNotProlongTheHold) {
  const AlertTiming pending = {.phase = AlertPhase::kPending, .active_at = FromMs(3'600'000)};
  const auto alert = Next(pending, AlertCondition::kHolds, FromMs(60'000), {.hold = 5min});
  EXPECT_EQ(alert->active_at, FromMs(60'000));
}

TEST(IsDueTest, TellsNewsAtOnceAndTheRestAfterMoreThanTheDelay) {
  const Timestamp now = FromMs(600'000);
  struct Case {
    AlertTiming alert;
    bool due;
  };
  const std::vector<Case> cases = {
      {{.phase = AlertPhase::kPending}, false},
      {{.phase = AlertPhase::kFiring}, true},
      {{.phase = AlertPhase::kFiring, .last_sent_at = now - 1min}, false},
      {{.phase = AlertPhase::kFiring, .last_sent_at = now - 61s}, true},
      {{.phase = AlertPhase::kInactive, .resolved_at = now, .last_sent_at = now - 1s}, true},
      {{.phase = AlertPhase::kInactive, .resolved_at = now - 1s, .last_sent_at = now - 1s}, false},
  };
  for (const Case& c : cases) EXPECT_EQ(IsDue(c.alert, now, 1min), c.due);
}

}  // namespace
}  // namespace tocsin
