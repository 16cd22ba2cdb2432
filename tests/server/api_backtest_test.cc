// POST /api/v1/rules/backtest over a store of a few series; the example of docs/backtest.md is held
// to it (UPDATE_DOCS=1 in the environment writes its answer anew).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/json.h"
#include "engine/exposition/parser.h"
#include "server/router.h"
#include "tests/server/no_page.h"
#include "tests/support/fake_clock.h"
#include "tests/support/shared_files.h"

namespace tocsin::server {
namespace {

using std::chrono::hours;
using testing::HasSubstr;

constexpr int64_t kNow = 1'764'003'600;  // seconds
constexpr char kRules[] =
    "groups:\n- name: g\n  interval: 15s\n  rules:\n"
    "  - {alert: Errors, expr: failed > 1, for: 1m}\n"
    "  - {record: twice, expr: failed * 2}\n  - {alert: Twice, expr: twice > 1}\n";

class ApiBacktestTest : public testing::Test {
 protected:
  ApiBacktestTest() {
    for (int64_t t = kNow - 3600; t < kNow; t += 15)
      Put({{"__name__", "failed"}}, t, t / 300 % 2 * 5);
  }
  void Put(const LabelSet& labels, int64_t seconds, double value) {
    Appender appender(head_);
    appender.Append(labels, seconds * 1000, value);
    ASSERT_TRUE(appender.Commit().ok());
  }
  std::string Post(std::string_view parameters, const std::string& body, int status = 200) {
    HttpServerRequest request{.method = "POST", .path = "/api/v1/rules/backtest", .body = body};
    request.headers.emplace_back("content-type", "application/yaml");
    request.parameters.AddEncoded(parameters);
    request.canceled = [this] { return canceled_; };
    const HttpServerResponse response = Dispatch(view_, std::move(request));
    EXPECT_EQ(response.status, status) << BodyOf(response).substr(0, 500);
    return BodyOf(response);
  }

