// Backtests in blocks and slot by slot, and a replay of one's own, on random data and rules.
#include "rules/backtest/backtest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/clock.h"
#include "engine/storage/head.h"
#include "rules/backtest/block_run.h"

namespace tocsin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kStart = 1'700'000'000'000;

class BacktestTest : public testing::Test {
 protected:
  static HeadOptions KeepAll() {
    return {.retention = Duration::zero(), .max_future = Duration::zero()};
  }
  void Put(const LabelSet& labels, int64_t seconds_after, double value) {
    Appender appender(head_);
    appender.Append(labels, kStart + seconds_after * 1000, value);
    ASSERT_TRUE(appender.Commit().ok());
  }
  // One value every 15 s; nothing where it is "_".
  void PutAll(const std::string& name, const std::vector<double>& values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] < 0) continue;
      Put({{"__name__", name}, {"instance", "a"}}, static_cast<int64_t>(i) * 15, values[i]);
    }
  }
  static std::vector<RuleGroupSpec> Groups(const std::string& rules) {
    Result<std::vector<RuleGroupSpec>> groups =
        ParseRuleFile("rules.yml", "groups:\n- name: g\n  interval: 15s\n  rules:\n" + rules);
    EXPECT_TRUE(groups.ok()) << (groups.ok() ? "" : groups.error().message);
    return groups.ok() ? *std::move(groups) : std::vector<RuleGroupSpec>();
  }
  BacktestOptions Options(Duration length, bool stepwise = false) const {
    return {.from = FromMs(kStart),
            .to = FromMs(kStart) + length,
            .step = seconds(15),
            .stepwise = stepwise};
  }
  BacktestResult Run(const std::vector<RuleGroupSpec>& groups, const BacktestOptions& options) {
    Head written(KeepAll(), clock_);
    Result<BacktestResult> result = Backtest(groups, head_, {written, written}, engine_, options);
    EXPECT_TRUE(result.ok());
    return result.ok() ? *std::move(result) : BacktestResult();
  }

  SystemClock clock_;
  Head head_{KeepAll(), clock_};
  promql::Engine engine_{{}, clock_, nullptr};
};

BacktestTransition At(int64_t seconds_after, AlertPhase to, double value) {
  return {.at = FromMs(kStart + seconds_after * 1000), .to = to, .value = value};
}

TEST_F(BacktestTest, TellsWhenAnAlertWasPendingFiringAndResolved) {
  PutAll("x", {0, 5, 6, 7, 8, 0, 0});
  const BacktestResult result =
      Run(Groups("  - alert: A\n    expr: x > 1\n    for: 30s\n"), Options(seconds(90)));
  ASSERT_THAT(result.rules, SizeIs(1));
  ASSERT_THAT(result.rules[0].alerts, SizeIs(1));
  const BacktestAlert& alert = result.rules[0].alerts[0];
  EXPECT_THAT(alert.transitions,
              ElementsAre(At(15, AlertPhase::kPending, 5), At(45, AlertPhase::kFiring, 7),
                          At(75, AlertPhase::kInactive, 8)));
  EXPECT_EQ(alert.pages, 1u);
  EXPECT_EQ(alert.firing, seconds(30));
  EXPECT_EQ(alert.pending, seconds(30));
  EXPECT_EQ(result.evaluations, 7u);
}

TEST_F(BacktestTest, CountsFlaps) {
  PutAll("x", {5, 0, 5, 0, 5, 0});
  const BacktestResult result =
      Run(Groups("  - alert: A\n    expr: x > 1\n"), Options(seconds(75)));
  EXPECT_EQ(result.rules[0].pages, 3u);
  EXPECT_EQ(result.rules[0].flaps, 2u);
  EXPECT_EQ(result.rules[0].firing, seconds(45));
}

TEST_F(BacktestTest, LaterRulesReadWhatEarlierOnesRecord) {
  PutAll("x", {1, 2, 3, 4});
  const BacktestResult result =
      Run(Groups("  - record: twice\n    expr: x * 2\n  - alert: A\n    expr: twice > 5\n"),
          Options(seconds(45)));
  ASSERT_THAT(result.rules[1].alerts, SizeIs(1));
  EXPECT_THAT(result.rules[1].alerts[0].transitions, ElementsAre(At(30, AlertPhase::kFiring, 6)));
}

TEST_F(BacktestTest, RecordedHistoryIsNotTakenForTheResultOfTheRules) {
  PutAll("x", {1, 1});
  PutAll("twice", {100, 100});
  const BacktestResult result =
      Run(Groups("  - record: twice\n    expr: x * 2\n  - alert: A\n    expr: twice > 5\n"),
          Options(seconds(15)));
  EXPECT_THAT(result.rules[1].alerts, IsEmpty());
}

