// tocsin test rules: promtool's unit tests of rules, and more.
#include <fmt/core.h>

#include <algorithm>
#include <latch>
#include <thread>

#include "base/executor.h"
#include "base/json.h"
#include "base/regex.h"
#include "cli/commands.h"
#include "cli/features.h"
#include "cli/findings_report.h"
#include "cli/junit.h"
#include "cli/line_diff.h"
#include "cli/progress.h"
#include "cli/rule_file_check.h"
#include "rules/unit_test/unit_test_runner.h"

namespace tocsin::cli {
namespace {

using unit_test::Coverage;
using unit_test::Failure;
using unit_test::FileOutcome;
using unit_test::TestOutcome;

constexpr FlagSpec kFlags[] = {
    {.name = "--run",
     .value = "REGEX",
     .help = "Run only the tests whose name matches one of these.",
     .repeated = true},
    {.name = "--diff", .help = "Show what differs line by line."},
    {.name = "--debug", .help = "Print all series of each test, those of the rules included."},
    {.name = "--junit", .value = "FILE", .help = "Write the results there as JUnit XML."},
    {.name = "--coverage", .help = "Say which rules no test looks at."},
    {.name = "--coverage.min",
     .value = "PERCENT",
     .fallback = "0",
     .help = "With --coverage: fail when fewer rules are covered."},
    kIgnoreUnknownFieldsFlag,
    kEnableFeatureFlag,
    kReportFormatFlag,
};

struct TestRules {
  unit_test::RunOptions run;
  std::vector<Regex> names;  // none: all tests
  int64_t min_coverage = 0;
  bool diff = false;
  bool coverage = false;

  bool Selects(const std::string& name) const {
    return names.empty() ||
           std::ranges::any_of(names, [&](const Regex& regex) { return regex.Matches(name); });
  }
};

Result<TestRules> OptionsOf(const Arguments& arguments) {
  TestRules options;
  ASSIGN_OR_RETURN(options.run.engine, ParseFeatures(arguments.All("--enable-feature")));
  options.run.ignore_unknown_fields = arguments.Switch("--ignore-unknown-fields");
  options.run.debug = arguments.Switch("--debug");
  options.diff = arguments.Switch("--diff");
  options.coverage = arguments.Switch("--coverage");
  ASSIGN_OR_RETURN(options.min_coverage, arguments.IntegerOf("--coverage.min"));
  for (const std::string& pattern : arguments.All("--run")) {
    Result<Regex> regex = Regex::Compile(pattern);
    if (!regex.ok()) return Prefixed("--run: ", regex.error());
    options.names.push_back(*std::move(regex));
  }
  return options;
}

// The files side by side; the outcomes in the order of the files.
std::vector<FileOutcome> RunAll(const std::vector<std::string>& paths, const TestRules& options,
                                CommandContext& context) {
  std::vector<FileOutcome> outcomes(paths.size());
  Progress progress("testing", paths.size(), context);
  std::latch done(static_cast<std::ptrdiff_t>(paths.size()));
  const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, paths.size());
  ThreadPool pool("unit-test", threads);
  for (size_t i = 0; i < paths.size(); ++i) {
    pool.Post([&, i] {
      outcomes[i] = unit_test::RunUnitTestFile(
          context.files, paths[i], options.run,
          [&](const std::string& name) { return options.Selects(name); });
      progress.Advance();
      done.count_down();
    });
  }
  done.wait();
  return outcomes;
}

// --- what is said -----------------------------------------------------------------------------

std::string Indented(std::string_view text) {
  std::string out = "        ";
  for (const char c : text) out += c == '\n' ? std::string("\n        ") : std::string(1, c);
  return out;
}

std::string FailureText(const Failure& failure, const std::string& path, const TestRules& options,
                        bool colors) {
  std::string text = failure.text;
  if (options.diff && failure.mismatch) {
    text = text.substr(0, text.find("\n        exp:"));
    text += "\n        diff (- expected, + got):\n";
    std::string diff = LineDiff(failure.mismatch->expected, failure.mismatch->got, colors);
    diff.pop_back();
    text += Indented(diff);
  }
  if (failure.place.line > 0) {
    text += fmt::format("\n        at {}:{}:{}", path, failure.place.line, failure.place.column);
  }
  return text + "\n";
}

// "    name: t,\n    alertname: …, time: 5m, \n  exp: …" in one line.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n';
    if (!space || (!line.empty() && line.back() != ' ')) line += space ? ' ' : c;
  }
  return line;
}

void ReportFailure(const FileOutcome& outcome, const TestOutcome& test, const Failure& failure,
                   std::string_view words, FindingsReport& report) {
  Finding finding{.check = "test/rules", .file = outcome.path};
  if (failure.place.line == 0) {
    // A broken rule file names its own place.
    const size_t colon = std::min(failure.text.find(':'), failure.text.size());
    finding = FindingsOf(InvalidArgument(failure.text), failure.text.substr(0, colon), "test/rules")
                  .front();
  } else {
    finding.line = failure.place.line;
    finding.column = failure.place.column;
    finding.message = fmt::format("test \"{}\": {}", test.name, OneLine(failure.text));
  }
  report.AddAs(std::move(finding), words);
}

void ReportTests(const FileOutcome& outcome, const TestRules& options, CommandContext& context,
                 FindingsReport& report) {
  std::string lead = "  FAILED:\n";
  for (const TestOutcome& test : outcome.tests) {
    for (const Failure& failure : test.failures) {
      const std::string words = lead + FailureText(failure, outcome.path, options, context.colors);
      lead.clear();
      ReportFailure(outcome, test, failure, words, report);
      report.Say("\n");
    }
  }
  if (lead.empty()) return;
  report.Say("  SUCCESS\n");
}

