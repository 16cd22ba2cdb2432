#include "rules/rule_batches.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/storage/head.h"
#include "rules/evaluation_lanes.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"

namespace tocsin {
namespace {

std::vector<RuleSpec> RulesOf(const std::string& rules) {
  auto groups = ParseRuleFile("r.yml", "groups:\n- name: g\n  rules:\n" + rules);
  EXPECT_TRUE(groups.ok()) << groups.error().message;
  return std::move(groups->at(0).rules);
}

std::string Text(const std::vector<std::vector<size_t>>& batches) {
  std::string text;
  for (const std::vector<size_t>& batch : batches) {
    for (const size_t rule : batch) text += std::to_string(rule);
    text += ' ';
  }
  return text;
}

struct Case {
  const char* what;
  const char* rules;
  const char* batches;
};
constexpr Case kCases[] = {
    {"nothing in common", "  - {record: a, expr: x}\n  - {record: b, expr: y}\n", "01 "},
    {"a chain", "  - {record: a, expr: x}\n  - {record: b, expr: a}\n  - {record: c, expr: b}\n",
     "0 1 2 "},
    {"two readers of one",
     "  - {record: a, expr: x}\n  - {record: b, expr: a}\n  - {record: c, expr: a}\n", "0 12 "},
    {"an independent rule behind a chain",
     "  - {record: a, expr: x}\n  - {record: b, expr: a}\n  - {record: c, expr: x}\n", "02 1 "},
    {"a reader before its writer sees the value of the last time",
     "  - {record: b, expr: a}\n  - {record: a, expr: x}\n", "0 1 "},
    {"the same name twice", "  - {record: a, expr: x}\n  - {record: a, expr: y}\n", "0 1 "},
    {"a selector without a name may read anything",
     "  - {record: a, expr: x}\n  - {record: b, expr: '{job=\"c\"}'}\n  - {record: c, expr: x}\n",
     "0 1 2 "},
    {"a name by a regex",
     "  - {record: a, expr: x}\n  - {record: c, expr: '{__name__=~\"a|b\"}'}\n", "0 1 "},
    {"alerts are read by alertname",
     "  - {alert: A, expr: x}\n  - {alert: B, expr: 'ALERTS{alertname=\"A\"}'}\n"
     "  - {alert: C, expr: 'ALERTS{alertname=\"Z\"}'}\n",
     "02 1 "},
    {"all alerts", "  - {alert: A, expr: x}\n  - {record: b, expr: count(ALERTS_FOR_STATE)}\n",
     "0 1 "},
    {"a recording rule named like an alert is none",
     "  - {alert: a, expr: x}\n  - {record: b, expr: a}\n", "01 "},
    {"templates may ask for anything",
     "  - {record: a, expr: x}\n  - {alert: B, expr: y, annotations: {s: '{{ query \"a\" }}'}}\n",
     "0 1 "},
    {"so may what ends an alert",
     "  - {record: a, expr: x}\n  - {alert: B, expr: y, resolve_expr: a < 1}\n", "0 1 "},
};

TEST(RuleBatchesTest, RulesWaitForWhatTheyDependOn) {
  for (const Case& each : kCases) {
    EXPECT_EQ(Text(BatchesOf(RulesOf(each.rules))), each.batches) << each.what;
  }
}

TEST(RuleBatchesTest, GroupsReadFromEachOtherByName) {
  const auto groups = ParseRuleFile("r.yml", R"(
groups:
- {name: a, rules: [{record: x, expr: up}]}
- {name: b, rules: [{record: y, expr: sum(x)}]}
- {name: c, rules: [{record: z, expr: '{job="d"}'}]}
)");
  ASSERT_TRUE(groups.ok());
  EXPECT_TRUE(ReadsFrom(groups->at(1), groups->at(0)));
  EXPECT_FALSE(ReadsFrom(groups->at(0), groups->at(1)));
  EXPECT_FALSE(ReadsFrom(groups->at(2), groups->at(0)));
}

TEST(EvaluationLanesTest, RulesThatReadTheSameShareALane) {
  const testing_support::FakeClock clock;
  const promql::Engine engine({}, clock, nullptr);
  const auto rules = RulesOf(
      "  - {record: a, expr: x}\n  - {record: b, expr: y}\n"
      "  - {record: c, expr: x * 2}\n  - {record: d, expr: z}\n");
  EXPECT_EQ(EvaluationLanes(engine, rules, 4).lanes(), 3u);
  EXPECT_EQ(EvaluationLanes(engine, rules, 2).lanes(), 2u);
  EXPECT_EQ(EvaluationLanes(engine, rules, 0).lanes(), 1u);
}

TEST(EvaluationLanesTest, EveryRuleIsEvaluatedOnceWhateverTheThreads) {
  const testing_support::FakeClock clock;
  const promql::Engine engine({}, clock, nullptr);
  const Head head({}, clock);
  std::string text;
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    text +=
        "  - {record: r" + n + ", expr: " + (i % 3 == 0 ? "vector(" + n + ")" : "m" + n) + "}\n";
  }
  const std::vector<RuleSpec> rules = RulesOf(text);
  ThreadPool pool("lanes", 3);
  for (const size_t lanes : {1, 2, 5, 100}) {
    EvaluationLanes evaluation(engine, rules, lanes);
    SpareThreads threads(&pool, 3);
    std::vector<std::atomic<int>> seen(rules.size());
    const std::atomic<bool> stop = false;
    const EvaluationLanes::Take take = [&](size_t rule, const auto& result, SteadyTime /*start*/) {
      EXPECT_TRUE(result.ok());
      ++seen[rule];
    };
    evaluation.Evaluate({head, 1000, {}, threads, take, stop, clock});
    for (const auto& count : seen) EXPECT_EQ(count, 1);
  }
}

}  // namespace
}  // namespace tocsin
