// Manual pages from the rows of the command table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace tocsin::cli {

// tocsin-check-rules(1), in man(7)'s macros.
std::string CommandPage(const CommandSpec& command);
// tocsin(1): all commands.
std::string ProgramPage(std::span<const CommandSpec* const> commands);
// "tocsin-check-rules.1"
std::string PageFile(const CommandSpec& command);

}  // namespace tocsin::cli
