#include "rules/expression_place.h"

#include <algorithm>

namespace tocsin {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool IsSpace(char c) { return kSpace.find(c) != std::string_view::npos; }

size_t OffsetOf(std::string_view text, TextPlace place) {
  size_t at = 0;
  for (int line = 1; line < place.line; ++line) {
    const size_t newline = text.find('\n', at);
    if (newline == std::string_view::npos) return text.size();
    at = newline + 1;
  }
  return std::min(at + static_cast<size_t>(std::max(place.column, 1) - 1), text.size());
}

TextPlace PlaceOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? offset : offset - newline - 1;
  return {static_cast<int>(std::ranges::count(before, '\n')) + 1, static_cast<int>(column) + 1};
}

size_t SkipSpace(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(kSpace, at), text.size());
}

}  // namespace

TextPlace PlaceInYaml(std::string_view yaml, TextPlace node, std::string_view before) {
  size_t at = OffsetOf(yaml, node);
  if (at < yaml.size() && (yaml[at] == '|' || yaml[at] == '>')) {
    at = std::min(yaml.find('\n', at), yaml.size());
    at = SkipSpace(yaml, at);
  } else if (at < yaml.size() && (yaml[at] == '"' || yaml[at] == '\'')) {
    ++at;
  }
  for (const char c : before) {
    if (IsSpace(c)) continue;
    const size_t found = yaml.find(c, at);
    if (found == std::string_view::npos) break;
    at = found + 1;
  }
  const bool ends_in_space = before.empty() || IsSpace(before.back());
  return PlaceOf(yaml, ends_in_space ? SkipSpace(yaml, at) : at);
}

}  // namespace tocsin
