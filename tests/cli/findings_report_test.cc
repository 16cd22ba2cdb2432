#include "cli/findings_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/progress.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"
#include "tests/support/memory_files.h"

namespace tocsin::cli {
namespace {

class FindingsReportTest : public testing::Test {
 protected:
  testing_support::FakeClock clock_;
  testing_support::MemoryFiles files_;
  testing_support::FakeHttp http_;
  std::string out_;
  std::string err_;
  CommandContext context_{.clock = clock_,
                          .files = files_,
                          .http = http_,
                          .environment = [](const std::string&) { return std::nullopt; },
                          .out = [this](std::string_view text) { out_ += text; },
                          .err = [this](std::string_view text) { err_ += text; },
                          .pause = [](Duration) { return false; }};
  const Finding typo_{.check = "rules/syntax",
                      .file = "my rules.yml",
                      .line = 12,
                      .column = 9,
                      .message = "unknown field \"fro\"",
                      .explanation = "it is not read,\nso nothing waits",
                      .fix = "for: 5m"};
};

TEST_F(FindingsReportTest, TextNamesThePlaceTheWhyAndTheWayOut) {
  FindingsReport report(ReportFormat::kText, context_);
  report.Add(typo_);
  EXPECT_EQ(report.Finish(), kExitNo);
  EXPECT_EQ(out_,
            "my rules.yml:12:9: error: unknown field \"fro\" (rules/syntax)\n"
            "    it is not read,\n"
            "    so nothing waits\n"
            "    fix: for: 5m\n");
}

TEST_F(FindingsReportTest, ColoursAreOnlyAddedCharacters) {
  std::string colored = RenderText(typo_, true);
  EXPECT_NE(colored, RenderText(typo_, false));
  for (const char* code : {"\033[1;31m", "\033[32m", "\033[33m", "\033[1m", "\033[2m", "\033[0m"}) {
    for (size_t at = colored.find(code); at != std::string::npos; at = colored.find(code)) {
      colored.erase(at, std::string(code).size());
    }
  }
  EXPECT_EQ(colored, RenderText(typo_, false));
}

TEST_F(FindingsReportTest, GithubEncodesWhatWouldEndAPropertyOrTheMessage) {
  Finding finding = typo_;
  finding.file = "a,b:c.yml";
  finding.message = "100% wrong";
  finding.explanation = "";
  EXPECT_EQ(RenderGithub(finding),
            "::error file=a%2Cb%3Ac.yml,line=12,col=9,title=rules/syntax::100%25 wrong%0Afix: for: "
            "5m\n");
}

TEST_F(FindingsReportTest, JsonHasTheFindingsTheirNumberAndFurtherMembers) {
  FindingsReport report(ReportFormat::kJson, context_);
  report.Say("for people");
  report.AddAs(typo_, "in other words");
  report.Add(Finding{.severity = Severity::kNote, .check = "x", .message = "by the way"});
  report.AddMember("rules", "[1,2]");
  report.Finish();
  const Result<JsonValue> json = JsonValue::Parse(out_);
  ASSERT_TRUE(json.ok()) << out_;
  ASSERT_EQ(json->Find("findings")->AsArray()->size(), 2U);
  const JsonValue& first = json->Find("findings")->AsArray()->front();
  EXPECT_EQ(first.Find("file")->TextOrEmpty(), "my rules.yml");
  EXPECT_EQ(*first.Find("line")->AsNumber(), 12);
  EXPECT_EQ(*json->Find("summary", "errors")->AsNumber(), 1);
  EXPECT_EQ(*json->Find("summary", "notes")->AsNumber(), 1);
  EXPECT_EQ(json->Find("rules")->AsArray()->size(), 2U);
  EXPECT_EQ(err_, "");
}

TEST_F(FindingsReportTest, SarifPointsEachResultToItsRuleAndPlace) {
  Finding other = typo_;
  other.check = "a/first";
  other.severity = Severity::kWarning;
  other.line = 0;
  const Result<JsonValue> json = JsonValue::Parse(RenderSarif({typo_, other}));
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->Find("version")->TextOrEmpty(), "2.1.0");
  const JsonValue& run = json->Find("runs")->AsArray()->front();
  const JsonValue::Array& rules = *run.Find("tool", "driver", "rules")->AsArray();
  const JsonValue::Array& results = *run.Find("results")->AsArray();
  ASSERT_EQ(results.size(), 2U);
  for (const JsonValue& result : results) {
    const auto index = static_cast<size_t>(*result.Find("ruleIndex")->AsNumber());
    EXPECT_EQ(rules.at(index).Find("id")->TextOrEmpty(), result.Find("ruleId")->TextOrEmpty());
  }
  const JsonValue& place =
      *results[0].Find("locations")->AsArray()->front().Find("physicalLocation");
  EXPECT_EQ(place.Find("artifactLocation", "uri")->TextOrEmpty(), "my%20rules.yml");
  EXPECT_EQ(*place.Find("region", "startLine")->AsNumber(), 12);
  const JsonValue& whole_file =
      *results[1].Find("locations")->AsArray()->front().Find("physicalLocation");
  EXPECT_EQ(whole_file.Find("region"), nullptr);
  EXPECT_EQ(results[1].Find("level")->TextOrEmpty(), "warning");
}

TEST_F(FindingsReportTest, WarningsAreFatalOnlyWhenAskedFor) {
  FindingsReport report(ReportFormat::kText, context_);
  EXPECT_EQ(report.Finish(FindingsReport::Lint::kFatal), kExitOk);
  report.Add(Finding{.severity = Severity::kWarning, .message = "hm"});
  EXPECT_EQ(report.Finish(), kExitOk);
  EXPECT_EQ(report.Finish(FindingsReport::Lint::kFatal), kExitLint);
  report.Add(typo_);
  EXPECT_EQ(report.Finish(FindingsReport::Lint::kFatal), kExitNo);
}

TEST_F(FindingsReportTest, ProgressIsShownOnATerminalAfterHalfASecond) {
  context_.progress = true;
  {
    Progress progress("replaying", 4, context_);
    progress.Advance();
    EXPECT_EQ(err_, "");
    clock_.Advance(std::chrono::seconds(2));
    progress.Advance();
    EXPECT_EQ(err_, "\r\033[Kreplaying [##########          ]  50 % (2 of 4), 2s left");
    progress.Advance();
    EXPECT_THAT(err_, testing::EndsWith("2s left")) << "drawn twice within a tenth of a second";
  }
  EXPECT_THAT(err_, testing::EndsWith("\r\033[K"));
}

TEST_F(FindingsReportTest, ProgressIsSilentElsewhere) {
  Progress progress("replaying", 4, context_);
  clock_.Advance(std::chrono::seconds(2));
  progress.Advance(3);
  EXPECT_EQ(err_, "");
}

}  // namespace
}  // namespace tocsin::cli
