// tocsin import: a configuration for tocsin from an existing stack's prometheus.yml.
#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/stack_import.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--compose",
     .value = "FILE",
     .help = "docker-compose.yml of the stack: which services there are, and where."},
    {.name = "--output", .value = "FILE", .help = "Where the configuration goes, instead of here."},
    kReportFormatFlag,
};

Result<ImportedStack> Import(const Arguments& arguments, const CommandContext& context) {
  ImportSource source{.path = arguments.positional().front()};
  ASSIGN_OR_RETURN(source.text, context.files.Read(source.path));
  if (arguments.Given("--compose")) {
    const std::string& path = arguments.Text("--compose");
    ASSIGN_OR_RETURN(const std::string text, context.files.Read(path));
    ASSIGN_OR_RETURN(source.services, ReadComposeFile(path, text));
    source.compose_path = path;
  }
  return ImportStack(source, context.files);
}

struct Remarks {
  std::vector<std::string> ImportedStack::*lines;
  std::string_view head;
  std::string_view check;
  Severity severity;
};
constexpr Remarks kRemarks[] = {
    {&ImportedStack::did, "done", "import/done", Severity::kNote},
    {&ImportedStack::left, "left as it was", "import/left", Severity::kNote},
    {&ImportedStack::to_do, "to do", "import/to_do", Severity::kWarning},
};

void Report(const ImportedStack& stack, const std::string& path, FindingsReport& report) {
  for (const Remarks& remarks : kRemarks) {
    for (const std::string& line : stack.*remarks.lines) {
      report.AddAs({.severity = remarks.severity,
                    .check = std::string(remarks.check),
                    .file = path,
                    .message = line},
                   fmt::format("{}: {}\n", remarks.head, line));
    }
  }
}

int RunImport(const Arguments& arguments, CommandContext& context) {
  const auto fail = [&](std::string_view why, int code) {
    context.err(fmt::format("tocsin import: {}\n", why));
    return code;
  };
  Result<FindingsReport> report = OpenReport("import", arguments, context);
  if (!report.ok()) return kExitUsage;
  const std::string& output = arguments.Text("--output");
  if (output.empty() && !report->is_text()) {
    return fail("the configuration would stand among the findings; say --output=FILE", kExitUsage);
  }
  const Result<ImportedStack> stack = Import(arguments, context);
  if (!stack.ok()) return fail(stack.error().message, kExitNo);
  Report(*stack, arguments.positional().front(), *report);
  if (output.empty()) {
    context.out(stack->config);
    return kExitOk;
  }
  const Status written = context.files.WriteAtomically(output, stack->config);
  if (!written.ok()) return fail(written.error().message, kExitNo);
  if (report->is_text()) context.err("written: " + output + "\n");
  return report->Finish();
}

}  // namespace

const CommandSpec kImportCommand = {
    .name = "import",
    .summary = "Write a configuration from an existing prometheus.yml.",
    .positional = "FILE",
    .flags = kFlags,
    .examples =
        "tocsin import prometheus.yml > tocsin.yml\n"
        "tocsin import --compose=docker-compose.yml --output=tocsin.yml prometheus.yml\n"
        "tocsin import --output=tocsin.yml --format=json prometheus.yml > what_remains.json",
    .run = &RunImport,
};

}  // namespace tocsin::cli
