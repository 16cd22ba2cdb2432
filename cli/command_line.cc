#include <CLI/CLI.hpp>
#include <deque>

#include "cli/commands.h"
#include "cli/help.h"

namespace tocsin::cli {
namespace {

// One row with the places that CLI11 writes to.
struct BoundCommand {
  const CommandSpec* spec = nullptr;
  CLI::App* parser = nullptr;
  std::deque<std::vector<std::string>> values;  // one for each flag
  std::deque<bool> switches;                    // the same
  std::vector<std::string> positional;
};

void BindFlag(const FlagSpec& flag, BoundCommand& command) {
  command.values.emplace_back();
  command.switches.emplace_back(false);
  std::string names(flag.name);
  if (!flag.short_name.empty()) names += "," + std::string(flag.short_name);
  if (flag.value.empty()) {
    command.parser->add_flag(names, command.switches.back());
    return;
  }
  // Each occurrence takes exactly one word; the command looks at the last, or at all of them.
  command.parser->add_option(names, command.values.back())->type_size(1)->allow_extra_args(false);
}

// Makes the subcommands that the words of the name stand for: "check rules" is `rules` of `check`.
CLI::App* MakeParser(CLI::App& root, std::string_view name) {
  CLI::App* parent = &root;
  for (;;) {
    const size_t space = std::min(name.find(' '), name.size());
    const std::string word(name.substr(0, space));
    const std::vector<CLI::App*> known = parent->get_subcommands(
        [&word](const CLI::App* command) { return command->get_name() == word; });
    CLI::App* const child = known.empty() ? parent->add_subcommand(word) : known.front();
    child->set_help_flag("-h,--help");
    parent = child;
    if (space == name.size()) return parent;
    parent->require_subcommand(1);
    name.remove_prefix(space + 1);
  }
}

std::deque<BoundCommand> Bind(CLI::App& root) {
  std::deque<BoundCommand> commands;
  for (const CommandSpec* spec : Commands()) {
    BoundCommand& command = commands.emplace_back();
    command.spec = spec;
    command.parser = MakeParser(root, spec->name);
    for (const FlagSpec& flag : spec->flags) BindFlag(flag, command);
    if (spec->positional.empty()) continue;
    command.parser->add_option("words", command.positional)->type_size(1)->expected(0, kAnyNumber);
  }
  return commands;
}

Arguments Collect(BoundCommand& command) {
  Arguments arguments;
  for (size_t i = 0; i < command.spec->flags.size(); ++i) {
    const FlagSpec& flag = command.spec->flags[i];
    if (command.switches[i]) command.values[i] = {"true"};
    arguments.SetFallback(std::string(flag.name), std::string(flag.fallback));
    arguments.SetValues(std::string(flag.name), std::move(command.values[i]));
  }
  arguments.SetPositional(std::move(command.positional));
  return arguments;
}

// The command line as far as it was understood: "check rules".
std::string UnderstoodWords(const CLI::App& root) {
  std::string words;
  for (const CLI::App* at = &root; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    words += (words.empty() ? "" : " ") + at->get_name();
  }
  return words;
}

std::string HelpFor(const CLI::App& root) {
  const std::string words = UnderstoodWords(root);
  for (const CommandSpec* command : Commands()) {
    if (command->name == words) return CommandHelp(*command);
  }
  return GroupHelp(Commands(), words);
}

int WrongUsage(const std::string& words, const std::string& problem, CommandContext& context) {
  const std::string program = words.empty() ? "tocsin" : "tocsin " + words;
  context.err(program + ": " + problem + "\n`" + program + " --help` says what there is.\n");
  return kExitUsage;
}

std::string Unexpected(const std::vector<std::string>& words) {
  const bool flag = words.front().starts_with('-');
  return std::string("there is no ") + (flag ? "flag " : "command or argument ") + words.front();
}

int Run(BoundCommand& command, CommandContext& context) {
  const PositionalCount count = CountPositional(command.spec->positional);
  const int given = static_cast<int>(command.positional.size());
  const std::string name(command.spec->name);
  if (given < count.min) {
    return WrongUsage(name, "expected " + std::string(command.spec->positional), context);
  }
  if (given > count.max) {
    return WrongUsage(name, Unexpected({command.positional.back()}), context);
  }
  const Arguments arguments = Collect(command);
  return command.spec->run(arguments, context);
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& arguments, CommandContext& context) {
  // What stands behind "--" is no flag, whatever it looks like: an expression may begin with a sign.
  const auto verbatim = std::ranges::find(arguments, "--");
  std::vector<std::string> words(arguments.begin(), verbatim);
  if (words.size() == 1 && words[0] == "--version") words[0] = "version";
  CLI::App root("", "tocsin");
  root.set_help_flag("-h,--help");
  root.require_subcommand(1);
  std::deque<BoundCommand> commands = Bind(root);
  try {
    std::reverse(words.begin(), words.end());  // the order in which CLI11 takes them
    root.parse(words);
  } catch (const CLI::CallForHelp&) {
    context.out(HelpFor(root));
    return kExitOk;
  } catch (const CLI::RequiredError&) {
    const std::vector<std::string> unknown = root.remaining(true);
    if (!unknown.empty()) return WrongUsage(UnderstoodWords(root), Unexpected(unknown), context);
    context.err(HelpFor(root));
    return kExitUsage;
  } catch (const CLI::ExtrasError&) {
    return WrongUsage(UnderstoodWords(root), Unexpected(root.remaining(true)), context);
  } catch (const CLI::ParseError& error) {
    return WrongUsage(UnderstoodWords(root), error.what(), context);
  }
  for (BoundCommand& command : commands) {
    if (!command.parser->parsed()) continue;
    if (verbatim != arguments.end()) {
      command.positional.insert(command.positional.end(), verbatim + 1, arguments.end());
    }
    return Run(command, context);
  }
  return kExitUsage;
}

}  // namespace tocsin::cli
