// Recording rules: the result of a query under a name of its own.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "engine/promql/engine.h"
#include "rules/rule_file.h"
#include "rules/rule_sample.h"

namespace tocsin {

// The samples that the rule writes for this result of its query. Errors: two of them would be of
// one series, or there are more than `limit` (0: no limit).
Result<RuleSamples> Record(const RuleSpec& rule, promql::VectorValue vector, int64_t limit);

}  // namespace tocsin
