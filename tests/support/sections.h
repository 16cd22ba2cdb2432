// Test data in one text file: sections that begin with a line "-- name --".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::testing_support {

struct Section {
  std::string name;
  std::string text;  // up to the next section, with its line ends
};

// What stands before the first section is left out.
std::vector<Section> ReadSections(std::string_view text);
// The lines without their ends; an end at the end of the text begins no further line.
std::vector<std::string> SplitLines(std::string_view text);

}  // namespace tocsin::testing_support
