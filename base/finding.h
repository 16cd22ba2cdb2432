// What a check has found in a file, with its place and the way out.
//
// The checks of rules, configurations and metrics give findings; how they are shown (text, JSON,
// SARIF, GitHub's annotations) is the matter of the command line.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tocsin {

enum class Severity {
  kNote,     // worth knowing
  kWarning,  // works, but not well
  kError,    // does not work
};

struct Finding {
  Severity severity = Severity::kError;
  std::string check;  // "rules/syntax": the name it is switched and explained by
  std::string file;   // "" when it concerns no file
  int line = 0;       // 1-based; 0 when it concerns the file as a whole
  int column = 0;     // 1-based, in bytes; 0 when unknown
  // The end of the marked text, behind its last character; 0 when unknown.
  int end_line = 0;
  int end_column = 0;
  std::string message;      // what is wrong, in one line
  std::string explanation;  // why it matters; may have several lines; may be empty
  std::string fix;          // what to write instead; may have several lines; may be empty

  friend bool operator==(const Finding&, const Finding&) = default;
};

// The findings of an error whose message has a line "file:line:column: what" for each problem, as
// the readers of configurations and rule files word theirs. Lines without a place concern `file`.
std::vector<Finding> FindingsOf(const Error& error, std::string_view file, std::string_view check);

}  // namespace tocsin
