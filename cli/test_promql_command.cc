// tocsin test promql: runs test scripts of PromQL.
#include <fmt/core.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/features.h"
#include "cli/findings_report.h"
#include "engine/promqltest/script_runner.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--enable-feature",
     .value = "NAME",
     .help =
         "Switch on what Prometheus hides behind this name, beside what scripts have on anyway: "
         "experimental functions, extended ranges, fill modifiers, delayed name removal, start "
         "timestamps. Several by commas.",
     .repeated = true},
    kReportFormatFlag,
};

int Run(const Arguments& arguments, CommandContext& context) {
  const Result<promql::EngineOptions> options =
      ParseFeatures(arguments.All("--enable-feature"), promqltest::ScriptEngineOptions());
  if (!options.ok()) {
    context.err("tocsin test promql: " + options.error().message + "\n");
    return kExitUsage;
  }
  Result<FindingsReport> report = OpenReport("test promql", arguments, context);
  if (!report.ok()) return kExitUsage;
  const auto fail = [&](std::string_view message, std::string_view path) {
    for (Finding& finding :
         FindingsOf(InvalidArgument(std::string(message)), path, "test/promql")) {
      report->AddAs(std::move(finding), "");
    }
  };
  size_t passed = 0;
  size_t failed = 0;
  for (const std::string& path : arguments.positional()) {
    const Result<std::string> text = context.files.Read(path);
    if (!text.ok()) {
      if (report->is_text()) context.err(text.error().message + "\n");
      fail(text.error().message, path);
      ++failed;
      continue;
    }
    const promqltest::ScriptReport script = promqltest::RunScript(path, *text, *options);
    for (const std::string& failure : script.failures) {
      report->Say(failure + "\n");
      fail(failure, path);
    }
    passed += script.passed;
    failed += script.failed;
  }
  report->AddMember("passed", std::to_string(passed));
  report->AddMember("failed", std::to_string(failed));
  report->Say(fmt::format("{} passed, {} failed\n", passed, failed));
  return report->Finish();
}

}  // namespace

const CommandSpec kTestPromqlCommand = {
    .name = "test promql",
    .summary = "Run test scripts of PromQL: load, clear, eval.",
    .positional = "FILE...",
    .flags = kFlags,
    .examples =
        "tocsin test promql rates.test\n"
        "tocsin test promql --enable-feature=type-and-unit-labels *.test\n"
        "tocsin test promql --format=github *.test",
    .run = Run,
};

}  // namespace tocsin::cli
