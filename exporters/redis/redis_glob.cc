#include "exporters/redis/redis_glob.h"

#include <algorithm>

namespace tocsin {
namespace {

// Takes one element that is no * off the pattern and tells whether it is the character.
bool TakeElement(std::string_view& pattern, char c) {
  const char first = pattern.front();
  pattern.remove_prefix(1);
  if (first == '?') return true;
  if (first == '\\' && !pattern.empty()) {
    const char plain = pattern.front();
    pattern.remove_prefix(1);
    return plain == c;
  }
  if (first != '[') return first == c;
  const bool negated = pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  bool found = false;
  while (!pattern.empty() && pattern.front() != ']') {
    if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
    char low = pattern.front();
    char high = low;
    pattern.remove_prefix(1);
    if (pattern.size() > 1 && pattern[0] == '-') {
      high = pattern[1];
      pattern.remove_prefix(2);
    }
    if (low > high) std::swap(low, high);
    found = found || (low <= c && c <= high);
  }
  if (!pattern.empty()) pattern.remove_prefix(1);
  return found != negated;
}

}  // namespace

bool MatchesRedisPattern(std::string_view pattern, std::string_view key) {
  // Behind the last * and where in the key it has been tried: a later * makes earlier ones final.
  std::string_view after_star;
  std::string_view tried;
  bool star = false;
  while (!key.empty()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      star = true;
      after_star = pattern;
      tried = key;
      continue;
    }
    if (!pattern.empty()) {
      std::string_view rest = pattern;
      if (TakeElement(rest, key.front())) {
        pattern = rest;
        key.remove_prefix(1);
        continue;
      }
    }
    if (!star) return false;
    tried.remove_prefix(1);
    pattern = after_star;
    key = tried;
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

bool IsRedisPattern(std::string_view text) {
  return text.find_first_of("*?[\\") != std::string_view::npos;
}

}  // namespace tocsin
