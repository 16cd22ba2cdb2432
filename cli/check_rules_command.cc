#include "cli/commands.h"
#include "cli/features.h"
#include "cli/findings_report.h"
#include "cli/rule_file_check.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    kLintFlag,
    kLintFatalFlag,
    kIgnoreUnknownFieldsFlag,
    {.name = "--strict-prometheus", .help = "Refuse fields that Prometheus does not know."},
    kEnableFeatureFlag,
    kReportFormatFlag,
};

Result<RuleFileCheck> OptionsOf(const Arguments& arguments) {
  RuleFileCheck options;
  ASSIGN_OR_RETURN(const promql::EngineOptions engine,
                   ParseFeatures(arguments.All("--enable-feature")));
  options.parser = engine.parser;
  ASSIGN_OR_RETURN(options.lint, ParseLint(arguments.Text("--lint")));
  options.ignore_unknown_fields = arguments.Switch("--ignore-unknown-fields");
  options.extension_fields = !arguments.Switch("--strict-prometheus");
  return options;
}

int RunCheckRules(const Arguments& arguments, CommandContext& context) {
  const Result<RuleFileCheck> options = OptionsOf(arguments);
  if (!options.ok()) {
    context.err("tocsin check rules: " + options.error().message + "\n");
    return kExitUsage;
  }
  Result<FindingsReport> report = OpenReport("check rules", arguments, context);
  if (!report.ok()) return kExitUsage;
  std::vector<std::string> paths = arguments.positional();
  if (paths.empty()) paths.emplace_back("-");
  for (const std::string& path : paths) CheckRuleFile(path, *options, context, *report);
  return report->Finish(LintOf(arguments));
}

}  // namespace

const CommandSpec kCheckRulesCommand = {
    .name = "check rules",
    .summary = "Check rule files, or standard input.",
    .positional = "[FILE]...",
    .flags = kFlags,
    .examples =
        "tocsin check rules alert_rules.yml\n"
        "tocsin check rules --lint-fatal rules/*.yml\n"
        "tocsin check rules --strict-prometheus rules/*.yml\n"
        "tocsin check rules --format=github rules/*.yml\n"
        "generate-rules | tocsin check rules",
    .run = &RunCheckRules,
};

}  // namespace tocsin::cli
