#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/metrics_lint.h"
#include "cli/rule_file_check.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--extended", .help = "Print how many series each metric has."},
    {.name = "--lint",
     .value = "all|none",
     .fallback = "all",
     .help = "Whether names, units and help texts are looked at."},
    kReportFormatFlag,
};

int RunCheckMetrics(const Arguments& arguments, CommandContext& context) {
  const std::string& lint = arguments.Text("--lint");
  if (lint != "all" && lint != "none") {
    context.err("tocsin check metrics: --lint: \"" + lint + "\" is not one of all, none\n");
    return kExitUsage;
  }
  Result<FindingsReport> report = OpenReport("check metrics", arguments, context);
  if (!report.ok()) return kExitUsage;
  const bool from_input = arguments.positional().empty();
  const std::string name = from_input ? "standard input" : arguments.positional().front();
  const Result<std::string> page =
      context.files.Read(from_input ? std::string(kStandardInput) : name);
  const auto families = page.ok() ? ReadFamilies(*page) : page.error();
  if (!families.ok()) {
    std::string words = "error while linting: " + families.error().message + "\n";
    for (Finding& finding : FindingsOf(families.error(), name, "metrics/syntax")) {
      report->AddAs(std::move(finding), std::exchange(words, ""));
    }
    return report->Finish();
  }
  if (lint == "all") {
    for (Finding& finding : LintMetrics(*families, name)) {
      const std::string words = PromlintLine(finding);
      report->AddAs(std::move(finding), words);
    }
  }
  if (arguments.Switch("--extended")) report->Say(CardinalityTable(*families));
  return report->Finish(FindingsReport::Lint::kFatal);
}

}  // namespace

const CommandSpec kCheckMetricsCommand = {
    .name = "check metrics",
    .summary = "Check a page of metrics, or standard input; exit code 3 for lint.",
    .positional = "[FILE]",
    .flags = kFlags,
    .examples =
        "curl -s http://127.0.0.1:9977/metrics | tocsin check metrics\n"
        "tocsin check metrics --extended page.prom",
    .run = &RunCheckMetrics,
};

}  // namespace tocsin::cli
