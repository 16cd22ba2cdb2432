// What loading the rules anew has changed.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tocsin {

struct RulesReload {
  size_t groups_unchanged = 0;  // not touched: they go on as if nothing had happened
  std::vector<std::string> groups_new;
  std::vector<std::string> groups_changed;
  std::vector<std::string> groups_gone;
  // Rules without a predecessor, and without a successor.
  std::vector<std::string> rules_new;
  std::vector<std::string> rules_gone;
  size_t alerts_kept = 0;      // of changed groups
  size_t alerts_resolved = 0;  // firing ones of rules that are gone
};

// A line for people: "rules: 3 groups unchanged; 1 new (app); 2 rules gone (A, B); 1 alert
// resolved".
std::string ToString(const RulesReload& reload);

}  // namespace tocsin
