#include "rules/running_rule.h"

#include <algorithm>
#include <utility>

#include "engine/promql/parser.h"
#include "rules/query_reach.h"

namespace tocsin {
namespace {

AlertSnapshot SnapshotOf(const LabelSet& labels, const Alert& alert, const FlapCounter& flaps) {
  return {.labels = labels,
          .annotations = alert.annotations,
          .phase = alert.timing.phase,
          .active_at = alert.timing.active_at,
          .fired_at = alert.timing.fired_at,
          .keep_firing_since = alert.timing.keep_firing_since,
          .resolved_at = alert.timing.resolved_at,
          .last_sent_at = alert.timing.last_sent_at,
          .value = alert.value,
          .hold = alert.hold,
          .transitions_per_hour = flaps.CountOf(labels)};
}

}  // namespace

bool RuleStatus::Note(const Status& status, Timestamp at) {
  if (status.ok()) {
    health = RuleHealth::kOk;
    last_error.clear();
    consecutive_failures = 0;
    failing_since.reset();
    last_success = at;
    return false;
  }
  health = RuleHealth::kError;
  if (++consecutive_failures == 1) failing_since = at;
  return std::exchange(last_error, status.error().message) != status.error().message;
}

RunningRule::RunningRule(const RuleSpec& rule, SampleSink& sink)
    : spec(&rule),
      alerting(rule.alerting ? std::make_unique<AlertingRule>(rule) : nullptr),
      written(sink),
      canonical_query(promql::Print(rule.query->root())),
      inputs(InputsOf(rule.query->root())),
      needs_series(
          std::ranges::any_of(inputs, [](const QueryInput& i) { return !i.tells_absence; })),
      reach(Reach(rule.query->root())) {}

RuleSnapshot RunningRule::Snapshot() const {
  RuleSnapshot snapshot;
  snapshot.alerting = alerting != nullptr;
  snapshot.name = spec->name;
  snapshot.query = canonical_query;
  snapshot.hold = spec->hold;
  snapshot.keep_firing_for = spec->keep_firing_for;
  snapshot.labels = spec->labels;
  snapshot.annotations = spec->annotations;
  snapshot.health = status.health;
  snapshot.last_error = status.last_error;
  snapshot.evaluation_seconds = status.seconds;
  snapshot.last_evaluation = status.last_evaluation;
  snapshot.consecutive_failures = status.consecutive_failures;
  snapshot.failing_since = status.failing_since;
  snapshot.last_success = status.last_success;
  snapshot.samples = status.samples;
  snapshot.series_fetched = status.series_fetched;
  snapshot.no_input = status.no_input;
  snapshot.degraded_by = status.degraded_by;
  snapshot.history.assign(history.begin(), history.end());
  if (!alerting) return snapshot;
  snapshot.phase = alerting->phase();
  snapshot.transitions_per_hour = alerting->flaps().total();
  for (const auto& [labels, alert] : alerting->alerts()) {
    snapshot.alerts.push_back(SnapshotOf(labels, alert, alerting->flaps()));
  }
  return snapshot;
}

void RunningRule::Remember(EvaluationRecord record, size_t limit) {
  constexpr size_t kMostTransitions = 50;
  record.transition_count = record.transitions.size();
  if (record.transitions.size() > kMostTransitions) record.transitions.resize(kMostTransitions);
  history.push_back(std::make_shared<const EvaluationRecord>(std::move(record)));
  while (history.size() > limit) history.pop_front();
}

void RunningRule::Publish(Timestamp at) const {
  if (!metrics) return;
  metrics->Set({.seconds = status.seconds,
                .samples = status.samples,
                .series_fetched = status.series_fetched,
                .phase = alerting ? std::optional(alerting->phase()) : std::nullopt,
                .since_success =
                    status.last_success ? std::optional(at - *status.last_success) : std::nullopt,
                .consecutive_failures = status.consecutive_failures,
                .no_input = status.no_input,
                .degraded = !status.degraded_by.empty(),
                .transitions_per_hour = alerting ? alerting->flaps().total() : 0});
}

}  // namespace tocsin
