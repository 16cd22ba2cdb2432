// Judges alerts that the result of their rule does not have (on_missing, resolve_expr).
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/promql/engine.h"
#include "engine/storage/querier.h"
#include "rules/alerting_rule.h"
#include "rules/query_inputs.h"
#include "rules/rule_file.h"

namespace tocsin {

// An alert whose input is missing is treated as on_missing says. Of one whose input is there the
// condition is false: it is over, or, while it fires, when resolve_expr gives a series with the
// labels of its sample. What cannot be found out leaves the alert as it is.
//
// Not thread-safe; for one evaluation. Costs nothing until it is asked.
class AbsenceJudge {
 public:
  // All must outlive the judge. `t_ms`: what queries see.
  AbsenceJudge(const RuleSpec& rule, const promql::Engine& engine, const Querier& querier,
               int64_t t_ms);

  Absence Judge(const Alert& alert);

 private:
  Result<bool> IsResolved(const LabelSet& sample);

  const RuleSpec& rule_;
  const promql::Engine& engine_;
  const Querier& querier_;
  const int64_t t_ms_;
  InputPresence presence_;
  std::optional<std::set<LabelSet>> resolved_;  // what resolve_expr gives, without names
};

}  // namespace tocsin
