#include "engine/promql/annotations.h"

#include <algorithm>

namespace tocsin::promql {

std::vector<std::string> Annotations::Render(const ByText& entries, std::string_view query) {
  std::vector<std::string> lines;
  for (const auto& [text, position] : entries) {
    const auto at = static_cast<size_t>(std::max<int32_t>(position.begin, 0));
    const std::string_view before = query.substr(0, std::min(at, query.size()));
    const auto line = std::ranges::count(before, '\n') + 1;
    const size_t newline = before.rfind('\n');
    const size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    lines.push_back(text + " (" + std::to_string(line) + ":" + std::to_string(column) + ")");
  }
  return lines;
}

std::vector<std::string> Annotations::Warnings(std::string_view query) const {
  return Render(warnings_, query);
}

std::vector<std::string> Annotations::Infos(std::string_view query) const {
  return Render(infos_, query);
}

}  // namespace tocsin::promql