TEST_F(BacktestTest, ARuleThatFailsKeepsItsAlertsAndIsCounted) {
  PutAll("x", {5, 5, 5});
  Put({{"__name__", "x"}, {"instance", "b"}}, 15, 5);
  const BacktestResult result =
      Run(Groups("  - alert: A\n    expr: x > 1\n    labels: {instance: same}\n"),
          Options(seconds(15)));
  EXPECT_EQ(result.rules[0].failures, 1u);
  EXPECT_THAT(result.rules[0].first_error, testing::HasSubstr("same labelset"));
  EXPECT_THAT(result.rules[0].alerts[0].transitions, ElementsAre(At(0, AlertPhase::kFiring, 5)));
}

TEST_F(BacktestTest, VariantsChangeOneThing) {
  PutAll("x", {0, 5, 6, 7, 8, 0, 0});
  const std::vector<RuleGroupSpec> groups = Groups("  - alert: A\n    expr: x > 1\n    for: 30s\n");
  const BacktestResult before = Run(groups, Options(seconds(90)));
  for (const char* text : {"A.for=1m", "A.threshold=7.5"}) {
    const Result<RuleChange> change = ParseRuleChange(text);
    ASSERT_TRUE(change.ok());
    const Result<std::vector<RuleGroupSpec>> changed = WithChange(groups, *change);
    ASSERT_TRUE(changed.ok());
    const BacktestResult after = Run(*changed, Options(seconds(90)));
    EXPECT_EQ(after.rules[0].pages, 0u) << text;
    EXPECT_THAT(Compare(before, after), SizeIs(1)) << text;
  }
  EXPECT_THAT(Compare(before, Run(groups, Options(seconds(90)))), IsEmpty());
  EXPECT_FALSE(WithChange(groups, *ParseRuleChange("B.for=1m")).ok());
  EXPECT_FALSE(ParseRuleChange("A.colour=red").ok());
}

TEST_F(BacktestTest, AFileOfAnotherNameIsComparedAtTheSameSlots) {
  PutAll("x", {0, 5, 6, 7, 8, 0, 0});
  const std::vector<RuleGroupSpec> groups = Groups("  - alert: A\n    expr: x > 1\n");
  std::vector<RuleGroupSpec> old = groups;
  old[0].file = "old.yml";
  BacktestOptions options = Options(seconds(90));
  options.step.reset();
  const BacktestResult after = Run(groups, options);
  EXPECT_THAT(Compare(Run(old, options), after), SizeIs(1));
  EXPECT_THAT(Compare(Run(AtSlotsOf(groups, old), options), after), IsEmpty());
}

TEST_F(BacktestTest, SweepsAreListsAndRanges) {
  const auto values = [](const char* text) {
    std::vector<std::string> result;
    const Result<std::vector<RuleChange>> changes = ParseRuleSweep(text);
    if (!changes.ok()) return result;
    for (const RuleChange& change : *changes) result.push_back(change.value);
    return result;
  };
  EXPECT_THAT(values("A.for=1m,2m,5m"), ElementsAre("1m", "2m", "5m"));
  EXPECT_THAT(values("A.threshold=0.1..0.3/0.1"), ElementsAre("0.1", "0.2", "0.3"));
  EXPECT_THAT(values("A.threshold=0.1..0.3"), IsEmpty());
}

// --- random rules over random data ------------------------------------------------------------

constexpr const char* kRandomRules = R"(
  - record: sum_x
    expr: sum by (job) (x)
  - alert: Above
    expr: x > 5
    for: 45s
    annotations:
      summary: "{{ $labels.instance }} has {{ $value }}"
      since: "{{ $activeAt }}, every {{ $interval }}"
  - alert: Rate
    expr: rate(c[1m]) > 2
    for: 30s
    keep_firing_for: 1m
  - alert: Recorded
    expr: sum_x > 12
    labels: {level: "{{ if gt $value 16.0 }}high{{ else }}low{{ end }}"}
  - alert: Joined
    expr: x / on (instance) y > 1.5 and on (instance) y > 0
    for: 15s
  - alert: Missing
    expr: absent(x{instance="0"})
    for: 30s
  - alert: OfAlerts
    expr: count(ALERTS{alertstate="firing",alertname="Above"}) > 1
)";

