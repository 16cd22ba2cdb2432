// What happens to alerts and series when the rules are loaded anew.
#pragma once

#include <memory>
#include <vector>

#include "rules/rule_group.h"

namespace tocsin {

struct HandOverResult {
  std::vector<FormerRule> left;            // without a successor
  std::vector<const RuleSpec*> newcomers;  // without a predecessor
};

// Gives every rule the memory of its predecessor.
//
// A rule's predecessor has the same name and labels and stood in the group of the same name and
// file; of several, the first goes to the first. An expression may change without an alert being
// lost. Beyond Prometheus, a rule that moves to another group or file unchanged keeps its memory.
HandOverResult HandOver(std::vector<FormerRule> former, const std::vector<RuleGroup*>& groups);

}  // namespace tocsin
