// Colours, where the reader wants them.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace tocsin::cli {

enum class Color { kRed, kGreen, kYellow, kBold, kDim };

// The text in that colour, or as it is when `colors` is off.
std::string Colored(std::string_view text, Color color, bool colors);

// Whether file descriptor `fd` is a terminal that can move its cursor.
bool IsTerminal(int fd, const Environment& environment);
// Whether file descriptor `fd` is a terminal and neither NO_COLOR (no-color.org) nor TERM=dumb
// speaks against colours.
bool WantsColors(int fd, const Environment& environment);

}  // namespace tocsin::cli
