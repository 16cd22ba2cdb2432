// What the outside sees of the rules: copies, made between evaluations.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "engine/model/label_set.h"

namespace tocsin {

enum class AlertPhase { kInactive, kPending, kFiring };
enum class RuleHealth { kUnknown, kOk, kError };

// Why an alert is still there although its condition was not found to hold.
enum class AlertHold {
  kNone,
  kKeepFiringFor,
  kMissingInput,  // on_missing
  kNotResolved,   // resolve_expr
  kStartup,       // the data may not be back since the start of the process
};

// What an evaluation has changed of one alert; a phase is missing when there was, or is, no alert.
struct AlertTransition {
  LabelSet labels;
  std::optional<AlertPhase> from;
  std::optional<AlertPhase> to;
  double value = 0;
};

// One evaluation of one rule.
struct EvaluationRecord {
  Timestamp at{};      // the slot
  double seconds = 0;  // how long it took
  size_t samples = 0;  // what it wrote
  size_t series_fetched = 0;
  std::string error;  // "": none
  // The first of them; `transition_count` counts all.
  std::vector<AlertTransition> transitions;
  size_t transition_count = 0;
};

struct AlertSnapshot {
  LabelSet labels;
  LabelSet annotations;
  AlertPhase phase = AlertPhase::kInactive;
  Timestamp active_at{};
  std::optional<Timestamp> fired_at;
  std::optional<Timestamp> keep_firing_since;
  std::optional<Timestamp> resolved_at;
  std::optional<Timestamp> last_sent_at;
  double value = 0;
  AlertHold hold = AlertHold::kNone;
  // How often it began and ceased to fire within the last hour.
  size_t transitions_per_hour = 0;
};

struct RuleSnapshot {
  bool alerting = false;
  std::string name;
  std::string query;  // canonical text
  // Where it stands in the group's file, from 1 on; 0: not known.
  int line = 0;
  int column = 0;
  Duration hold{};
  Duration keep_firing_for{};
  LabelSet labels;                           // as configured, not expanded
  LabelSet annotations;                      // as configured
  AlertPhase phase = AlertPhase::kInactive;  // the highest of its alerts
  std::vector<AlertSnapshot> alerts;
  RuleHealth health = RuleHealth::kUnknown;
  std::string last_error;
  double evaluation_seconds = 0;  // of the last one
  std::optional<Timestamp> last_evaluation;
  uint64_t consecutive_failures = 0;
  std::optional<Timestamp> failing_since;
  std::optional<Timestamp> last_success;
  size_t samples = 0;
  // Of the last evaluation that did not fail.
  size_t series_fetched = 0;
  // It selects series, and there were none.
  bool no_input = false;
  // Targets that it reads from and that fail or do not answer in time.
  std::vector<std::string> degraded_by;
  // Of all its alerts together.
  size_t transitions_per_hour = 0;
  // The newest evaluations, oldest first.
  std::vector<std::shared_ptr<const EvaluationRecord>> history;
};

// From so many transitions of one alert within an hour on it is called flapping: three times on
// and off.
constexpr size_t kFlappingTransitions = 6;

struct RuleGroupSnapshot {
  std::string name;
  std::string file;
  Duration interval{};
  int64_t limit = 0;
  std::vector<RuleSnapshot> rules;
  double evaluation_seconds = 0;  // of the last one
  std::optional<Timestamp> last_evaluation;
  Timestamp next_evaluation{};
  uint64_t iterations = 0;
  uint64_t missed_iterations = 0;
  // Evaluation has not begun, as targets that the group reads have not been collected yet.
  std::vector<std::string> waiting_for;
};

struct RulesSnapshot {
  std::vector<RuleGroupSnapshot> groups;  // sorted by file, name
};

}  // namespace tocsin
