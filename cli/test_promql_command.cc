// tocsin test promql: runs test scripts of PromQL.
#include <fmt/core.h>

#include "cli/commands.h"
#include "engine/promqltest/script_runner.h"

namespace tocsin::cli {
namespace {

int Run(const Arguments& arguments, CommandContext& context) {
  size_t passed = 0;
  size_t failed = 0;
  for (const std::string& path : arguments.positional()) {
    const Result<std::string> text = context.files.Read(path);
    if (!text.ok()) {
      context.err(text.error().message + "\n");
      ++failed;
      continue;
    }
    const promqltest::ScriptReport report =
        promqltest::RunScript(path, *text, promqltest::ScriptEngineOptions());
    for (const std::string& failure : report.failures) context.out(failure + "\n");
    passed += report.passed;
    failed += report.failed;
  }
  context.out(fmt::format("{} passed, {} failed\n", passed, failed));
  return failed == 0 ? 0 : 1;
}

}  // namespace

const CommandSpec kTestPromqlCommand = {
    .name = "test promql",
    .summary = "Run test scripts of PromQL: load, clear, eval.",
    .positional = "FILE...",
    .examples = "  tocsin test promql rates.test\n",
    .run = Run,
};

}  // namespace tocsin::cli
