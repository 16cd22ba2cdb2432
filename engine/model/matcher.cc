#include "engine/model/matcher.h"

#include <algorithm>

#include "engine/model/label_set.h"

namespace tocsin {
namespace {

constexpr std::string_view kMeta = "\\.+*?()|[]{}^$";

// "a|b|c" without any other metacharacter: the literals; empty otherwise.
std::vector<std::string> LiteralAlternatives(std::string_view pattern) {
  std::vector<std::string> out;
  while (true) {
    const size_t bar = pattern.find('|');
    const std::string_view part = pattern.substr(0, bar);
    if (part.find_first_of(kMeta) != std::string_view::npos) return {};
    out.emplace_back(part);
    if (bar == std::string_view::npos) break;
    pattern.remove_prefix(bar + 1);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string LiteralPrefix(std::string_view pattern) {
  if (pattern.find('|') != std::string_view::npos) return {};
  size_t length = std::min(pattern.find_first_of(kMeta), pattern.size());
  // A following ?, * or { makes the last character optional; do not cut inside a UTF-8 character.
  if (length < pattern.size() &&
      std::string_view("?*{").find(pattern[length]) != std::string_view::npos) {
    if (length == 0) return {};
    --length;
    while (length > 0 && (static_cast<unsigned char>(pattern[length]) & 0xC0) == 0x80) --length;
  }
  return std::string(pattern.substr(0, length));
}

}  // namespace

Result<Matcher> Matcher::Make(MatchOp op, std::string_view name, std::string_view value) {
  Matcher matcher;
  matcher.op_ = op;
  matcher.name_ = name;
  matcher.value_ = value;
  if (op == MatchOp::kEqual || op == MatchOp::kNotEqual) {
    matcher.literals_ = {matcher.value_};
  } else {
    ASSIGN_OR_RETURN(matcher.regex_, Regex::CompileAnchored(value));
    matcher.literals_ = LiteralAlternatives(value);
    matcher.prefix_ = LiteralPrefix(value);
  }
  matcher.matches_empty_ = matcher.Matches("");
  return matcher;
}

Matcher Matcher::Equal(std::string_view name, std::string_view value) {
  return *Make(MatchOp::kEqual, name, value);
}

Matcher Matcher::NotEqual(std::string_view name, std::string_view value) {
  return *Make(MatchOp::kNotEqual, name, value);
}

bool Matcher::Matches(std::string_view value) const {
  const bool negated = op_ == MatchOp::kNotEqual || op_ == MatchOp::kNotRegex;
  if (!literals_.empty()) {
    const bool found = literals_.size() == 1
                           ? literals_[0] == value
                           : std::binary_search(literals_.begin(), literals_.end(), value);
    return found != negated;
  }
  if (!value.starts_with(prefix_)) return negated;
  return regex_->Matches(value) != negated;
}

std::string Matcher::ToString() const {
  std::string out = IsLegacyLabelName(name_) ? name_ : QuoteLabelValue(name_);
  out += MatchOpText(op_);
  out += QuoteLabelValue(value_);
  return out;
}

std::string_view MatchOpText(MatchOp op) {
  switch (op) {
    case MatchOp::kEqual:
      return "=";
    case MatchOp::kNotEqual:
      return "!=";
    case MatchOp::kRegex:
      return "=~";
    case MatchOp::kNotRegex:
      return "!~";
  }
  return "=";
}

}  // namespace tocsin
