// What --help prints, from the rows of the command table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace tocsin::cli {

std::string CommandHelp(const CommandSpec& command);
// Of `tocsin` itself (`group` is "") or of a group of commands: "check".
std::string GroupHelp(std::span<const CommandSpec* const> commands, std::string_view group);

// How many words stand after the command: "FILE..." is {1, kAnyNumber}.
constexpr int kAnyNumber = 1 << 20;
struct PositionalCount {
  int min = 0;
  int max = 0;
};
PositionalCount CountPositional(std::string_view positional);

}  // namespace tocsin::cli
