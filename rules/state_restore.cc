#include "rules/state_restore.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/model/sample.h"

namespace tocsin {
namespace {

LabelSet WithoutName(const Labels& labels, const SymbolTable& symbols) {
  LabelSet set = labels.ToLabelSet(symbols);
  set.Remove(kMetricName);
  return set;
}

}  // namespace

std::vector<Matcher> StateSeries(const RuleSpec& rule) {
  std::vector<Matcher> matchers = {Matcher::Equal(kMetricName, "ALERTS_FOR_STATE"),
                                   Matcher::Equal("alertname", rule.name)};
  for (const auto& [name, value] : rule.labels) {
    const bool is_template = value.find("{{") != std::string::npos;
    if (!is_template && name != "alertname") matchers.push_back(Matcher::Equal(name, value));
  }
  return matchers;
}

Result<StoredStates> ReadStoredStates(const Querier& querier, const RuleSpec& rule, Timestamp now,
                                      const RestorePolicy& policy, const SelectHints& hints) {
  const TimeRange range = {.min_ms = ToMs(now - policy.outage_tolerance), .max_ms = ToMs(now)};
  SymbolTable overlay(querier.symbols());
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> series,
                   querier.Select(StateSeries(rule), range, hints, overlay));
  StoredStates states;
  for (size_t i = 0; i < series->size(); ++i) {
    const std::optional<SeriesSet::Newest> newest = series->ReadNewest(i, range);
    if (!newest || newest->histogram != nullptr || IsStaleNan(newest->value)) continue;
    states.emplace(WithoutName(series->labels(i), overlay),
                   StoredState{.seen_at = FromMs(newest->t_ms),
                               .active_at = Timestamp{FromSeconds(newest->value)}});
  }
  return states;
}

Timestamp RestoredActiveAt(const StoredState& stored, Duration hold, Timestamp now,
                           const RestorePolicy& policy) {
  const Duration remaining = hold - (stored.seen_at - stored.active_at);
  // It was firing.
  if (remaining <= Duration::zero()) return stored.active_at;
  if (remaining < policy.grace_period) return now + policy.grace_period - hold;
  return stored.active_at + (now - stored.seen_at);
}

}  // namespace tocsin
