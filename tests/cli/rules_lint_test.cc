// The linter on the files of tests/data/lint, where comments say what is to be found in which
// line, and on the rules that the project's user wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "cli/compose_file.h"
#include "cli/lint_schema.h"
#include "engine/promql/parser.h"
#include "rules/lint/lint.h"
#include "tests/support/memory_files.h"
#include "tests/support/shared_files.h"

namespace tocsin::cli {
namespace {

using lint::LintRequest;
using lint::LintResult;
using testing_support::ReadAll;
using testing_support::SourceFolder;

RuleDefaults AllFeatures() {
  RuleDefaults defaults;
  defaults.parser.experimental_functions = true;
  defaults.interval = std::chrono::seconds(15);
  return defaults;
}

LintRequest RequestFor(const std::string& file, const std::string& text,
                       const Config* config = nullptr) {
  LintRequest request;
  lint::ReadDocument read = lint::ReadRuleDocument(file, text, AllFeatures());
  request.documents.push_back(std::move(read.document));
  request.read_findings = std::move(read.findings);
  request.schema = CollectorSchema(config);
  lint::AddConventions(request.schema);
  request.config = config;
  request.now = *ParseRfc3339("2026-11-25T00:00:00Z");
  return request;
}

using LineChecks = std::set<std::pair<int, std::string>>;

// "# want: a/b c/d" at the end of a line.
LineChecks Wanted(const std::string& text) {
  LineChecks wanted;
  int line = 1;
  for (size_t begin = 0; begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string content = text.substr(begin, end - begin);
    begin = end + 1;
    const size_t mark = content.find("# want: ");
    if (mark == std::string::npos) continue;
    std::stringstream words(content.substr(mark + 8));
    for (std::string check; words >> check;) wanted.emplace(line, check);
  }
  return wanted;
}

class LintFilesTest : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(LintFilesTest, FindsWhatTheCommentsSay) {
  const std::string text = ReadAll(GetParam());
  LintRequest request = RequestFor(GetParam().filename(), text);
  request.settings.retention = std::chrono::hours(24 * 15);
  // Said once for a whole file, and tested by one of them.
  const bool whole = GetParam().stem() == "jobs";
  if (!whole) request.settings.disabled = {"alerts/runbook", "jobs/liveness"};
  request.settings.disabled.emplace_back("alerts/restart");
  LineChecks found;
  for (const Finding& finding : Lint(request).findings) found.emplace(finding.line, finding.check);
  EXPECT_EQ(found, Wanted(text));
}

std::vector<std::filesystem::path> Files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(SourceFolder() / "tests/data/lint")) {
    if (entry.path().extension() == ".yml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

INSTANTIATE_TEST_SUITE_P(All, LintFilesTest, testing::ValuesIn(Files()),
                         [](const auto& param) { return param.param.stem().string(); });

// --- the user's rules ------------------------------------------------------------------------

constexpr const char* kPrometheus = R"(
global: {scrape_interval: 15s, evaluation_interval: 15s}
scrape_configs:
  - job_name: ai-validation-app
    scrape_interval: 10s
    static_configs: [{targets: ['app-blue:8000', 'app-green:8000']}]
  - {job_name: nginx, static_configs: [{targets: ['nginx:9113']}]}
  - {job_name: postgres, scrape_interval: 30s, static_configs: [{targets: ['postgres:9187']}]}
  - {job_name: redis, static_configs: [{targets: ['redis-master:9121']}]}
  - {job_name: celery, static_configs: [{targets: ['celery-worker:8080']}]}
  - {job_name: node, static_configs: [{targets: ['node-exporter:9100']}]}
)";

class SeedLintTest : public testing::Test {
 protected:
  SeedLintTest() {
    testing_support::MemoryFiles files;
    const Result<Config> config = ParseConfig(
        files, [](const std::string&) { return std::nullopt; }, "prometheus.yml", kPrometheus);
    EXPECT_TRUE(config.ok()) << config.error().message;
    config_ = *config;
    LintRequest request =
        RequestFor("alert_rules.yml", ReadAll(SourceFolder() / "deploy/alert_rules.yml"), &config_);
    for (RuleGroupSpec& group : request.documents[0].groups) group.interval = Duration(15000);
    request.settings.limits = {{.metric = "process_resident_memory_bytes",
                                .labels = {{"instance", "app-green:8000"}},
                                .max = 2147483648.0,
                                .reason = "the memory limit of app-green"}};
    result_ = Lint(request);
  }

  // Whether the alert ("" for a whole file) has a finding of the check with these words in its
  // text.
  bool Finds(const std::string& alert, const std::string& check, const std::string& words) const {
    return std::ranges::any_of(result_.findings, [&](const Finding& finding) {
      const std::string text = finding.message + "\n" + finding.explanation + "\n" + finding.fix;
      return finding.check == check && text.find(words) != std::string::npos &&
             (alert.empty() || finding.message.starts_with(alert));
    });
  }

  std::string Corrected(const std::string& rule) const {
    const auto found = std::ranges::find(result_.corrected, rule, &LintResult::Corrected::rule);
    return found == result_.corrected.end() ? "" : found->expr;
  }

  Config config_;
  LintResult result_;
};

struct Defect {
  const char* alert;
  const char* check;
  const char* words;
};

// Every defect that is known of these rules.
constexpr Defect kDefects[] = {
    {"HighResponseTime", "promql/series", "is a histogram: there are no series of that name"},
    {"HighResponseTime", "promql/series", "never fires"},
    {"HighResponseTime", "promql/series", "_count[5m])) > 0.1"},
    {"HighResponseTime", "alerts/template", "$labels.endpoint is always empty"},
    {"HighResponseTime", "alerts/template", "$labels.handler"},
    {"HighResponseTime", "promql/nan", "are NaN while nothing happens"},
    {"HighResponseTime", "promql/unscoped", "without a job"},
    {"HighResponseTime", "alerts/template", "humanizeDuration"},
    {"HighMemoryUsage", "promql/unscoped", "this is every process that is scraped"},
    {"HighMemoryUsage", "promql/unscoped", "{job=\"ai-validation-app\"}"},
    {"HighMemoryUsage", "alerts/unreachable", "the memory limit of app-green"},
    {"HighMemoryUsage", "promql/trap", "not of the container or of all workers"},
    {"HighMemoryUsage", "promql/trap", "fraction of the limit"},
    {"HighMemoryUsage", "alerts/template", "these are GiB"},
    {"HighMemoryUsage", "alerts/template", "humanize1024 }}B"},
    {"HighErrorRate", "promql/self_division", "the ratio is always 1"},
    {"HighErrorRate", "alerts/granularity", "one alert for each combination of"},
    {"HighErrorRate", "promql/trap", "status_code"},
    {"HighErrorRate", "alerts/traffic_floor", "no floor on the traffic"},
    {"HighErrorRate", "alerts/scrape_gap", "resolves when"},
    {"DatabaseConnectionPoolHigh", "promql/vector_matching", "never match"},
    {"DatabaseConnectionPoolHigh", "promql/trap", "kept for superusers"},
    {"DatabaseConnectionPoolHigh", "promql/trap", "speaks of a pool"},
    {"DatabaseConnectionPoolHigh", "alerts/short_for", "rests on 4 samples"},
    {"VideoProcessingQueueBacklog", "promql/trap", "fires for ever"},
    {"VideoProcessingQueueBacklog", "promql/trap", "celery_queue_length"},
    {"VideoProcessingQueueBacklog", "promql/trap", "the text counts videos"},
    {"PerformanceRegression", "promql/rate", "increase of a gauge"},
    {"PerformanceRegression", "promql/rate", "an improvement looks like an increase"},
    {"PerformanceRegression", "promql/series", "is a histogram"},
    {"PerformanceRegression", "alerts/severity_order", "is critical from a change of 0.5"},
    {"", "jobs/liveness", "there is no up == 0, absent(up{job="},
    {"", "jobs/liveness", "Watchdog"},
    {"", "jobs/unwatched", "nginx, node, redis"},
    {"", "jobs/unwatched", "DiskFull"},
    {"", "alerts/runbook", "runbook_url or a dashboard, or says which team"},
    {"", "jobs/blue_green", "down for ever"},
    {"DatabaseConnectionPoolHigh", "alerts/identity", "which instance"},
    {"HighResponseTime", "alerts/scrape_gap", "keep_firing_for: 5m"},
    {"", "alerts/restart", "HighResponseTime, HighMemoryUsage, HighErrorRate"},
};

TEST_F(SeedLintTest, FindsEveryKnownDefect) {
  for (const Defect& defect : kDefects) {
    EXPECT_TRUE(Finds(defect.alert, defect.check, defect.words))
        << defect.alert << " " << defect.check << ": " << defect.words;
  }
}

TEST_F(SeedLintTest, EveryFindingSaysWhy) {
  for (const Finding& finding : result_.findings) {
    EXPECT_FALSE(finding.explanation.empty()) << finding.message;
    EXPECT_GT(finding.line, 0) << finding.message;
  }
}

TEST_F(SeedLintTest, CorrectionsAreExpressions) {
  for (const Finding& finding : result_.findings) {
    if (!finding.fix.starts_with("expr: ")) continue;
    const auto parsed = promql::ParseQuery(finding.fix.substr(6));
    EXPECT_TRUE(parsed.ok()) << finding.fix << ": " << parsed.error().message;
  }
}

TEST_F(SeedLintTest, CorrectedRulesAreFreeOfErrors) {
  std::string file = "groups:\n- name: corrected\n  interval: 15s\n  rules:\n";
  for (const LintResult::Corrected& rule : result_.corrected) {
    file += "  - alert: " + rule.rule + "\n    for: 5m\n    expr: |\n      " + rule.expr + "\n";
  }
  const LintResult again = Lint(RequestFor("corrected.yml", file, &config_));
  EXPECT_EQ(again.rules, 6u);
  for (const Finding& finding : again.findings) {
    EXPECT_NE(finding.severity, Severity::kError) << finding.message << "\n" << file;
  }
}

TEST_F(SeedLintTest, CorrectsTheExpressionsThatCannotWork) {
  EXPECT_EQ(Corrected("DatabaseConnectionPoolHigh"),
            "sum by (job, instance) (pg_stat_activity_count) / (pg_settings_max_connections - "
            "pg_settings_superuser_reserved_connections) > 0.8");
  EXPECT_EQ(Corrected("HighErrorRate"),
            "sum by (job) (rate(http_requests_total{job=\"ai-validation-app\",status=~\"5..\"}[5m])"
            ") / sum by (job) (rate(http_requests_total{job=\"ai-validation-app\"}[5m])) > 0.05 "
            "and on (job) sum by (job) (rate(http_requests_total[5m])) > 0.1");
  EXPECT_EQ(Corrected("VideoProcessingQueueBacklog"),
            "max by (job, instance, queue_name) (celery_queue_length) > 10");
}

TEST_F(SeedLintTest, OnlyWhatIsCertainIsSaidOfRunningRules) {
  const std::string text = ReadAll(SourceFolder() / "deploy/alert_rules.yml");
  const Result<std::vector<RuleGroupSpec>> groups = ParseRuleFile("alert_rules.yml", text);
  ASSERT_TRUE(groups.ok());
  const std::vector<lint::RuleVerdict> verdicts =
      lint::JudgeRules(*groups, CollectorSchema(&config_), config_);
  std::vector<std::string> names;
  for (const lint::RuleVerdict& verdict : verdicts) names.push_back(verdict.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("HighErrorRate", "DatabaseConnectionPoolHigh"));
}

// The rules that are given to everybody: many, and all that a rule should be.
TEST(LintDeployedRulesTest, HaveNoFindings) {
  const std::filesystem::path folder = SourceFolder() / "deploy/rules";
  LintRequest request;
  request.schema = CollectorSchema(nullptr);
  lint::AddConventions(request.schema);
  const Result<lint::LintSettings> settings =
      lint::ReadLintSettings(".tocsin-lint.yaml", ReadAll(folder / ".tocsin-lint.yaml"));
  ASSERT_TRUE(settings.ok()) << settings.error().message;
  request.settings = *settings;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".yml") || name.starts_with('.')) continue;
    lint::ReadDocument read = lint::ReadRuleDocument(name, ReadAll(entry.path()), {});
    EXPECT_TRUE(read.findings.empty()) << name;
    request.documents.push_back(std::move(read.document));
  }
  const LintResult result = Lint(request);
  EXPECT_GE(result.rules, 100u);
  for (const Finding& finding : result.findings) {
    ADD_FAILURE() << finding.file << ":" << finding.line << ": " << finding.message;
  }
}

