// The difference of two texts, line by line, as diff -u shows it:
//
//     the same
//   - only before
//   + only after
#pragma once

#include <string>
#include <string_view>

namespace tocsin::cli {

// Every line of both, the shortest way from `before` to `after`; with `colors` in red and green.
// Needs memory in proportion to the product of the numbers of lines, so texts of more than a few
// thousand lines are shown as replaced as a whole.
std::string LineDiff(std::string_view before, std::string_view after, bool colors);

}  // namespace tocsin::cli