  bool canceled_ = false;
  testing_support::FakeClock clock_{FromMs(kNow * 1000)};
  promql::EngineOptions options_{.max_samples = 2000};
  promql::Engine engine_{options_, clock_, nullptr};
  Head head_{{.retention = Duration::zero()}, clock_};
  NoPage page_;
  const ProcessView view_{.clock = clock_,
                          .engine = engine_,
                          .querier = head_,
                          .exposition = page_,
                          .external_url = "http://tocsin",
                          .config = [] { return std::make_shared<const Config>(); }};
};

TEST_F(ApiBacktestTest, TheLastHourIsRunWithoutTimes) {
  const Result<JsonValue> answer = JsonValue::Parse(Post("", kRules), 100);
  ASSERT_TRUE(answer.ok());
  const JsonValue& data = *answer->Find("data");
  EXPECT_EQ(data.Find("from")->TextOrEmpty(), FormatRfc3339(clock_.Now() - hours(1)));
  EXPECT_EQ(data.Find("to")->TextOrEmpty(), FormatRfc3339(clock_.Now()));
  const JsonValue& rule = data.Find("rules")->AsArray()->front();
  EXPECT_EQ(*rule.Find("line")->AsNumber(), 5);
  EXPECT_EQ(*rule.Find("pages")->AsNumber(), 6);
}

TEST_F(ApiBacktestTest, OneThingMayBeChanged) {
  const std::string answer = Post("set=Errors.for=10m&step=1m&file=other.yml", kRules);
  EXPECT_THAT(answer, HasSubstr(R"("file":"other.yml","line":5,"group":"g","name":"Errors",)"
                                R"("type":"alerting","evaluations":61,"failures":0,"pages":0)"));
  EXPECT_THAT(answer, HasSubstr(R"("changes":["Errors.for=10m"])"));
}

TEST_F(ApiBacktestTest, AFormMayHaveTheRules) {
  HttpServerRequest request{.method = "POST", .path = "/api/v1/rules/backtest"};
  request.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
  request.parameters.Add("rules", kRules);
  EXPECT_EQ(Dispatch(view_, std::move(request)).status, 200);
}

struct BadCase {
  const char* parameters;
  const char* rules;
  const char* error;
};
constexpr BadCase kBad[] = {
    {"", "", "there are none; send a rule file as the body"},
    {"file=my.yml", "groups:\n- name: g\n  rules:\n  - {alert: A, expr: errors >}\n", "my.yml:4:"},
    {"file=my.yml", "groups:\n- name: g\n  rule: []\n", "my.yml:3:3: unknown field \\\"rule\\\""},
    {"end=yesterday", kRules, "invalid parameter \\\"end\\\""},
    {"start=-1", kRules, "before 1970"},
    {"start=-292273086-05-16T16:47:06Z", kRules, "before 1970"},
    {"start=292277025-08-18T07:12:54.999999999Z", kRules, "lies after the end, or ahead"},
    {"start=10&end=5", kRules, "lies after the end"},
    {"step=0", kRules, "longer than nothing"},
    {"step=-1m", kRules, "invalid parameter \\\"step\\\""},
    {"start=0&step=1ms", kRules, "evaluations of rules, and 10000000 are allowed"},
    {"set=Errors.color=red", kRules, "invalid parameter \\\"set\\\""},
    {"set=Nobody.for=1m", kRules, "invalid parameter \\\"set\\\""},
    {"timeout=x", kRules, "invalid parameter \\\"timeout\\\""},
};
TEST_F(ApiBacktestTest, BadInputIsNamed) {
  for (const BadCase& bad : kBad) {
    const std::string answer = Post(bad.parameters, bad.rules, 400);
    EXPECT_THAT(answer, HasSubstr("\"errorType\":\"bad_data\"")) << bad.parameters;
    EXPECT_THAT(answer, HasSubstr(bad.error)) << bad.parameters;
  }
}

TEST_F(ApiBacktestTest, WhatARunMayKeepIsBounded) {
  for (int i = 0; i < 10; ++i) {
    Put({{"__name__", "many"}, {"i", std::to_string(i)}}, kNow - 3600, i);
  }
  // A rule that a template asks is evaluated slot by slot.
  for (const char* text : {"", "{{ query `a` | len }}"}) {
    const std::string rules =
        "groups:\n- name: g\n  interval: 1s\n  rules:\n  - {record: a, expr: many}\n"
        "  - {alert: A, expr: a > 5, annotations: {text: '" +
        std::string(text) + "'}}\n";
    EXPECT_THAT(Post("", rules, 422), HasSubstr("more than 2000 samples and changes of alerts"));
  }
}

TEST_F(ApiBacktestTest, NobodyWaitingEndsIt) {
  canceled_ = true;
  EXPECT_THAT(Post("", kRules, 499), HasSubstr("backtest was canceled"));
  canceled_ = false;
  EXPECT_THAT(Post("timeout=0", kRules, 503), HasSubstr("\"errorType\":\"timeout\""));
  // Nothing is left of either: both turns are free again.
  Post("", kRules);
}

TEST_F(ApiBacktestTest, OnlySoManyRunAtATime) {
  std::vector<Turns::Turn> others;
  while (const Turns::Turn turn = view_.backtests.TryTake()) others.push_back(turn);
  EXPECT_EQ(others.size(), 2u);
  EXPECT_THAT(Post("", kRules, 503), HasSubstr("other backtests are running"));
  others.pop_back();
  Post("", kRules);
}

TEST_F(ApiBacktestTest, APageOfAnotherSiteMayNotAskForIt) {
  HttpServerRequest request{.method = "POST", .path = "/api/v1/rules/backtest", .body = kRules};
  request.headers = {{"origin", "http://elsewhere"}, {"host", "tocsin"}};
  EXPECT_EQ(Dispatch(view_, std::move(request)).status, 403);
}

// --- the example of the page -------------------------------------------------------------------

// What stands between the first `begin` behind `mark` and the `end` behind it.
std::string Between(const std::string& page, const std::string& mark, const std::string& begin,
                    const std::string& end) {
  const size_t from = page.find(begin, page.find(mark)) + begin.size();
  return page.substr(from, page.find(end, from) - from);
}

TEST_F(ApiBacktestTest, ThePagesExampleIsTrue) {
  const auto path = testing_support::SourceFolder() / "docs/backtest.md";
  std::string page = testing_support::ReadAll(path);
  const std::string samples = Between(page, "```text", "# metrics.om\n", "```");
  const std::string rules = Between(page, "```yaml", "```yaml\n", "```");
  const std::string parameters = Between(page, "## Over HTTP", "/rules/backtest?", "'");
  ExpositionParser parser(samples, ExpositionFormat::kOpenMetrics);
  for (auto event = parser.Next(); event != ExpositionEvent::kEnd; event = parser.Next()) {
    ASSERT_NE(event, ExpositionEvent::kError) << parser.error().message;
    if (event != ExpositionEvent::kSample) continue;
    Put(*parser.ReadLabels(), *parser.timestamp_ms() / 1000, parser.value());
  }
  const std::string shown = Between(page, "## Over HTTP", "```json\n", "```");
  const std::string now = Post(parameters, rules) + "\n";
  if (std::getenv("UPDATE_DOCS") != nullptr) {
    page.replace(page.find(shown, page.find("## Over HTTP")), shown.size(), now);
    std::ofstream(path) << page;
    return;
  }
  EXPECT_EQ(shown, now);
}

}  // namespace
}  // namespace tocsin::server
