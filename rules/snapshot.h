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
};

struct RuleSnapshot {
  bool alerting = false;
  std::string name;
  std::string query;  // canonical text
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
  size_t samples = 0;
};

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
};

struct RulesSnapshot {
  std::vector<RuleGroupSnapshot> groups;  // sorted by file, name
};

}  // namespace tocsin
