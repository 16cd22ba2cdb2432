#include "rules/alerting_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Timestamp Minute(int minute) { return FromMs(minute * 60'000); }

promql::VectorValue Vector(std::vector<std::pair<LabelSet, double>> elements) {
  promql::VectorValue vector;
  for (auto& [labels, value] : elements) {
    vector.push_back({std::move(labels), {.value = value, .histogram = nullptr}});
  }
  return vector;
}

class AlertingRuleTest : public testing::Test {
 protected:
  // The rule of a file with one group, one rule: `fields` are its lines behind expr.
  void Load(const std::string& fields) {
    const std::string text =
        "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: x > 0\n" + fields;
    auto groups = ParseRuleFile("r.yml", text);
    ASSERT_TRUE(groups.ok()) << groups.error().message;
    group_ = (*groups)[0];
    rule_.emplace(group_->rules[0]);
    context_.external_labels = std::make_shared<const LabelSet>(LabelSet{{"cluster", "c1"}});
    context_.environment.external_url = "http://tocsin";
  }
  Status Update(int minute, const promql::VectorValue& vector, int64_t limit = 0,
                bool warming_up = false) {
    return rule_->Update(SamplesOf(vector),
                         {.at = Minute(minute), .limit = limit, .warming_up = warming_up},
                         context_);
  }
  std::vector<Notification> TakeDue(int minute) {
    return rule_->TakeDue(
        Minute(minute),
        {.resend_delay = 1min, .interval = 1min, .generator_url = "http://tocsin/graph"});
  }
  std::vector<std::string> Samples() const {
    std::vector<std::string> lines;
    for (const RuleSample& sample : rule_->Samples()) {
      lines.push_back(sample.labels.ToString() + " " + std::to_string(int64_t(sample.value)));
    }
    return lines;
  }
  const Alert& OnlyAlert() const { return rule_->alerts().begin()->second; }
  const LabelSet& OnlyLabels() const { return rule_->alerts().begin()->first; }

  std::optional<RuleGroupSpec> group_;
  std::optional<AlertingRule> rule_;
  ExpansionContext context_;
};

const LabelSet kSeries = {{"__name__", "x"}, {"job", "a"}, {"severity", "none"}};

TEST_F(AlertingRuleTest, LabelsAreTheSamplesOverriddenByTheRules) {
  Load("        labels: {severity: page, from: '{{ $labels.job }}', job: ''}\n");
  ASSERT_TRUE(Update(0, Vector({{kSeries, 1}})).ok());
  EXPECT_EQ(OnlyLabels(), (LabelSet{{"alertname", "A"}, {"from", "a"}, {"severity", "page"}}));
}

TEST_F(AlertingRuleTest, TemplatesSeeTheSampleAndTheOutside) {
  Load(
      "        annotations: {s: '{{ $labels.severity }} {{ $value }} {{ $externalLabels.cluster }} "
      "{{ $externalURL }}'}\n        labels: {severity: page}\n");
  ASSERT_TRUE(Update(0, Vector({{kSeries, 1.5}})).ok());
  EXPECT_EQ(OnlyAlert().annotations.Get("s"), "none 1.5 c1 http://tocsin");
}

TEST_F(AlertingRuleTest, ABrokenTemplateDoesNotSilenceTheAlert) {
  Load("        annotations: {s: '{{ query \"x\" }}'}\n");
  ASSERT_TRUE(Update(0, Vector({{kSeries, 1}})).ok());
  EXPECT_THAT(std::string(OnlyAlert().annotations.Get("s")),
              HasSubstr("<error expanding template: error executing template __alert_A: template: "
                        "__alert_A:1:"));
  EXPECT_EQ(rule_->template_failures().failures, 1u);
  EXPECT_EQ(OnlyAlert().timing.phase, AlertPhase::kFiring);
}

TEST_F(AlertingRuleTest, ValueAndAnnotationsFollowTheSample) {
  Load("        for: 5m\n        annotations: {s: '{{ $value }}'}\n");
  ASSERT_TRUE(Update(0, Vector({{kSeries, 1}})).ok());
  ASSERT_TRUE(Update(1, Vector({{kSeries, 2}})).ok());
  EXPECT_EQ(OnlyAlert().value, 2);
  EXPECT_EQ(OnlyAlert().annotations.Get("s"), "2");
  EXPECT_EQ(OnlyAlert().timing.active_at, Minute(0));
}