void ReportFile(const FileOutcome& outcome, const TestRules& options, CommandContext& context,
                FindingsReport& report) {
  report.Say("Unit Testing:  " + outcome.path + "\n");
  for (const std::string& pattern : outcome.warnings) {
    report.AddAs({.severity = Severity::kWarning,
                  .check = "test/rule_files",
                  .file = outcome.path,
                  .message = "no file matches " + pattern},
                 "  WARNING: no file match pattern " + pattern + "\n");
  }
  for (const TestOutcome& test : outcome.tests) {
    if (!options.run.debug) break;
    report.Say(fmt::format("DEBUG: Test {}: {} evaluations of groups; all series at its end:\n{}",
                           test.name, test.evaluations, test.debug));
  }
  if (outcome.error) {
    std::string words = "  FAILED:\n" + outcome.error->message + "\n";
    for (Finding& finding : FindingsOf(*outcome.error, outcome.path, "test/syntax")) {
      report.AddAs(std::move(finding), std::exchange(words, ""));
    }
    report.Say("\n\n");
    return;
  }
  ReportTests(outcome, options, context, report);
  report.Say("\n");
}

// --- coverage ---------------------------------------------------------------------------------

std::string WhatIsMissing(const unit_test::RuleCoverage& rule) {
  if (!rule.alerting) {
    return rule.results == 0 ? "it never gives a sample" : "no check reads what it records";
  }
  if (!rule.expected_to_fire && !rule.expected_silent) return "no alert_rule_test names it";
  return rule.expected_to_fire ? "no check says when it must not fire"
                               : "no check expects it to fire";
}

void ReportCoverage(const Coverage& coverage, const TestRules& options, FindingsReport& report) {
  const size_t all = coverage.rules().size();
  const size_t covered = coverage.covered();
  const size_t percent = all == 0 ? 100 : covered * 100 / all;
  const bool enough = percent >= static_cast<size_t>(options.min_coverage);
  report.Say(fmt::format("Coverage: {} of {} rules ({} %)\n", covered, all, percent));
  JsonWriter json;
  json.BeginObject().Field("rules", static_cast<uint64_t>(all));
  json.Field("covered", static_cast<uint64_t>(covered)).EndObject();
  report.AddMember("coverage", json.Take());
  for (const auto& [key, rule] : coverage.rules()) {
    if (rule.covered()) continue;
    report.Say(fmt::format("  {}:{}: {}: {}\n", key.file, key.line, key.name, WhatIsMissing(rule)));
    report.AddAs({.severity = enough ? Severity::kNote : Severity::kError,
                  .check = "test/coverage",
                  .file = key.file,
                  .line = key.line,
                  .message = key.name + ": " + WhatIsMissing(rule)},
                 "");
  }
  if (!enough) {
    report.AddAs({.check = "test/coverage",
                  .message = fmt::format("{} % of the rules are covered, {} % are wanted", percent,
                                         options.min_coverage)},
                 fmt::format("  FAILED: {} % of the rules are covered, {} % are wanted\n", percent,
                             options.min_coverage));
  }
}

Status WriteJunit(const std::string& path, const std::vector<FileOutcome>& outcomes,
                  CommandContext& context) {
  std::vector<JunitSuite> suites;
  for (const FileOutcome& outcome : outcomes) {
    JunitSuite& suite =
        suites.emplace_back(JunitSuite{.name = outcome.path, .cases = {}, .errors = {}});
    if (outcome.error) suite.errors.push_back(outcome.error->message);
    for (const TestOutcome& test : outcome.tests) {
      JunitCase& one = suite.cases.emplace_back(JunitCase{.name = test.name, .failures = {}});
      for (const Failure& failure : test.failures) one.failures.push_back(failure.text);
    }
  }
  return context.files.WriteAtomically(path, RenderJunit(suites));
}

int RunTestRules(const Arguments& arguments, CommandContext& context) {
  const Result<TestRules> options = OptionsOf(arguments);
  if (!options.ok()) {
    context.err("tocsin test rules: " + options.error().message + "\n");
    return kExitUsage;
  }
  Result<FindingsReport> report = OpenReport("test rules", arguments, context);
  if (!report.ok()) return kExitUsage;
  const std::vector<FileOutcome> outcomes = RunAll(arguments.positional(), *options, context);
  Coverage coverage;
  for (const FileOutcome& outcome : outcomes) {
    ReportFile(outcome, *options, context, *report);
    coverage.Merge(outcome.coverage);
  }
  if (options->coverage) {
    coverage.FollowReads();
    ReportCoverage(coverage, *options, *report);
  }
  if (arguments.Given("--junit")) {
    const Status written = WriteJunit(arguments.Text("--junit"), outcomes, context);
    if (!written.ok()) {
      context.err("tocsin test rules: --junit: " + written.error().message + "\n");
      return kExitNo;
    }
  }
  return report->Finish();
}

}  // namespace

const CommandSpec kTestRulesCommand = {
    .name = "test rules",
    .summary = "Run unit tests of rules: promtool's files, unchanged.",
    .positional = "FILE...",
    .flags = kFlags,
    .examples =
        "tocsin test rules tests/*.yml\n"
        "tocsin test rules --run='^disk' --diff tests/disk.yml\n"
        "tocsin test rules --coverage --coverage.min=80 --junit=results.xml tests/*.yml",
    .run = &RunTestRules,
};

}  // namespace tocsin::cli