TEST(LintDeployedRulesTest, LeadToARunbookOfTheirName) {
  size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SourceFolder() / "deploy/rules")) {
    if (entry.path().extension() != ".yml") continue;
    const Result<std::vector<RuleGroupSpec>> groups =
        ParseRuleFile(entry.path().filename(), ReadAll(entry.path()));
    if (!groups.ok()) continue;  // the linter's settings
    for (const RuleGroupSpec& group : *groups) {
      for (const RuleSpec& rule : group.rules) {
        if (!rule.alerting) continue;
        ++seen;
        const std::string path = "deploy/runbooks/" + rule.name + ".md";
        EXPECT_TRUE(std::filesystem::exists(SourceFolder() / path)) << path;
      }
    }
  }
  EXPECT_GE(seen, 100u);
}

TEST(LintComposeTest, ReadsMemoryLimits) {
  const auto services = ReadComposeFile("docker-compose.yml",
                                        "services:\n"
                                        "  app-green:\n"
                                        "    deploy: {resources: {limits: {memory: 2G}}}\n"
                                        "  redis:\n"
                                        "    mem_limit: 512m\n");
  ASSERT_TRUE(services.ok());
  EXPECT_EQ(FindService(*services, "app-green")->memory_limit_bytes, 2147483648.0);
  EXPECT_EQ(FindService(*services, "redis")->memory_limit_bytes, 536870912.0);
}

}  // namespace
}  // namespace tocsin::cli
