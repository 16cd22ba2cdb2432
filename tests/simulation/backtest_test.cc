// A backtest over what a running process has stored tells what that process did, transition by
// transition: random data and times of rules, targets that come and go, evaluations that fail.
#include "rules/backtest/backtest.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/promql/engine.h"
#include "engine/storage/head.h"
#include "tests/support/simulation/simulation.h"

namespace tocsin {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing_support::Simulation;

constexpr const char* kGlobal = "scrape_interval: 10s, evaluation_interval: 15s";
constexpr const char* kTargets = R"(
scrape_configs:
  - {job_name: app, static_configs: [{targets: ['app-1:80', 'app-2:80']}]}
)";

// {0} to {5}: durations, other ones for each seed.
constexpr const char* kRules = R"(
groups:
- name: one
  rules:
  - record: job:load:sum
    expr: sum by (job) (load)
  - alert: Load
    expr: load > 6
    for: {0}
    annotations: {{summary: "{{{{ $labels.instance }}}} {{{{ $value }}}}"}}
  - alert: LoadKept
    expr: load > 6
    for: {1}
    keep_firing_for: {2}
  - alert: Total
    expr: job:load:sum > 12
    for: {3}
  - alert: Down
    expr: up == 0
    keep_firing_for: {4}
  - alert: Rate
    expr: rate(requests_total[1m]) > 3
  - alert: OnlyOne
    expr: load > 5
    labels: {{instance: any}}
- name: two
  interval: 40s
  limit: 1
  rules:
  - alert: Slow
    expr: avg_over_time(load[2m]) > 5
    for: {5}
)";

using Changes = std::map<std::pair<std::string, LabelSet>, std::vector<BacktestTransition>>;

class BacktestSimulationTest : public testing::TestWithParam<int> {
 protected:
  BacktestSimulationTest() : random_(static_cast<unsigned>(GetParam())) {
    sim_.PutConfig(kGlobal, kTargets);
    sim_.files().Put("rules.yml", rules_);
    for (int i = 1; i <= 2; ++i) {
      sim_.Serve("app-" + std::to_string(i) + ":80", [this, i] { return Page(i); });
    }
  }

  std::string Page(int i) {
    double& load = load_[i];
    load = std::max(0.0, load + static_cast<double>(random_() % 5) - 2);
    requests_[i] += static_cast<double>(random_() % 60);
    // Now and then a page that cannot be read: the target is down.
    if (random_() % 12 == 0) return "{broken";
    return "load " + std::to_string(load) + "\nrequests_total " + std::to_string(requests_[i]) +
           "\n";
  }

  // Zero to two minutes, on and beside the slots.
  std::string SomeDuration() { return std::to_string(random_() % 25 * 5) + "s"; }
  std::string SomeRules() {
    std::vector<std::string> durations;
    for (int i = 0; i < 6; ++i) durations.push_back(SomeDuration());
    return fmt::format(fmt::runtime(kRules), durations[0], durations[1], durations[2], durations[3],
                       durations[4], durations[5]);
  }

  // What the process did, as its own snapshots tell it from evaluation to evaluation.
  void Watch() {
    const std::shared_ptr<const RulesSnapshot> rules = sim_.app().rules();
    for (const RuleGroupSnapshot& group : rules->groups) {
      for (const RuleSnapshot& rule : group.rules) {
        if (rule.history.empty()) continue;
        const EvaluationRecord& record = *rule.history.back();
        if (seen_[rule.name] == record.at) continue;
        seen_[rule.name] = record.at;
        for (const AlertTransition& transition : record.transitions) {
          const AlertPhase to = transition.to.value_or(AlertPhase::kInactive);
          // That a resolved alert is forgotten is no change.
          if (transition.from == AlertPhase::kInactive && to == AlertPhase::kInactive) continue;
          did_[{rule.name, transition.labels}].push_back({.at = record.at, .to = to});
        }
      }
    }
  }

  std::mt19937 random_;
  const std::string rules_ = SomeRules();
  std::map<int, double> load_;
  std::map<int, double> requests_;
  Simulation sim_;
  std::map<std::string, Timestamp> seen_;
  Changes did_;
};

Changes Told(const BacktestResult& result) {
  Changes told;
  for (const BacktestRule& rule : result.rules) {
    for (const BacktestAlert& alert : rule.alerts) {
      for (const BacktestTransition& transition : alert.transitions) {
        told[{rule.name, alert.labels}].push_back({.at = transition.at, .to = transition.to});
      }
    }
  }
  return told;
}

TEST_P(BacktestSimulationTest, TellsWhatTheProcessDid) {
  ASSERT_TRUE(sim_.Start().ok());
  const Timestamp begin = sim_.clock().Now();
  constexpr int kSeconds = 3 * 3600;
  for (int i = 0; i < kSeconds; ++i) {
    sim_.Advance(seconds(1));
    Watch();
  }
  const Result<std::vector<RuleGroupSpec>> groups =
      ParseRuleFile("rules.yml", rules_, {.interval = seconds(15)});
  ASSERT_TRUE(groups.ok());
  const promql::Engine engine({}, sim_.clock(), nullptr);
  for (const bool stepwise : {false, true}) {
    Head written({.retention = Duration::zero(), .max_future = Duration::zero()}, sim_.clock());
    const Result<BacktestResult> result =
        Backtest(*groups, sim_.app().querier(), {written, written}, engine,
                 {.from = begin + Duration(1), .to = sim_.clock().Now(), .stepwise = stepwise});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(Told(*result), did_) << (stepwise ? "slot by slot" : "in blocks");
  }
  EXPECT_GT(did_.size(), 8u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BacktestSimulationTest, testing::Range(1, 7));

}  // namespace
}  // namespace tocsin
