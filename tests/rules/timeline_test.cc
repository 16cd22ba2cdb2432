// Timelines beyond the compliance suite: what must not disturb alerts, held to the same tolerances.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/rules/timeline_fixture.h"

namespace tocsin {
namespace {

using testing_support::ExpectedAlert;
using testing_support::Phases;

constexpr AlertPhase kInactive = AlertPhase::kInactive;
constexpr AlertPhase kPending = AlertPhase::kPending;
constexpr AlertPhase kFiring = AlertPhase::kFiring;

const LabelSet kLoad = {{"__name__", "load"}, {"host", "a"}};
const LabelSet kOther = {{"__name__", "load"}, {"host", "b"}};

// An alert on load > 10, from 8 on for two minutes: pending 8, firing 16, and gone at 50.
const Phases kUsual = {{0, kInactive}, {8, kPending}, {16, kFiring}, {50, kInactive}};

class TimelineTest : public testing_support::TimelineFixture {
 protected:
  TimelineTest() {
    options_.journal_path = "alerts.json";
    config_.global.scrape_interval = testing_support::kStep;
  }

  static std::string Group(const std::string& expr = "load > 10",
                           const std::string& settings = "") {
    return "  - name: g\n    rules:\n      - alert: Load\n        expr: " + expr +
           "\n        for: 2m\n" + settings;
  }
  static ExpectedAlert Load(Phases phases = kUsual, LabelSet labels = {}) {
    labels.Set("alertname", "Load");
    labels.Set("host", "a");
    return {.labels = std::move(labels), .phases = std::move(phases)};
  }
  void PlayUsual(const std::vector<ExpectedAlert>& alerts,
                 const std::function<void(int)>& each = nullptr) {
    Play({{kLoad, {{0, 1}, {8, 11}, {50, 1}}}}, alerts, 80, each);
  }
  void Reload(const std::string& groups) {
    RulesFixture::Load(groups);
    ASSERT_TRUE(Apply().ok());
  }
};

TEST_F(TimelineTest, NothingDisturbs) {
  StartWith(Group());
  PlayUsual({Load()});
}

TEST_F(TimelineTest, KeepFiringForDelaysTheEnd) {
  StartWith(Group("load > 10", "        keep_firing_for: 3m\n"));
  PlayUsual({Load({{0, kInactive}, {8, kPending}, {16, kFiring}, {62, kInactive}})});
}

// The time since the last evaluation counts as an outage, which delays what waits by an interval.
TEST_F(TimelineTest, ARestartWhilePendingOnlyDelays) {
  StartWith(Group());
  PlayUsual({Load({{0, kInactive}, {8, kPending}, {18, kFiring}, {50, kInactive}})},
            [this](int index) {
              if (index == 12) Restart(index);
            });
}

TEST_F(TimelineTest, ARestartWhileFiringChangesNothing) {
  StartWith(Group());
  PlayUsual({Load()}, [this](int index) {
    if (index == 30) Restart(index);
  });
}

TEST_F(TimelineTest, ARestartWhileItGoesOnFiringOnlyDelays) {
  StartWith(Group("load > 10", "        keep_firing_for: 3m\n"));
  PlayUsual({Load({{0, kInactive}, {8, kPending}, {16, kFiring}, {64, kInactive}})},
            [this](int index) {
              if (index == 54) Restart(index);
            });
}

TEST_F(TimelineTest, AChangedExpressionChangesNothing) {
  StartWith(Group());
  PlayUsual({Load()}, [this](int index) {
    if (index == 20) Reload(Group("load > 9"));
  });
}

TEST_F(TimelineTest, AChangedLabelIsAnotherAlert) {
  StartWith(Group("load > 10", "        labels: {severity: warning}\n"));
  ExpectedAlert old = Load({{0, kInactive}, {8, kPending}, {16, kFiring}, {20, kInactive}},
                           {{"severity", "warning"}});
  old.forgotten_after_end = true;
  PlayUsual({old, Load({{0, kInactive}, {20, kPending}, {28, kFiring}, {50, kInactive}},
                       {{"severity", "critical"}})},
            [this](int index) {
              if (index == 20) Reload(Group("load > 10", "        labels: {severity: critical}\n"));
            });
}

TEST_F(TimelineTest, ALongerHoldTakesTheAlertBackUntilItIsOver) {
  StartWith(Group());
  std::string longer = Group();
  longer.replace(longer.find("2m"), 2, "8m");
  ExpectedAlert alert = Load({{0, kInactive},
                              {8, kPending},
                              {16, kFiring},
                              {20, kPending},
                              {40, kFiring},
                              {60, kInactive}});
  alert.withdrawn_at = 20;
  Play({{kLoad, {{0, 1}, {8, 11}, {60, 1}}}}, {alert}, 90, [&](int index) {
    if (index == 20) Reload(longer);
  });
}

TEST_F(TimelineTest, AShorterHoldFiresSooner) {
  std::string longer = Group();
  longer.replace(longer.find("2m"), 2, "9m");
  StartWith(longer);
  PlayUsual({Load({{0, kInactive}, {8, kPending}, {20, kFiring}, {50, kInactive}})},
            [this](int index) {
              if (index == 20) Reload(Group());
            });
}

TEST_F(TimelineTest, EvaluationsThatFailDoNotEndAnAlert) {
  StartWith(Group("load > on (host) group_left () threshold"));
  const LabelSet threshold = {{"__name__", "threshold"}, {"host", "a"}};
  LabelSet second = threshold;
  second.Set("x", "1");
  Set(threshold, 10);
  int failures = 0;
  PlayUsual({Load()}, [&](int index) {
    if (index == 20) Set(second, 10);
    if (index == 28) Unset(second);  // seen for five minutes more
    failures += Rule().health == RuleHealth::kError ? 1 : 0;
  });
  EXPECT_GT(failures, 20);
}

TEST_F(TimelineTest, AnExceededLimitHoldsWhatThereWas) {
  StartWith(
      "  - name: g\n    limit: 1\n    rules:\n      - {alert: Load, expr: load > 10, for: 2m}\n");
  int failures = 0;
  Play({{kLoad, {{0, 1}, {8, 11}, {50, 1}}}, {kOther, {{0, 1}, {20, 11}, {44, 1}}}}, {Load()}, 80,
       [&](int) { failures += Rule().health == RuleHealth::kError ? 1 : 0; });
  EXPECT_GT(failures, 20);
}

TEST_F(TimelineTest, AlertsWithEqualLabelsHoldWhatThereWas) {
  StartWith(Group("load > 10", "        labels: {host: a}\n"));
  int failures = 0;
  Play({{kLoad, {{0, 1}, {8, 11}, {50, 1}}}, {kOther, {{0, 1}, {20, 11}, {44, 1}}}}, {Load()}, 80,
       [&](int) {
         failures += Rule().last_error.find("same labelset") != std::string::npos ? 1 : 0;
       });
  EXPECT_GT(failures, 20);
}

}  // namespace
}  // namespace tocsin
