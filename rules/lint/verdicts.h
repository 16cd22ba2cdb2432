// What is certain about the rules that a process runs, without the linter behind it.
#pragma once

#include <string>
#include <vector>

namespace tocsin {

// One rule that can never fire, or always does.
struct CertainVerdict {
  std::string file;
  std::string group;
  std::string name;
  bool never = true;   // else always
  std::string reason;  // one line
};
using CertainVerdicts = std::vector<CertainVerdict>;

}  // namespace tocsin
