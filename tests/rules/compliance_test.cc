// The timelines of Prometheus' alert_generator compliance suite, unscaled, on virtual time: a
// sample every 15 seconds, groups of 30 seconds. A state may be seen one interval late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/rules/rules_fixture.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing::IsEmpty;

constexpr Duration kStep = 15s;
constexpr int kStepsLate = 2;  // one interval

// From the given step on, until the next entry.
template <typename T>
struct From {
  int step;
  T what;
};
using Values = std::vector<From<double>>;
using Phases = std::vector<From<AlertPhase>>;

constexpr AlertPhase kInactive = AlertPhase::kInactive;
constexpr AlertPhase kPending = AlertPhase::kPending;
constexpr AlertPhase kFiring = AlertPhase::kFiring;

template <typename T>
const From<T>* At(const std::vector<From<T>>& timeline, int step) {
  const From<T>* current = nullptr;
  for (const From<T>& entry : timeline) {
    if (entry.step <= step) current = &entry;
  }
  return current;
}

class ComplianceTest : public testing_support::RulesFixture {
 protected:
  ComplianceTest() { config_.global.evaluation_interval = 30s; }

  void Play(const std::map<LabelSet, Values>& input, const std::vector<Phases>& rules, int steps) {
    start_ = clock_.Now();
    for (int step = 0; step < steps; ++step) {
      for (const auto& [series, values] : input) {
        if (const From<double>* value = At(values, step)) Set(series, value->what);
      }
      Advance(kStep);
      for (size_t i = 0; i < rules.size(); ++i) Check(i, rules[i], step);
    }
  }
  void Check(size_t rule, const Phases& phases, int step) {
    EXPECT_NE(Rule(rule).health, RuleHealth::kError) << Rule(rule).last_error;
    const From<AlertPhase>* expected = At(phases, step);
    if (expected == nullptr || step < expected->step + kStepsLate) return;
    EXPECT_EQ(Rule(rule).phase, expected->what) << Rule(rule).name << " at step " << step;
  }
  Timestamp TimeOf(int step) const { return start_ + step * kStep; }
  bool IsAround(Timestamp t, int step) const {
    return t >= TimeOf(step) && t <= TimeOf(step) + 30s;
  }
  // Everything sent in the steps [from, to).
  std::vector<Notification> SentBetween(int from, int to) const {
    std::vector<Notification> some;
    for (const auto& [at, notification] : notifier_.timeline) {
      if (at >= TimeOf(from) && at < TimeOf(to)) some.push_back(notification);
    }
    return some;
  }

  Timestamp start_{};
};

const Values kBegin = {{0, 3}, {1, 5}, {4, 9}};

Values After(Values values) {
  Values all = kBegin;
  std::ranges::move(values, std::back_inserter(all));
  return all;
}

LabelSet Input(std::string_view alert, std::string_view variant = "") {
  LabelSet labels = {{"__name__", "alert_generator_test_suite"}, {"alertname", std::string(alert)}};
  labels.Set("variant", variant);
  return labels;
}

TEST_F(ComplianceTest, PendingAndFiringAndResolved) {
  StartWith(R"(
  - name: g
    rules:
      - alert: SimpleAlert
        expr: alert_generator_test_suite{alertname="SimpleAlert"} > 10
        for: 6m
        labels: {foo: bar, rulegroup: g}
        annotations: {summary: 'The value is {{$value}} {{.Value}}'}
)");
  Play({{Input("SimpleAlert"), After({{8, 11}, {21, 15}, {53, 19}, {69, 9}, {89, 15}, {134, 8}})}},
       {{{0, kInactive},
         {8, kPending},
         {32, kFiring},
         {69, kInactive},
         {89, kPending},
         {113, kFiring},
         {134, kInactive}}},
       150);
  EXPECT_THAT(SentBetween(0, 32), IsEmpty());
  for (const Notification& n : SentBetween(55, 69)) {
    EXPECT_TRUE(IsAround(n.starts_at, 32));
    EXPECT_EQ(n.annotations.Get("summary"), "The value is 19 19");
  }
  const std::vector<Notification> resolved = SentBetween(71, 89);
  EXPECT_GE(resolved.size(), 3u);
  for (const Notification& n : resolved) EXPECT_TRUE(IsAround(n.ends_at, 69));
  EXPECT_THAT(SentBetween(91, 113), IsEmpty());
  for (const Notification& n : SentBetween(113, 134)) EXPECT_TRUE(IsAround(n.starts_at, 113));
}

