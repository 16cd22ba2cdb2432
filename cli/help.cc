#include "cli/help.h"

#include <fmt/core.h>

#include <algorithm>

namespace tocsin::cli {
namespace {

constexpr size_t kWidth = 100;
constexpr size_t kFlagColumn = 34;

// Breaks `text` at spaces so that no line is longer than kWidth; all lines begin at `indent`, the
// first of which stands there already.
std::string Wrap(std::string_view text, size_t indent) {
  std::string wrapped;
  size_t column = indent;
  while (!text.empty()) {
    const size_t space = std::min(text.find(' '), text.size());
    if (column > indent && column + 1 + space > kWidth) {
      wrapped += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      wrapped += ' ';
      ++column;
    }
    wrapped += text.substr(0, space);
    column += space;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return wrapped;
}

std::string FlagLine(const FlagSpec& flag) {
  std::string left = "  ";
  if (!flag.short_name.empty()) left += std::string(flag.short_name) + ", ";
  left += flag.name;
  if (!flag.value.empty()) left += "=" + std::string(flag.value);
  left += left.size() + 2 > kFlagColumn ? "\n" + std::string(kFlagColumn, ' ')
                                        : std::string(kFlagColumn - left.size(), ' ');
  std::string help(flag.help);
  if (flag.repeated) help += " Repeatable.";
  if (!flag.fallback.empty()) help += fmt::format(" (default: {})", flag.fallback);
  return left + Wrap(help, kFlagColumn) + "\n";
}

std::string Indented(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    out += "  " + std::string(lines.substr(0, end)) + "\n";
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

}  // namespace

std::string CommandHelp(const CommandSpec& command) {
  std::string text = fmt::format("{}\n\nusage: tocsin {}", command.summary, command.name);
  if (!command.flags.empty()) text += " [FLAGS]";
  if (!command.positional.empty()) text += " " + std::string(command.positional);
  text += "\n\nflags:\n";
  for (const FlagSpec& flag : command.flags) text += FlagLine(flag);
  text += FlagLine({.name = "-h, --help", .help = "Print this text."});
  if (!command.examples.empty()) text += "\nexamples:\n" + Indented(command.examples);
  return text;
}

std::string GroupHelp(std::span<const CommandSpec* const> commands, std::string_view group) {
  std::string text;
  if (group.empty()) {
    text =
        "Collects, stores and judges what a small production stack shows, and tells "
        "Alertmanager.\n\nusage: tocsin COMMAND [FLAGS] [ARGUMENTS]\n";
  } else {
    text = fmt::format("usage: tocsin {} COMMAND [FLAGS] [ARGUMENTS]\n", group);
  }
  text += "\ncommands:\n";
  const std::string prefix = group.empty() ? "" : std::string(group) + " ";
  for (const CommandSpec* command : commands) {
    if (!command->name.starts_with(prefix)) continue;
    text += fmt::format("  {:<23}  {}\n", command->name, Wrap(command->summary, 27));
  }
  text += group.empty() ? "\n`tocsin COMMAND --help` says more and has examples.\n"
                        : fmt::format("\n`tocsin {} COMMAND --help` says more.\n", group);
  return text;
}

PositionalCount CountPositional(std::string_view positional) {
  PositionalCount count;
  while (!positional.empty()) {
    const size_t space = std::min(positional.find(' '), positional.size());
    const std::string_view word = positional.substr(0, space);
    if (!word.starts_with('[')) ++count.min;
    count.max = word.ends_with("...") ? kAnyNumber : count.max + 1;
    positional.remove_prefix(std::min(space + 1, positional.size()));
  }
  return count;
}

}  // namespace tocsin::cli
