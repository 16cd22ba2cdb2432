// tocsin test promql: runs test scripts of PromQL.
#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/features.h"
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
};

int Run(const Arguments& arguments, CommandContext& context) {
  const Result<promql::EngineOptions> options =
      ParseFeatures(arguments.All("--enable-feature"), promqltest::ScriptEngineOptions());
  if (!options.ok()) {
    context.err("tocsin test promql: " + options.error().message + "\n");
    return kExitUsage;
  }
  size_t passed = 0;
  size_t failed = 0;
  for (const std::string& path : arguments.positional()) {
    const Result<std::string> text = context.files.Read(path);
    if (!text.ok()) {
      context.err(text.error().message + "\n");
      ++failed;
      continue;
    }
    const promqltest::ScriptReport report = promqltest::RunScript(path, *text, *options);
    for (const std::string& failure : report.failures) context.out(failure + "\n");
    passed += report.passed;
    failed += report.failed;
  }
  context.out(fmt::format("{} passed, {} failed\n", passed, failed));
  return failed == 0 ? kExitOk : kExitNo;
}

}  // namespace

const CommandSpec kTestPromqlCommand = {
    .name = "test promql",
    .summary = "Run test scripts of PromQL: load, clear, eval.",
    .positional = "FILE...",
    .flags = kFlags,
    .examples =
        "tocsin test promql rates.test\n"
        "tocsin test promql --enable-feature=type-and-unit-labels *.test",
    .run = Run,
};

}  // namespace tocsin::cli
