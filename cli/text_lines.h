// Files that are changed line by line, so that what nobody asked to change stays as it was written.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace tocsin::cli {

// Without their ends; an end at the end of the text begins no further line.
inline std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// npos for a line of spaces.
inline size_t IndentOf(const std::string& line) { return line.find_first_not_of(' '); }

}  // namespace tocsin::cli
