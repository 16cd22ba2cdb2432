// One rule of a running group: its alerts or series, and how its evaluations went.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engine/storage/appender.h"
#include "rules/alerting_rule.h"
#include "rules/query_inputs.h"
#include "rules/rule_file.h"
#include "rules/rule_metrics.h"
#include "rules/rule_series_writer.h"
#include "rules/snapshot.h"
#include "rules/state_restore.h"

namespace tocsin {

// How the evaluations of a rule went.
struct RuleStatus {
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;
  uint64_t consecutive_failures = 0;
  std::optional<Timestamp> failing_since;
  std::optional<Timestamp> last_success;
  std::optional<Timestamp> last_evaluation;
  double seconds = 0;
  size_t samples = 0;
  size_t series_fetched = 0;
  bool no_input = false;
  std::vector<std::string> degraded_by;

  // Returns whether the error is another one than last time.
  bool Note(const Status& status, Timestamp at);
};

// Not thread-safe.
struct RunningRule {
  RunningRule(const RuleSpec& rule, SampleSink& sink);

  // What of it the outside may see.
  RuleSnapshot Snapshot() const;
  // Keeps the newest `limit` evaluations.
  void Remember(EvaluationRecord record, size_t limit);
  void Publish(Timestamp at) const;

  const RuleSpec* spec;
  std::unique_ptr<AlertingRule> alerting;  // null: a recording rule
  RuleSeriesWriter written;
  std::string canonical_query;
  std::vector<QueryInput> inputs;
  // There is no result without series: the expression selects some, and not to tell their absence.
  bool needs_series = false;
  Duration reach{};
  std::string template_error;  // as last logged
  // To be restored; while there are any, alerts are not written.
  StoredStates stored;
  RuleStatus status;
  std::deque<std::shared_ptr<const EvaluationRecord>> history;
  std::optional<RuleMetrics> metrics;
};

}  // namespace tocsin
