#include "rules/absence_judge.h"

#include <memory>
#include <utility>
#include <variant>

namespace tocsin {

AbsenceJudge::AbsenceJudge(const RuleSpec& rule, const promql::Engine& engine,
                           const Querier& querier, int64_t t_ms)
    : rule_(rule),
      engine_(engine),
      querier_(querier),
      t_ms_(t_ms),
      presence_(querier, t_ms, engine.options().lookback_ms) {}

Absence AbsenceJudge::Judge(const Alert& alert) {
  const MissingPolicy on_missing = rule_.extensions.on_missing;
  const bool may_stay =
      rule_.extensions.resolve_query != nullptr && alert.timing.phase == AlertPhase::kFiring;
  if (on_missing == MissingPolicy::kResolve && !may_stay) return {};
  const Result<bool> present = presence_.Has(rule_.query->root(), alert.sample);
  if (!present.ok()) return {AlertCondition::kUnknown, AlertHold::kMissingInput};
  if (!*present) {
    switch (on_missing) {
      case MissingPolicy::kResolve:
        return {};
      case MissingPolicy::kKeep:
        return {AlertCondition::kUnknown, AlertHold::kMissingInput};
      case MissingPolicy::kFire:
        return {AlertCondition::kHolds, AlertHold::kMissingInput};
    }
  }
  if (!may_stay) return {};
  const Result<bool> resolved = IsResolved(alert.sample);
  if (resolved.ok() && *resolved) return {};
  return {AlertCondition::kUnknown, AlertHold::kNotResolved};
}

Result<bool> AbsenceJudge::IsResolved(const LabelSet& sample) {
  if (!resolved_) {
    ASSIGN_OR_RETURN(const promql::QueryResult result,
                     engine_.Instant(*rule_.extensions.resolve_query, querier_, t_ms_));
    std::set<LabelSet> labels;
    if (const auto* vector = std::get_if<promql::VectorValue>(&result.value)) {
      for (const promql::VectorElement& element : *vector) {
        LabelSet unnamed = element.labels;
        unnamed.Remove(kMetricName);
        labels.insert(std::move(unnamed));
      }
    }
    resolved_ = std::move(labels);
  }
  return resolved_->contains(sample);
}

}  // namespace tocsin
