#include "tests/support/sections.h"

#include <algorithm>

namespace tocsin::testing_support {

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::vector<Section> ReadSections(std::string_view text) {
  std::vector<Section> sections;
  for (const std::string& line : SplitLines(text)) {
    if (line.size() > 6 && line.starts_with("-- ") && line.ends_with(" --")) {
      sections.push_back({.name = line.substr(3, line.size() - 6), .text = ""});
    } else if (!sections.empty()) {
      sections.back().text += line + "\n";
    }
  }
  return sections;
}

}  // namespace tocsin::testing_support
