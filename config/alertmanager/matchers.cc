#include "config/alertmanager/matchers.h"

#include <algorithm>
#include <optional>
#include <string>

#include "engine/model/label_set.h"

namespace tocsin::alertmanager {
namespace {

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\n')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n')) {
    text.remove_suffix(1);
  }
  return text;
}

Error BadFormat(std::string_view text) {
  return InvalidArgument("bad matcher format: " + std::string(text) +
                         "; write it like severity=\"critical\" or team=~\"a|b\"");
}

// The text between double quotes, which must be its own.
std::optional<std::string> Unquoted(std::string_view text) {
  if (!text.starts_with('"')) {
    // A bare value may hold no quote unless it is escaped.
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        return std::nullopt;
      }
    }
    return std::string(text);
  }
  if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return std::nullopt;
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    if (text[i] == 'n') {
      value += '\n';
    } else {
      if (text[i] != '"' && text[i] != '\\') value += '\\';
      value += text[i];
    }
  }
  return value;
}

// Whether the quote at `at` ends or begins a quoted value.
bool IsEscaped(std::string_view text, size_t at) {
  size_t slashes = 0;
  while (slashes < at && text[at - slashes - 1] == '\\') ++slashes;
  return slashes % 2 == 1;
}

}  // namespace

Result<Matcher> ParseMatcher(std::string_view text) {
  const std::string_view trimmed = Trimmed(text);
  const size_t op = trimmed.find_first_of("=!");
  if (op == std::string_view::npos || op == 0) return BadFormat(text);
  const std::string_view name = Trimmed(trimmed.substr(0, op));
  const std::string_view two = trimmed.substr(op, 2);
  MatchOp kind = MatchOp::kEqual;
  size_t width = 2;
  if (two == "=~") {
    kind = MatchOp::kRegex;
  } else if (two == "!=") {
    kind = MatchOp::kNotEqual;
  } else if (two == "!~") {
    kind = MatchOp::kNotRegex;
  } else if (two.starts_with('=')) {
    width = 1;
  } else {
    return BadFormat(text);
  }
  const std::optional<std::string> value = Unquoted(Trimmed(trimmed.substr(op + width)));
  if (!value || !IsLegacyLabelName(name)) return BadFormat(text);
  return Matcher::Make(kind, name, *value);
}

Result<std::vector<Matcher>> ParseMatchers(std::string_view text) {
  std::string_view rest = Trimmed(text);
  if (rest.starts_with('{') && rest.ends_with('}')) rest = rest.substr(1, rest.size() - 2);
  std::vector<Matcher> matchers;
  bool quoted = false;
  size_t begin = 0;
  for (size_t i = 0; i <= rest.size(); ++i) {
    if (i < rest.size() && rest[i] == '"' && !IsEscaped(rest, i)) quoted = !quoted;
    if (i < rest.size() && (rest[i] != ',' || quoted)) continue;
    const std::string_view one = Trimmed(rest.substr(begin, i - begin));
    begin = i + 1;
    // A comma at the end is allowed.
    if (one.empty() && i == rest.size()) break;
    ASSIGN_OR_RETURN(Matcher matcher, ParseMatcher(one));
    matchers.push_back(std::move(matcher));
  }
  return matchers;
}

}  // namespace tocsin::alertmanager