class RandomBacktestTest : public BacktestTest, public testing::WithParamInterface<int> {
 protected:
  // Values that come and go, with gaps and ends.
  void Fill(std::mt19937& random, int steps) {
    Appender appender(head_);
    for (int instance = 0; instance < 4; ++instance) {
      double x = 4;
      double counter = 0;
      int pause = 0;
      for (int i = 0; i < steps; ++i) {
        const int64_t t = kStart + i * 15'000LL + instance * 7;
        x = std::max(0.0, x + static_cast<double>(random() % 5) - 2);
        counter += static_cast<double>(random() % 80);
        if (random() % 60 == 0) counter = 0;
        if (pause == 0 && random() % 40 == 0) {
          pause = 1 + static_cast<int>(random() % 30);
          for (const char* name : {"x", "c"}) Append(appender, name, instance, t, StaleNan());
        }
        if (pause > 0 && --pause > 0) continue;
        if (pause == 0 && random() % 30 == 0) continue;
        Append(appender, "x", instance, t + 1, x);
        Append(appender, "y", instance, t + 1, static_cast<double>(random() % 8));
        Append(appender, "c", instance, t + 1, counter);
      }
    }
    ASSERT_TRUE(appender.Commit().ok());
  }
  static void Append(Appender& appender, const std::string& name, int instance, int64_t t,
                     double value) {
    appender.Append({{"__name__", name}, {"job", "j"}, {"instance", std::to_string(instance)}}, t,
                    value);
  }

  // The replay as one would write it down: at each slot, the query; then the rules of `for`.
  // Rule by rule, for rules over raw series alone.
  std::vector<BacktestTransition> Naive(const RuleSpec& rule, const LabelSet& alert, int steps) {
    std::vector<BacktestTransition> transitions;
    AlertPhase phase = AlertPhase::kInactive;
    Timestamp since{};
    std::optional<Timestamp> gone;
    double last = 0;
    for (int i = 0; i < steps; ++i) {
      const Timestamp at = FromMs(kStart + i * 15'000LL);
      const auto result = engine_.Instant(*rule.query, head_, ToMs(at));
      EXPECT_TRUE(result.ok());
      std::optional<double> value;
      for (const promql::VectorElement& element : std::get<promql::VectorValue>(result->value)) {
        LabelSet labels = element.labels;
        labels.Remove("__name__");
        labels.Set("alertname", rule.name);
        if (labels == alert) value = element.point.value;
      }
      if (value) last = *value;
      AlertPhase next = phase;
      if (value) {
        gone.reset();
        if (phase == AlertPhase::kInactive) since = at;
        next = phase == AlertPhase::kFiring || at - since >= rule.hold ? AlertPhase::kFiring
                                                                       : AlertPhase::kPending;
      } else if (phase == AlertPhase::kPending) {
        next = AlertPhase::kInactive;
      } else if (phase == AlertPhase::kFiring) {
        if (!gone) gone = at;
        if (at - *gone >= rule.keep_firing_for) next = AlertPhase::kInactive;
      }
      if (next != phase) {
        transitions.push_back({.at = at, .to = next, .value = last});
        phase = next;
        gone.reset();
      }
    }
    return transitions;
  }
};

std::vector<std::pair<Timestamp, AlertPhase>> Changes(
    const std::vector<BacktestTransition>& transitions) {
  std::vector<std::pair<Timestamp, AlertPhase>> changes;
  for (const BacktestTransition& transition : transitions) {
    changes.emplace_back(transition.at, transition.to);
  }
  return changes;
}

std::vector<LabelSet> Annotations(const BacktestResult& result) {
  std::vector<LabelSet> annotations;
  for (const BacktestRule& rule : result.rules) {
    for (const BacktestAlert& alert : rule.alerts) annotations.push_back(alert.annotations);
  }
  return annotations;
}

TEST_P(RandomBacktestTest, BlocksAndSlotsAndTheNaiveReplayAgree) {
  constexpr int kSteps = 1500;
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  Fill(random, kSteps);
  const std::vector<RuleGroupSpec> groups = Groups(kRandomRules);
  const Duration length = (kSteps - 1) * seconds(15);
  ASSERT_TRUE(GoesInBlocks(groups[0]));
  const BacktestResult blocks = Run(groups, Options(length));
  const BacktestResult slots = Run(groups, Options(length, /*stepwise=*/true));
  EXPECT_THAT(Compare(slots, blocks), IsEmpty());
  EXPECT_EQ(slots.evaluations, blocks.evaluations);
  EXPECT_EQ(Annotations(slots), Annotations(blocks));
  size_t compared = 0;
  for (size_t i = 0; i < blocks.rules.size(); ++i) {
    const std::set<std::string> raw = {"Above", "Rate", "Joined", "Missing"};
    if (!raw.contains(blocks.rules[i].name)) continue;
    for (const BacktestAlert& alert : blocks.rules[i].alerts) {
      ++compared;
      EXPECT_EQ(Changes(alert.transitions),
                Changes(Naive(groups[0].rules[i], alert.labels, kSteps)))
          << alert.labels.ToString();
    }
  }
  EXPECT_GE(compared, 8u);
  EXPECT_GT(blocks.rules[6].pages, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomBacktestTest, testing::Range(1, 6));

}  // namespace
}  // namespace tocsin
