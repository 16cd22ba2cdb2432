// The timelines of Prometheus' alert_generator compliance suite, unscaled, on virtual time.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/rules/timeline_fixture.h"

namespace tocsin {
namespace {

using testing_support::ExpectedAlert;
using testing_support::Values;

constexpr AlertPhase kInactive = AlertPhase::kInactive;
constexpr AlertPhase kPending = AlertPhase::kPending;
constexpr AlertPhase kFiring = AlertPhase::kFiring;

// How most of the inputs begin.
Values After(Values values) {
  Values all = {{0, 3}, {1, 5}, {4, 9}};
  all.insert(all.end(), values.begin(), values.end());
  return all;
}

LabelSet Input(std::string_view alert, std::string_view variant = "") {
  LabelSet labels = {{"__name__", "alert_generator_test_suite"}, {"alertname", std::string(alert)}};
  labels.Set("variant", variant);
  return labels;
}

LabelSet Alert(std::string_view name, LabelSet more = {}) {
  more.Set("alertname", name);
  more.Set("rulegroup", "g");
  return more;
}

class ComplianceTest : public testing_support::TimelineFixture {
 protected:
  void ExpectHealthy() {
    for (const RuleSnapshot& rule : Group().rules) {
      EXPECT_EQ(rule.health, RuleHealth::kOk) << rule.name;
      EXPECT_EQ(rule.last_error, "") << rule.name;
    }
    EXPECT_EQ(Group().interval, testing_support::kInterval);
    EXPECT_GE(*Group().last_evaluation, clock_.Now() - testing_support::kInterval);
  }
};

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
  const auto summary = [](const char* value) {
    return LabelSet{{"summary", std::string("The value is ") + value + " " + value}};
  };
  const ExpectedAlert alert = {
      .labels = Alert("SimpleAlert", {{"foo", "bar"}}),
      .phases = {{0, kInactive},
                 {8, kPending},
                 {32, kFiring},
                 {69, kInactive},
                 {89, kPending},
                 {113, kFiring},
                 {134, kInactive}},
      .annotations = {
          {8, summary("11")}, {21, summary("15")}, {53, summary("19")}, {89, summary("15")}}};
  std::map<int, Timestamp> active_at;
  Play({{Input("SimpleAlert"), After({{8, 11}, {21, 15}, {53, 19}, {69, 9}, {89, 15}, {134, 8}})}},
       {alert}, 150, [&](int index) {
         if (!Rule().alerts.empty()) active_at[index] = Rule().alerts[0].active_at;
       });
  EXPECT_EQ(active_at.at(12), active_at.at(68)) << "since 8, whatever the value is";
  EXPECT_GE(active_at.at(92), TimeOf(89));
  EXPECT_LE(active_at.at(92), TimeOf(89) + testing_support::kInterval);
  ExpectHealthy();
}

TEST_F(ComplianceTest, PendingAndResolvedAndAlwaysInactive) {
  StartWith(R"(
  - name: g
    rules:
      - {alert: A, expr: 'alert_generator_test_suite{alertname="A"} > 10', for: 3m, labels: {rulegroup: g}}
      - {alert: B, expr: 'alert_generator_test_suite{alertname="B"} > 99', for: 3m, labels: {rulegroup: g}}
)");
  const Values values = After({{8, 11}, {19, 9}});
  Play({{Input("A"), values}, {Input("B"), values}},
       {{.labels = Alert("A"), .phases = {{0, kInactive}, {8, kPending}, {19, kInactive}}},
        {.labels = Alert("B"), .phases = {{0, kInactive}}}},
       40, [this](int index) {
         if (index < 20) return;
         Unset(Input("A"));
         Unset(Input("B"));
       });
  EXPECT_TRUE(notifier_.timeline.empty());
  ExpectHealthy();
}

TEST_F(ComplianceTest, ZeroForAndSmallFor) {
  StartWith(R"RULES(
  - name: g
    rules:
      - alert: Z
        expr: alert_generator_test_suite{alertname="Z"} > 10
        labels: {rulegroup: g}
        annotations:
          template_test: >-
            {{ humanize 1048576.0 }} {{ humanize1024 1048576.0 }} {{ humanizeDuration 135.0 }}
            {{ humanizePercentage 0.959 }} {{ humanizeTimestamp 1643114203.0 }}
          template_query_test: >-
            {{ define "f" }}Args are: {{ .arg0 }} {{ .arg1 }} {{ .arg2 }}.{{ end -}}
            {{ template "f" args "foo" "bar" 99 }} {{ with query "helper" | sortByLabel "id" -}}
            first_id:{{ . | first | label "id" }},{{ range . }}{{ .Labels.id }}:{{ .Value }},{{ end }}{{ end }}
      - alert: S
        expr: alert_generator_test_suite{alertname="S"} > 13
        for: 15s
        labels: {rulegroup: g}
        annotations:
          template_test: >-
            This {{ title "part" }} {{ toUpper "is testing" }} {{ toLower "THE STRINGS" }}.
            {{ stripPort "[::1]:80" }} {{ stripDomain "127.0.0.1" }}.
            {{ parseDuration "2h10m15s" }}. {{ reReplaceAll "(?i)some" "replaced" "some" }} text. {{ $labels.none }}.
)RULES");
  const LabelSet z = {
      {"template_query_test", "Args are: foo bar 99. first_id:101,101:1,102:2,103:3,"},
      {"template_test", "1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC"}};
  LabelSet z_doubled = z;
  z_doubled.Set("template_query_test", "Args are: foo bar 99. first_id:101,101:2,102:4,103:6,");
  const LabelSet s = {
      {"template_test", "This Part IS TESTING the strings. ::1 127.0.0.1. 7815. replaced text. ."}};
  const Values values = After({{8, 15}, {21, 9}, {93, 11}, {106, 9}});
  std::map<LabelSet, Values> input = {{Input("Z"), values}, {Input("S"), values}};
  for (int i = 1; i <= 3; ++i) {
    input[{{"__name__", "helper"}, {"id", std::to_string(100 + i)}}] = {{0, i * 1.0},
                                                                        {28, i * 2.0}};
  }
  bool z_was_pending = false;
  Play(input,
       {{.labels = Alert("Z"),
         .phases = {{0, kInactive}, {8, kFiring}, {21, kInactive}, {93, kFiring}, {106, kInactive}},
         .annotations = {{8, z}, {93, z_doubled}}},
        {.labels = Alert("S"),
         .phases = {{0, kInactive}, {8, kPending}, {10, kFiring}, {21, kInactive}},
         .annotations = {{8, s}}}},
       170, [&](int) { z_was_pending |= Rule(0).phase == kPending; });
  EXPECT_FALSE(z_was_pending);
  ExpectHealthy();
}

TEST_F(ComplianceTest, SmallForFiresExactlyOneEvaluationAfterItIsPending) {
  StartWith(R"(
  - name: g
    rules: [{alert: S, expr: 'alert_generator_test_suite{alertname="S"} > 13', for: 15s}]
)");
  Set(Input("S"), 15);
  std::vector<AlertPhase> seen;
  for (int i = 0; i < 8; ++i) {
    Advance(testing_support::kInterval);
    seen.push_back(Rule().phase);
  }
  EXPECT_EQ(seen[0], kPending);
  EXPECT_EQ(std::ranges::count(seen, kPending), 1);
}

TEST_F(ComplianceTest, NewAlertsAndOrder) {
  StartWith(R"(
  - name: g
    rules:
      - alert: R1
        expr: alert_generator_test_suite{alertname="R1"} > 10
        for: 3m
        labels: {rulegroup: g, foo: bar}
      - alert: R2
        expr: >-
          (ALERTS{alertstate="firing", alertname="R1", rulegroup="g", variant="one"} + ignoring(variant)
          ALERTS{alertstate="firing", alertname="R1", rulegroup="g", variant="two"}) == 2
        labels: {rulegroup: g, ba_dum: tss, foo: baz}
        annotations:
          description: >-
            Based on ALERTS. Old alertname was {{$labels.alertname}}. foo was {{$labels.foo}}.
)");
  Play({{Input("R1", "one"), {{0, 1}, {8, 11}, {73, 9}}},
        {Input("R1", "two"), {{0, 1}, {32, 11}, {65, 9}}}},
       {{.labels = Alert("R1", {{"variant", "one"}, {"foo", "bar"}}),
         .phases = {{0, kInactive}, {8, kPending}, {20, kFiring}, {73, kInactive}}},
        {.labels = Alert("R1", {{"variant", "two"}, {"foo", "bar"}}),
         .phases = {{0, kInactive}, {32, kPending}, {44, kFiring}, {65, kInactive}}},
        {.labels = Alert("R2", {{"alertstate", "firing"}, {"ba_dum", "tss"}, {"foo", "baz"}}),
         .phases = {{0, kInactive}, {44, kFiring}, {65, kInactive}},
         .annotations =
             {{44, {{"description", "Based on ALERTS. Old alertname was R1. foo was bar."}}}}}},
       94);
  const auto first_of = [&](std::string_view alert, std::string_view variant) {
    return std::ranges::find_if(notifier_.timeline,
                                [&](const auto& entry) {
                                  return entry.second.labels.Get("alertname") == alert &&
                                         entry.second.labels.Get("variant") == variant;
                                })
        ->second.starts_at;
  };
  EXPECT_EQ(first_of("R2", ""), first_of("R1", "two")) << "in the same evaluation";
  ExpectHealthy();
}

}  // namespace
}  // namespace tocsin
