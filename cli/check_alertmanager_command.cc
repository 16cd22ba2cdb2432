#include <fmt/core.h>

#include "cli/alert_shapes.h"
#include "cli/commands.h"
#include "cli/findings_report.h"
#include "config/alertmanager/checks.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {kRulesFileFlag, kLintFatalFlag, kReportFormatFlag};

void CheckTemplates(const alertmanager::Configuration& configuration, CommandContext& context,
                    FindingsReport& report) {
  for (const std::string& pattern : configuration.templates) {
    if (!context.files.Glob(ResolvePath(configuration.path, pattern)).empty()) continue;
    report.Add(Finding{.severity = Severity::kWarning,
                       .check = "alertmanager/templates",
                       .file = configuration.path,
                       .line = configuration.templates_place.line,
                       .column = configuration.templates_place.column,
                       .message = fmt::format("no file matches \"{}\" here", pattern),
                       .explanation = "Alertmanager starts without a word, and without templates",
                       .fix = {}});
  }
}

void CheckFile(const std::string& path, const std::vector<alertmanager::AlertShape>& alerts,
               CommandContext& context, FindingsReport& report) {
  report.Say("Checking '" + path + "'\n");
  const Result<std::string> text = context.files.Read(path);
  if (!text.ok()) {
    report.Add(FindingsOf(text.error(), path, "alertmanager/syntax"));
    return report.Say("  FAILED\n\n");
  }
  alertmanager::ReadConfiguration read = alertmanager::ParseConfiguration(path, *text);
  const bool ok = read.ok();
  report.Add(std::move(read.findings));
  // The tree of routes is there even when a receiver has a mistake.
  if (!read.configuration.root.receiver.empty()) {
    report.Add(alertmanager::CheckConfiguration(read.configuration, alerts));
    CheckTemplates(read.configuration, context, report);
  }
  if (!ok) return report.Say("  FAILED\n\n");
  report.Say(fmt::format("  SUCCESS: {} inhibit rules, {} receivers, {} templates\n\n",
                         read.configuration.inhibit_rules.size(),
                         read.configuration.receivers.size(), read.configuration.templates.size()));
}

int RunCheckAlertmanager(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("check alertmanager", arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<std::vector<alertmanager::AlertShape>> alerts =
      ReadAlertShapes(context.files, arguments.All("--rules"));
  if (!alerts.ok()) {
    context.err("tocsin check alertmanager: " + alerts.error().message + "\n");
    return kExitNo;
  }
  for (const std::string& path : arguments.positional()) {
    CheckFile(path, *alerts, context, *report);
  }
  return report->Finish(LintOf(arguments));
}

}  // namespace

const CommandSpec kCheckAlertmanagerCommand = {
    .name = "check alertmanager",
    .summary = "Check Alertmanager's configuration, beside the rules it hears of.",
    .positional = "FILE...",
    .flags = kFlags,
    .examples =
        "tocsin check alertmanager alertmanager.yml\n"
        "tocsin check alertmanager --rules=alert_rules.yml --lint-fatal alertmanager.yml",
    .run = &RunCheckAlertmanager,
};

}  // namespace tocsin::cli
