// A label matcher: name = "x", != "x", =~ "re", !~ "re".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/regex.h"
#include "base/result.h"

namespace tocsin {

enum class MatchOp { kEqual, kNotEqual, kRegex, kNotRegex };

// Regexes are RE2, fully anchored, "." matches newline. A missing label has the value "".
//
// Thread safety: immutable.
class Matcher {
 public:
  static Result<Matcher> Make(MatchOp op, std::string_view name, std::string_view value);
  // For kEqual and kNotEqual, which cannot fail.
  static Matcher Equal(std::string_view name, std::string_view value);
  static Matcher NotEqual(std::string_view name, std::string_view value);

  MatchOp op() const { return op_; }
  const std::string& name() const { return name_; }
  const std::string& value() const { return value_; }

  bool Matches(std::string_view value) const;
  // Whether series without the label are selected.
  bool MatchesEmpty() const { return matches_empty_; }
  // The values a positive or negated regex can match, when they are a finite set of literals
  // ("a|b|c"): then no regex is run. Also set for kEqual and kNotEqual (one value).
  const std::vector<std::string>& literals() const { return literals_; }
  // A literal prefix of everything the regex matches; "" when none is known.
  const std::string& prefix() const { return prefix_; }

  // job=~"a.*", with quoting as PromQL prints it.
  std::string ToString() const;

  friend bool operator==(const Matcher& a, const Matcher& b) {
    return a.op_ == b.op_ && a.name_ == b.name_ && a.value_ == b.value_;
  }

 private:
  Matcher() = default;

  MatchOp op_ = MatchOp::kEqual;
  std::string name_;
  std::string value_;
  std::optional<Regex> regex_;
  std::vector<std::string> literals_;
  std::string prefix_;
  bool matches_empty_ = false;
};

std::string_view MatchOpText(MatchOp op);

}  // namespace tocsin