TEST_F(ComplianceTest, PendingAndResolvedAndAlwaysInactive) {
  StartWith(R"(
  - name: g
    rules:
      - {alert: A, expr: 'alert_generator_test_suite{alertname="A"} > 10', for: 3m}
      - {alert: B, expr: 'alert_generator_test_suite{alertname="B"} > 99', for: 3m}
)");
  const Values values = After({{8, 11}, {19, 9}});
  Play({{Input("A"), values}, {Input("B"), values}},
       {{{0, kInactive}, {8, kPending}, {19, kInactive}}, {{0, kInactive}}}, 40);
  EXPECT_THAT(notifier_.sent, IsEmpty());
}

TEST_F(ComplianceTest, ZeroForAndSmallFor) {
  StartWith(R"(
  - name: g
    rules:
      - {alert: Z, expr: 'alert_generator_test_suite{alertname="Z"} > 10'}
      - {alert: S, expr: 'alert_generator_test_suite{alertname="S"} > 13', for: 15s}
)");
  const Values values = After({{8, 15}, {21, 9}, {93, 11}, {106, 9}});
  // S is pending for one evaluation, which may be seen or not.
  Play({{Input("Z"), values}, {Input("S"), values}},
       {{{0, kInactive}, {8, kFiring}, {21, kInactive}, {93, kFiring}, {106, kInactive}},
        {{0, kInactive}, {8, kPending}, {10, kFiring}, {21, kInactive}}},
       120);
  // Resolved alerts are re-sent for 15 minutes, then there is silence.
  EXPECT_FALSE(SentBetween(75, 82).empty());
  EXPECT_THAT(SentBetween(21 + 60 + 4, 93), IsEmpty());
}

TEST_F(ComplianceTest, NewAlertsAndOrder) {
  StartWith(R"(
  - name: g
    rules:
      - alert: R1
        expr: alert_generator_test_suite{alertname="R1"} > 10
        for: 3m
      - alert: R2
        expr: >-
          (ALERTS{alertstate="firing", alertname="R1", variant="one"} + ignoring(variant)
          ALERTS{alertstate="firing", alertname="R1", variant="two"}) == 2
        labels: {ba_dum: tss, foo: baz}
        annotations: {old: 'Based on ALERTS. Old alertname was {{$labels.alertname}}.'}
)");
  Play({{Input("R1", "one"), {{0, 1}, {8, 11}, {73, 9}}},
        {Input("R1", "two"), {{0, 1}, {32, 11}, {65, 9}}}},
       {{{0, kInactive}, {8, kPending}, {20, kFiring}, {73, kInactive}},
        {{0, kInactive}, {44, kFiring}, {65, kInactive}}},
       94);
  const auto of = [&](std::string_view alert, std::string_view variant) {
    return *std::ranges::find_if(notifier_.sent, [&](const Notification& n) {
      return n.labels.Get("alertname") == alert && n.labels.Get("variant") == variant;
    });
  };
  // The later rule sees in the same evaluation that the earlier one fires.
  EXPECT_EQ(of("R2", "").starts_at, of("R1", "two").starts_at);
  EXPECT_EQ(of("R2", "").labels.Get("alertstate"), "firing");
  EXPECT_EQ(of("R2", "").labels.Get("foo"), "baz");
  EXPECT_EQ(of("R2", "").annotations.Get("old"), "Based on ALERTS. Old alertname was R1.");
}

}  // namespace
}  // namespace tocsin
