#include "cli/terminal.h"

#include <fmt/core.h>
#include <unistd.h>

namespace tocsin::cli {
namespace {

std::string_view Code(Color color) {
  switch (color) {
    case Color::kRed:
      return "1;31";
    case Color::kGreen:
      return "32";
    case Color::kYellow:
      return "33";
    case Color::kBold:
      return "1";
    case Color::kDim:
      return "2";
  }
  return "0";
}

}  // namespace

std::string Colored(std::string_view text, Color color, bool colors) {
  if (!colors) return std::string(text);
  return fmt::format("\033[{}m{}\033[0m", Code(color), text);
}

bool IsTerminal(int fd, const Environment& environment) {
  return ::isatty(fd) != 0 && environment("TERM") != std::optional<std::string>("dumb");
}

bool WantsColors(int fd, const Environment& environment) {
  const std::optional<std::string> no_color = environment("NO_COLOR");
  if (no_color && !no_color->empty()) return false;
  return IsTerminal(fd, environment);
}

}  // namespace tocsin::cli
