#include <fmt/core.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/man_page.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--install",
     .value = "FOLDER",
     .help = "Write all pages into FOLDER/man1, for example ~/.local/share/man."},
};

int Install(const std::string& folder, CommandContext& context) {
  const auto write = [&](const std::string& name, const std::string& page) {
    const Status status = context.files.WriteAtomically(folder + "/man1/" + name, page);
    if (!status.ok()) context.err("tocsin man: " + status.error().message + "\n");
    return status.ok();
  };
  if (!write("tocsin.1", ProgramPage(Commands()))) return kExitNo;
  for (const CommandSpec* command : Commands()) {
    if (!write(PageFile(*command), CommandPage(*command))) return kExitNo;
  }
  context.out(fmt::format("{} pages written to {}/man1\n", Commands().size() + 1, folder));
  return kExitOk;
}

int RunMan(const Arguments& arguments, CommandContext& context) {
  if (arguments.Given("--install")) return Install(arguments.Text("--install"), context);
  std::string name;
  for (const std::string& word : arguments.positional()) name += (name.empty() ? "" : " ") + word;
  if (name.empty()) {
    context.out(ProgramPage(Commands()));
    return kExitOk;
  }
  const auto commands = Commands();
  const auto found =
      std::ranges::find(commands, name, [](const CommandSpec* command) { return command->name; });
  if (found == commands.end()) {
    context.err("tocsin man: there is no command \"" + name + "\"\n");
    return kExitUsage;
  }
  context.out(CommandPage(**found));
  return kExitOk;
}

}  // namespace

const CommandSpec kManCommand = {
    .name = "man",
    .summary = "Print the manual page of a command, or install all pages.",
    .positional = "[COMMAND]...",
    .flags = kFlags,
    .examples =
        "tocsin man check rules | man -l -\n"
        "tocsin man --install=$HOME/.local/share/man",
    .run = &RunMan,
};

}  // namespace tocsin::cli
