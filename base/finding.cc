#include "base/finding.h"

#include <charconv>
#include <optional>

namespace tocsin {
namespace {

// Takes "12:" from the front of `text`.
std::optional<int> TakeNumber(std::string_view& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ':') return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return number;
}

std::string_view WithoutLeadingSpaces(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

Finding FindingOf(std::string_view line, std::string_view file, std::string_view check) {
  Finding finding;
  finding.check = check;
  finding.file = file;
  if (line.starts_with(file) && line.substr(file.size()).starts_with(':')) {
    line.remove_prefix(file.size() + 1);
    if (const std::optional<int> number = TakeNumber(line)) {
      finding.line = *number;
      finding.column = TakeNumber(line).value_or(0);
    }
    line = WithoutLeadingSpaces(line);
  }
  finding.message = line;
  return finding;
}

}  // namespace

std::vector<Finding> FindingsOf(const Error& error, std::string_view file, std::string_view check) {
  std::vector<Finding> findings;
  std::string_view rest = error.message;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    findings.push_back(FindingOf(rest.substr(0, end), file, check));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return findings;
}

}  // namespace tocsin
