// tocsin import: a configuration for tocsin from an existing stack's prometheus.yml.
#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/stack_import.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--compose",
     .value = "FILE",
     .help = "docker-compose.yml of the stack: which services there are, and where."},
    {.name = "--output", .value = "FILE", .help = "Where the configuration goes, instead of here."},
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

int RunImport(const Arguments& arguments, CommandContext& context) {
  const Result<ImportedStack> stack = Import(arguments, context);
  if (!stack.ok()) {
    context.err("tocsin import: " + stack.error().message + "\n");
    return kExitNo;
  }
  for (const std::string& line : stack->did) context.err("done: " + line + "\n");
  for (const std::string& line : stack->left) context.err("left as it was: " + line + "\n");
  for (const std::string& line : stack->to_do) context.err("to do: " + line + "\n");
  const std::string& output = arguments.Text("--output");
  if (output.empty()) {
    context.out(stack->config);
    return kExitOk;
  }
  const Status written = context.files.WriteAtomically(output, stack->config);
  if (!written.ok()) {
    context.err("tocsin import: " + written.error().message + "\n");
    return kExitNo;
  }
  context.err("written: " + output + "\n");
  return kExitOk;
}

}  // namespace

const CommandSpec kImportCommand = {
    .name = "import",
    .summary = "Write a configuration from an existing prometheus.yml.",
    .positional = "FILE",
    .flags = kFlags,
    .examples =
        "tocsin import prometheus.yml > tocsin.yml\n"
        "tocsin import --compose=docker-compose.yml --output=tocsin.yml prometheus.yml",
    .run = &RunImport,
};

}  // namespace tocsin::cli
