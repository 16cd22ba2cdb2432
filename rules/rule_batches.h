// Which rules of a group may be evaluated side by side.
//
// Prometheus' analysis (rules/group.go): a rule depends on another one when the metric name that it
// selects is what the other one writes; ALERTS and ALERTS_FOR_STATE are written by alerting rules,
// told apart by alertname; a selector without a metric name may select anything. Beyond it, a rule
// that reads what a later one writes is evaluated before that one, and so are two rules of one
// name in their order: the result is that of one rule after the other.
#pragma once

#include <cstddef>
#include <vector>

#include "rules/rule_file.h"

namespace tocsin {

// The indices of all rules: batch after batch, the rules of a batch in any order.
std::vector<std::vector<size_t>> BatchesOf(const std::vector<RuleSpec>& rules);

// Whether any rule of the one group reads what a rule of the other one writes. Here a selector
// without a metric name counts as reading nothing, lest one such rule chains all groups together.
bool ReadsFrom(const RuleGroupSpec& reader, const RuleGroupSpec& writer);

// Whether the selector may select a series that the rule writes.
bool MayReadSeriesOf(const promql::VectorSelector& selector, const RuleSpec& writer);

}  // namespace tocsin
