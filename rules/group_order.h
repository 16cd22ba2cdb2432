// The order of groups that are due at the same time: a group that reads what another one writes is
// evaluated after it, so that it sees the values of this time.
#pragma once

#include <cstddef>
#include <vector>

#include "base/time.h"
#include "rules/rule_file.h"

namespace tocsin {

// Where the slots of a group lie, in [0, interval): as the group says (eval_offset), or else by a
// hash of file and name, the same in every process.
Duration SlotOffset(const RuleGroupSpec& spec);
// The newest slot at or before `now`.
Timestamp SlotAt(Timestamp now, Duration interval, Duration offset);

// For each group the groups that it waits for when they have a slot at the same time. Groups that
// never meet are left out, and so is, of groups that read from each other in a circle, the waiting
// of an earlier one for a later one.
std::vector<std::vector<size_t>> UpstreamsOf(const std::vector<const RuleGroupSpec*>& groups);

}  // namespace tocsin
