// /api/v1/rules, /api/v1/alerts and /api/v1/rules/history over a table of rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/json.h"
#include "server/router.h"
#include "tests/server/no_page.h"
#include "tests/support/fake_clock.h"

namespace tocsin::server {
namespace {

using testing::HasSubstr;
using testing::Not;

RuleSnapshot Alerting(std::string name, LabelSet labels) {
  RuleSnapshot rule;
  rule.alerting = true;
  rule.name = std::move(name);
  rule.query = "errors > 0";
  rule.hold = std::chrono::minutes(2);
  rule.labels = std::move(labels);
  rule.health = RuleHealth::kOk;
  rule.last_evaluation = FromMs(60'000);
  rule.phase = AlertPhase::kFiring;
  AlertSnapshot firing{.labels = {{"alertname", rule.name}, {"job", "a"}},
                       .annotations = {},
                       .phase = AlertPhase::kFiring};
  firing.value = 3;
  firing.hold = AlertHold::kKeepFiringFor;
  firing.keep_firing_since = FromMs(30'000);
  firing.transitions_per_hour = kFlappingTransitions;
  rule.alerts = {firing, {.labels = {{"alertname", rule.name}, {"job", "over"}}}};
  rule.history.push_back(std::make_shared<const EvaluationRecord>(EvaluationRecord{
      .at = FromMs(60'000),
      .seconds = 0.5,
      .samples = 2,
      .series_fetched = 7,
      .error = "",
      .transitions =
          {{.labels = {{"job", "a"}}, .from = {}, .to = AlertPhase::kPending, .value = 3}},
      .transition_count = 1}));
  return rule;
}

RuleSnapshot Recording(std::string name) {
  RuleSnapshot rule;
  rule.name = std::move(name);
  rule.query = "job:x";
  rule.health = RuleHealth::kError;
  rule.last_error = "many-to-many";
  rule.consecutive_failures = 4;
  rule.failing_since = FromMs(15'000);
  rule.no_input = true;
  rule.degraded_by = {"app/web:80"};
  return rule;
}

RulesSnapshot ThreeGroups() {
  RulesSnapshot rules;
  for (const char* name : {"one", "three", "two"}) {
    RuleGroupSnapshot group;
    group.name = name;
    group.file = "a.yml";
    group.interval = std::chrono::seconds(15);
    group.next_evaluation = FromMs(75'000);
    group.rules = {Alerting(std::string("Errors_") + name, {{"severity", "page"}})};
    rules.groups.push_back(group);
  }
  rules.groups[2].file = "b.yml";
  rules.groups[2].rules.push_back(Recording("job:errors"));
  return rules;
}

class ApiRulesTest : public testing::Test {
 protected:
  std::string Get(std::string path, std::string_view parameters = "", int status = 200) {
    HttpServerRequest request{.path = std::move(path)};
    request.parameters.AddEncoded(parameters);
    const HttpServerResponse response = Dispatch(view_, std::move(request));
    EXPECT_EQ(response.status, status) << BodyOf(response);
    return BodyOf(response);
  }
  std::string Rules(std::string_view parameters = "", int status = 200) {
    return Get("/api/v1/rules", parameters, status);
  }

  testing_support::FakeClock clock_;
  promql::Engine engine_{{}, clock_, nullptr};
  Head head_{{}, clock_};
  NoPage page_;
  RulesSnapshot rules_ = ThreeGroups();
  const ProcessView view_{
      .clock = clock_, .engine = engine_, .querier = head_, .exposition = page_, .rules = [this] {
        return std::make_shared<const RulesSnapshot>(rules_);
      }};
};

TEST_F(ApiRulesTest, AnAlertingRuleHasAllFields) {
  EXPECT_THAT(
      Rules("rule_name[]=Errors_one"),
      HasSubstr(
          R"({"state":"firing","name":"Errors_one","query":"errors \u003e 0","duration":120,)"
          R"("keepFiringFor":0,"labels":{"severity":"page"},"annotations":{},"alerts":[{"labels":)"
          R"({"alertname":"Errors_one","job":"a"},"annotations":{},"state":"firing",)"
          R"("activeAt":"1970-01-01T00:00:00.000Z","keepFiringSince":"1970-01-01T00:00:30.000Z",)"
          R"("value":"3e+00","heldBy":"keep_firing_for","transitionsPerHour":6,"flapping":true}],)"
          R"("health":"ok","evaluationTime":0,"lastEvaluation":"1970-01-01T00:01:00.000Z",)"
          R"("inputHealth":"ok","seriesFetched":0,"consecutiveFailures":0,)"
          R"("transitionsPerHour":0,"flapping":true,"type":"alerting"})"));
}

TEST_F(ApiRulesTest, ARecordingRuleSaysSinceWhenItFails) {
  EXPECT_THAT(Rules("type=record"),
              HasSubstr(R"({"name":"job:errors","query":"job:x","health":"err",)"
                        R"("lastError":"many-to-many","evaluationTime":0,)"
                        R"("lastEvaluation":"0001-01-01T00:00:00Z","inputHealth":"no_input",)"
                        R"("degradedBy":["app/web:80"],"seriesFetched":0,)"
                        R"("consecutiveFailures":4,"failingSince":"1970-01-01T00:00:15.000Z",)"
                        R"("type":"recording"})"));
}

TEST_F(ApiRulesTest, AGroupSaysWhenItIsEvaluatedNext) {
  EXPECT_THAT(Rules(), HasSubstr(R"("interval":15,"limit":0,"evaluationTime":0,)"
                                 R"("lastEvaluation":"0001-01-01T00:00:00Z",)"
                                 R"("nextEvaluation":"1970-01-01T00:01:15.000Z")"));
}

struct FilterCase {
  const char* parameters;
  const char* groups;  // in the order of the answer
};
constexpr FilterCase kFilters[] = {
    {"", "one three two "},
    {"type=record", "two "},
    {"type=ALERT", "one three two "},
    {"rule_name[]=Errors_two&rule_name[]=Errors_one", "one two "},
    {"rule_name[]=none", ""},
    {"rule_group[]=three", "three "},
    {"file[]=b.yml", "two "},
    {"file[]=a.yml&rule_group[]=two", ""},
    {"match[]={severity=\"page\"}", "one three two "},
    {"match[]={severity=~\"w.*\"}", ""},
    {"match[]={severity=\"w\"}&match[]={severity=\"page\"}", "one three two "},
    {"type=record&match[]={severity=\"page\"}", ""},
    {"group_limit=2", "one three "},
};

TEST_F(ApiRulesTest, FiltersLeaveNoEmptyGroups) {
  for (const FilterCase& each : kFilters) {
    const Result<JsonValue> answer = JsonValue::Parse(Rules(each.parameters));
    ASSERT_TRUE(answer.ok());
    std::string names;
    for (const JsonValue& group : *answer->Find("data")->Find("groups")->AsArray()) {
      names += *group.Find("name")->AsString() + " ";
    }
    EXPECT_EQ(names, each.groups) << each.parameters;
  }
}

TEST_F(ApiRulesTest, PagesFollowEachOther) {
  const std::string token = Sha256Hex("b.yml;two");
  EXPECT_THAT(Rules("group_limit=2"), HasSubstr("\"groupNextToken\":\"" + token + "\""));
  const std::string last = Rules("group_limit=2&group_next_token=" + token);
  EXPECT_THAT(last, HasSubstr("\"name\":\"two\""));
  EXPECT_THAT(last, Not(HasSubstr("\"name\":\"one\"")));
  EXPECT_THAT(last, Not(HasSubstr("groupNextToken")));
}

TEST_F(ApiRulesTest, WrongParametersAreRefused) {
  struct Case {
    const char* parameters;
    const char* error;
  };
  constexpr Case kCases[] = {
      {"type=x", "not supported value"},
      {"group_limit=0", "group_limit needs to be greater than 0"},
      {"group_limit=a", "group_limit needs to be a valid number"},
      {"group_next_token=x", "group_limit needs to be present in order to paginate"},
      {"group_limit=1&group_next_token=x",
       "invalid group_next_token 'x'. were rule groups changed?"},
      {"match[]=up{", "unexpected end of input"},
      {"exclude_alerts=2", "error converting exclude_alerts"},
  };
  for (const Case& each : kCases) {
    EXPECT_THAT(Rules(each.parameters, 400), HasSubstr(each.error)) << each.parameters;
  }
}

TEST_F(ApiRulesTest, AlertsMayBeLeftOut) {
  EXPECT_THAT(Rules("exclude_alerts=true"), Not(HasSubstr("activeAt")));
}

TEST_F(ApiRulesTest, TheListOfAlertsHasNoResolvedOnes) {
  const std::string alerts = Get("/api/v1/alerts");
  EXPECT_THAT(alerts, HasSubstr(R"("job":"a")"));
  EXPECT_THAT(alerts, Not(HasSubstr("over")));
}

TEST_F(ApiRulesTest, TheHistoryHasTheEvaluations) {
  EXPECT_THAT(
      Get("/api/v1/rules/history", "rule_name[]=Errors_one"),
      HasSubstr(R"("evaluations":[{"evaluatedAt":"1970-01-01T00:01:00.000Z","duration":0.5,)"
                R"("samples":2,"seriesFetched":7,"transitionCount":1,"transitions":[)"
                R"({"labels":{"job":"a"},"from":null,"to":"pending","value":"3e+00"}]}])"));
}

}  // namespace
}  // namespace tocsin::server