TEST_F(AlertingRuleTest, ValueAndAnnotationsFreezeWhileItKeepsFiring) {
  Load("        keep_firing_for: 5m\n        annotations: {s: '{{ $value }}'}\n");
  ASSERT_TRUE(Update(0, Vector({{kSeries, 1}})).ok());
  ASSERT_TRUE(Update(1, {}).ok());
  EXPECT_EQ(OnlyAlert().annotations.Get("s"), "1");
  EXPECT_EQ(rule_->phase(), AlertPhase::kFiring);
}

TEST_F(AlertingRuleTest, EqualLabelsAreAnErrorThatChangesNothing) {
  Load("        labels: {job: ''}\n");
  ASSERT_TRUE(Update(0, Vector({{{{"job", "a"}}, 1}})).ok());
  const Status status = Update(1, Vector({{{{"job", "a"}}, 1}, {{{"job", "b"}}, 1}}));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message,
            "vector contains metrics with the same labelset after applying alert labels");
  EXPECT_EQ(rule_->phase(), AlertPhase::kFiring);
}

TEST_F(AlertingRuleTest, TheLimitIsAnErrorThatChangesNothing) {
  Load("");
  ASSERT_TRUE(Update(0, Vector({{{{"job", "a"}}, 1}}), 1).ok());
  const Status status = Update(1, Vector({{{{"job", "a"}}, 1}, {{{"job", "b"}}, 1}}), 1);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "exceeded limit of 1 with 2 alerts");
  EXPECT_EQ(rule_->alerts().size(), 1u);
}

TEST_F(AlertingRuleTest, WritesItsStateAsSeries) {
  Load("        for: 1m\n");
  ASSERT_TRUE(Update(1, Vector({{{{"job", "a"}}, 7}})).ok());
  EXPECT_THAT(Samples(), ElementsAre("ALERTS{alertname=\"A\", alertstate=\"pending\", job=\"a\"} 1",
                                     "ALERTS_FOR_STATE{alertname=\"A\", job=\"a\"} 60"));
  ASSERT_TRUE(Update(2, Vector({{{{"job", "a"}}, 7}})).ok());
  EXPECT_THAT(Samples(), ElementsAre("ALERTS{alertname=\"A\", alertstate=\"firing\", job=\"a\"} 1",
                                     "ALERTS_FOR_STATE{alertname=\"A\", job=\"a\"} 60"));
  ASSERT_TRUE(Update(3, {}).ok());
  EXPECT_THAT(Samples(), IsEmpty());
}

TEST_F(AlertingRuleTest, SendsFiringWithAnEndInTheFutureAndResolvedWithItsEnd) {
  Load("");
  ASSERT_TRUE(Update(1, Vector({{kSeries, 1}})).ok());
  std::vector<Notification> due = TakeDue(1);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].starts_at, Minute(1));
  EXPECT_EQ(due[0].ends_at, Minute(5));
  EXPECT_EQ(due[0].generator_url, "http://tocsin/graph");
  EXPECT_THAT(TakeDue(2), IsEmpty());

  ASSERT_TRUE(Update(2, {}).ok());
  due = TakeDue(2);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].starts_at, Minute(1));
  EXPECT_EQ(due[0].ends_at, Minute(2));
}

TEST_F(AlertingRuleTest, PendingAlertsAreNobodysBusiness) {
  Load("        for: 5m\n");
  ASSERT_TRUE(Update(0, Vector({{kSeries, 1}})).ok());
  EXPECT_THAT(TakeDue(0), IsEmpty());
}

TEST_F(AlertingRuleTest, AnAlertThatBecomesPendingAgainIsTakenBack) {
  Load("        for: 30m\n");
  rule_->SetAlerts(
      {{{{"alertname", "A"}},
        {.timing = {
             .phase = AlertPhase::kFiring, .active_at = Minute(0), .fired_at = Minute(1)}}}});
  ASSERT_TRUE(Update(2, Vector({{{{"__name__", "x"}}, 1}})).ok());
  EXPECT_EQ(rule_->phase(), AlertPhase::kPending);
  const std::vector<Notification> due = TakeDue(2);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].ends_at, Minute(2));
  EXPECT_THAT(TakeDue(4), IsEmpty());
}

