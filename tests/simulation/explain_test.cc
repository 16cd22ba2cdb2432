// Explanations of the user's six alerts on virtual time, quiet and firing, word for word as in
// tests/data/explain; with UPDATE_DOCS=1 in the environment that file is written anew. Those of
// docs/explain.md come from real servers (tests/e2e/explained.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/json.h"
#include "cli/explain_text.h"
#include "tests/support/shared_files.h"
#include "tests/support/simulation/simulation.h"

namespace tocsin {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;
using testing_support::Simulation;

constexpr const char* kGlobal = "scrape_interval: 15s, evaluation_interval: 15s";
constexpr const char* kTargets = R"(
scrape_configs:
  - {job_name: app, scrape_interval: 10s, static_configs: [{targets: ['app:8000']}]}
  - {job_name: postgres, static_configs: [{targets: ['postgres:9187']}]}
  - {job_name: celery, static_configs: [{targets: ['celery:8080']}]}
)";

class ExplainTest : public testing::Test {
 protected:
  void SetUp() override {
    sim_.PutConfig(kGlobal, kTargets);
    sim_.files().Put("rules.yml", testing_support::ReadAll(testing_support::SourceFolder() /
                                                           "deploy/alert_rules.yml"));
    sim_.Serve("app:8000", [this] { return AppPage(); });
    sim_.Serve("postgres:9187", [this] {
      return "pg_stat_activity_count " + std::to_string(broken_ ? 90 : 10) +
             "\npg_settings_max_connections 100\n";
    });
    sim_.Serve("celery:8080", [this] {
      return "celery_tasks_total{state=\"PENDING\"} " + std::to_string(broken_ ? 12 : 2) +
             "\ncelery_tasks_total{state=\"SUCCESS\"} 1000\n";
    });
    ASSERT_TRUE(sim_.Start().ok());
    sim_.Advance(minutes(12));
  }

  std::string AppPage() {
    ok_ += broken_ ? 50 : 100;
    failed_ += broken_ ? 50 : 0;
    return "http_request_duration_seconds{endpoint=\"/videos\",quantile=\"0.5\"} 0.05\n"
           "http_request_duration_seconds{endpoint=\"/videos\",quantile=\"0.95\"} " +
           std::string(broken_ ? "1.5" : "0.2") + "\nprocess_resident_memory_bytes " +
           std::to_string(broken_ ? 2684354560LL : 536870912LL) +
           "\nhttp_requests_total{status=\"200\"} " + std::to_string(ok_) +
           "\nhttp_requests_total{status=\"500\"} " + std::to_string(failed_) + "\n";
  }

  JsonValue Ask(const std::string& query) {
    const Result<JsonValue> answer =
        JsonValue::Parse(sim_.Get("/api/v1/rules/explain", query), 1000);
    return answer.ok() ? *answer : JsonValue();
  }

  std::string ErrorType(const std::string& query) {
    const JsonValue answer = Ask(query);
    const JsonValue* type = answer.Find("errorType");
    return type == nullptr ? "" : std::string(type->TextOrEmpty());
  }

  std::string Explain(const std::string& alert) {
    const JsonValue answer = Ask("alert=" + alert);
    const JsonValue* rules = answer.Find("data", "rules");
    if (rules == nullptr || rules->AsArray() == nullptr || rules->AsArray()->empty()) return "";
    return cli::RenderExplanation(rules->AsArray()->front(), /*colors=*/false);
  }

  bool broken_ = false;
  int64_t ok_ = 0;
  int64_t failed_ = 0;
  Simulation sim_;
};

// "<!-- explain NAME STATE -->\n```text\n…```" in the page.
void HoldPage(std::string& page, const std::string& mark, const std::string& text) {
  const std::string head = "<!-- explain " + mark + " -->\n```text\n";
  const size_t begin = page.find(head);
  ASSERT_NE(begin, std::string::npos) << mark << " is missing";
  const size_t from = begin + head.size();
  const size_t end = page.find("```\n", from);
  ASSERT_NE(end, std::string::npos);
  if (std::getenv("UPDATE_DOCS") == nullptr) {
    EXPECT_EQ(page.substr(from, end - from), text) << mark;
  }
  page.replace(from, end - from, text);
}

TEST_F(ExplainTest, EachAlertIsExplainedQuietAndFiring) {
  const auto path = testing_support::SourceFolder() / "tests/data/explain/seed_alerts.md";
  std::string page = testing_support::ReadAll(path);
  const std::vector<std::string> alerts = {"HighResponseTime",
                                           "HighMemoryUsage",
                                           "HighErrorRate",
                                           "DatabaseConnectionPoolHigh",
                                           "VideoProcessingQueueBacklog",
                                           "PerformanceRegression"};
  for (const std::string& alert : alerts) HoldPage(page, alert + " quiet", Explain(alert));
  broken_ = true;
  sim_.Advance(minutes(7));
  for (const std::string& alert : alerts) {
    const std::string text = Explain(alert);
    EXPECT_THAT(text, HasSubstr(alert + " is firing"));
    EXPECT_THAT(text, HasSubstr("last delivery"));
    HoldPage(page, alert + " firing", text);
  }
  if (std::getenv("UPDATE_DOCS") != nullptr) std::ofstream(path) << page;
}

TEST_F(ExplainTest, APendingAlertSaysWhenItFires) {
  broken_ = true;
  sim_.Advance(minutes(2));
  EXPECT_THAT(Explain("HighMemoryUsage"), HasSubstr("fires in 3m"));
}

TEST_F(ExplainTest, LabelsAndTimeNarrowTheQuestion) {
  const JsonValue other = Ask("alert=HighResponseTime&labels=%7Bquantile%3D%220.5%22%7D");
  const JsonValue* rule = &other.Find("data", "rules")->AsArray()->front();
  EXPECT_EQ(*rule->Find("tree", "out")->AsNumber(), 0);
  const JsonValue early = Ask("alert=HighResponseTime&at=1600000000");
  rule = &early.Find("data", "rules")->AsArray()->front();
  EXPECT_EQ(
      rule->Find("tree")->Find("operands")->AsArray()->front().Find("notes")->AsArray()->size(),
      1u);
}

TEST_F(ExplainTest, ARuleIsFoundByFileLineAndColumn) {
  const JsonValue answer = Ask("alert=HighErrorRate");
  const JsonValue& rule = answer.Find("data", "rules")->AsArray()->front();
  EXPECT_THAT(rule.Find("file")->TextOrEmpty(), HasSubstr("rules.yml"));
  EXPECT_EQ(*rule.Find("line")->AsNumber(), 29);
  EXPECT_EQ(*rule.Find("column")->AsNumber(), 9);
}

TEST_F(ExplainTest, UnknownAlertsAndWrongLabelsAreErrors) {
  EXPECT_EQ(ErrorType("alert=Nothing"), "not_found");
  EXPECT_EQ(ErrorType(""), "bad_data");
  EXPECT_EQ(ErrorType("alert=HighErrorRate&labels=%7Bx"), "bad_data");
}

TEST_F(ExplainTest, RulesThatCannotWorkAreSaidToBeSoAtTheStart) {
  EXPECT_THAT(sim_.log(), HasSubstr("a rule always fires"));
  EXPECT_THAT(sim_.Get("/api/v1/rules"),
              HasSubstr("\"verdict\":\"never fires: DatabaseConnectionPoolHigh"));
  EXPECT_THAT(sim_.Get("/metrics"), HasSubstr("tocsin_rule_cannot_work{"));
}

}  // namespace
}  // namespace tocsin