TEST_F(AlertingRuleTest, ARestoredAlertWaitsForItsDataBeforeItResolves) {
  Load("");
  rule_->SetAlerts(
      {{{{"alertname", "A"}},
        {.timing = {.phase = AlertPhase::kFiring, .active_at = Minute(0), .fired_at = Minute(0)},
         .restored = true}}});
  ASSERT_TRUE(Update(1, {}, 0, true).ok());
  EXPECT_EQ(rule_->phase(), AlertPhase::kFiring);
  ASSERT_TRUE(Update(2, {}, 0, false).ok());
  EXPECT_EQ(rule_->phase(), AlertPhase::kInactive);
}

TEST_F(AlertingRuleTest, KeepsEachSeriesApartWhateverTheirOrder) {
  Load("        for: 1m\n        annotations: {s: '{{ $labels.job }} {{ $value }}'}\n");
  const auto series = [](int job) {
    return LabelSet{{"__name__", "x"}, {"job", std::to_string(job)}};
  };
  // Each round has other series in another order; those with a job below 3 are in all.
  const std::vector<std::vector<int>> rounds = {{0, 1, 2},
                                                {2, 1, 0},
                                                {9, 0, 8, 1, 2},
                                                {0, 1, 2},
                                                {30, 31, 32, 33, 34, 35, 36, 37, 38, 0, 2, 1},
                                                {1, 0, 2},
                                                {0, 1, 2, 9}};
  for (size_t round = 0; round < rounds.size(); ++round) {
    promql::VectorValue vector;
    for (const int job : rounds[round]) {
      vector.push_back({series(job), {.value = static_cast<double>(100 * round) + job}});
    }
    ASSERT_TRUE(Update(static_cast<int>(round), vector).ok());
    for (const int job : rounds[round]) {
      const Alert& alert = *rule_->Find({{"alertname", "A"}, {"job", std::to_string(job)}});
      EXPECT_EQ(alert.value, static_cast<double>(100 * round) + job);
      EXPECT_EQ(alert.sample.Get("job"), std::to_string(job));
      EXPECT_EQ(alert.annotations.Get("s"),
                std::to_string(job) + " " + std::to_string(100 * round + static_cast<size_t>(job)));
      EXPECT_EQ(alert.timing.active_at, Minute(job < 3 ? 0 : static_cast<int>(round)));
    }
  }
}

TEST_F(AlertingRuleTest, AnAlertOfAnEarlierRuleIsNotTakenForASecondOne) {
  Load("");
  ASSERT_TRUE(Update(0, Vector({{{{"job", "a"}}, 1}})).ok());
  Alerts alerts = rule_->TakeAlerts();
  rule_.emplace(group_->rules[0]);
  rule_->SetAlerts(std::move(alerts));
  EXPECT_TRUE(Update(1, Vector({{{{"job", "a"}}, 1}})).ok());
  EXPECT_EQ(OnlyAlert().timing.active_at, Minute(0));
}

TEST_F(AlertingRuleTest, ResolvesWhatFiresWhenTheRuleGoes) {
  Load("");
  ASSERT_TRUE(Update(1, Vector({{{{"job", "a"}}, 1}})).ok());
  const std::vector<Notification> ends =
      AlertingRule::ResolveAll(rule_->alerts(), Minute(3), "http://tocsin/graph");
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].labels, (LabelSet{{"alertname", "A"}, {"job", "a"}}));
  EXPECT_EQ(ends[0].ends_at, Minute(3));
}

TEST(GeneratorUrlTest, LinksToTheTableOfTheExpression) {
  EXPECT_EQ(GeneratorUrl("http://tocsin/pp", "vector(1) > 0"),
            "http://tocsin/pp/graph?g0.expr=vector%281%29+%3E+0&g0.tab=1");
}

}  // namespace
}  // namespace tocsin
