// Backtest: what rules would have done over history.
//
// The rules run through the state machine that serves: AlertingRule and recording rules at the
// slots of their group, over the history with their own results on top. Two ways lead there:
//
//   stepwise   RuleGroup::Evaluate at each slot, as in a running process
//   in blocks  each rule's query over a few hours of slots at once, then the state machine slot by
//              slot over the result; many times faster
//
// A group goes in blocks when its rules read only what earlier rules of it write, ask for nothing
// beyond Prometheus' rule fields, and their queries do not depend on the range that they are
// evaluated over. Both ways give the same transitions (tests/rules/backtest_test.cc).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"
#include "engine/promql/engine.h"
#include "engine/storage/querier.h"
#include "rules/backtest/layered_querier.h"
#include "rules/rule_file.h"
#include "rules/snapshot.h"

namespace tocsin {

struct BacktestOptions {
  Timestamp from{};
  Timestamp to{};  // inclusive
  // Between evaluations; nothing: the group's interval, at its own slots.
  std::optional<Duration> step;
  LabelSet external_labels;
  std::string external_url = "http://localhost:9977";
  Duration resend_delay = std::chrono::minutes(1);
  // An alert that fires again within this time of its end has flapped.
  Duration flap_window = std::chrono::hours(1);
  // Not in blocks, even where it could.
  bool stepwise = false;
  // Samples that rules record and changes of alerts, which a run keeps in memory; 0: any number.
  size_t max_kept = 0;
  // Asked between evaluations and within long ones, from any thread; an error ends the run with it.
  // May be empty, as `progress`.
  std::function<Status()> stop;
  // Called now and then with the evaluations (of groups) done and in all.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

// One change of an alert's state.
struct BacktestTransition {
  Timestamp at{};
  AlertPhase to = AlertPhase::kInactive;  // kInactive: resolved, or no longer pending
  double value = 0;

  friend bool operator==(const BacktestTransition&, const BacktestTransition&) = default;
};

struct BacktestAlert {
  LabelSet labels;
  std::vector<BacktestTransition> transitions;  // oldest first
  LabelSet annotations;                         // when it fired first; else as it was last
  size_t pages = 0;                             // how often it began to fire
  size_t flaps = 0;
  Duration firing{};
  Duration pending{};
};

struct BacktestRule {
  std::string file;
  int line = 0;  // of the rule, 1-based
  std::string group;
  std::string name;
  bool alerting = false;
  Duration hold{};
  std::vector<BacktestAlert> alerts;  // by labels
  uint64_t evaluations = 0;
  uint64_t failures = 0;
  std::string first_error;
  size_t pages = 0;
  size_t flaps = 0;
  Duration firing{};  // at least one of its alerts
};

struct BacktestResult {
  Timestamp from{};
  Timestamp to{};
  std::vector<BacktestRule> rules;  // in the order of the files
  uint64_t evaluations = 0;         // of rules
};

// How many evaluations of rules a run would be, at most; `to` is not before `from`.
uint64_t EvaluationsOf(const std::vector<RuleGroupSpec>& groups, const BacktestOptions& options);

// Everything must outlive the call. Errors: that of `stop`; kResourceExhausted when the run would
// keep too much. A rule that fails is told in its row.
Result<BacktestResult> Backtest(const std::vector<RuleGroupSpec>& groups, const Querier& history,
                                const WrittenStore& written, const promql::Engine& engine,
                                const BacktestOptions& options);

// --- variants ----------------------------------------------------------------------------------

// One change of a rule: "HighErrorRate.for=5m", also keep_firing_for and threshold.
struct RuleChange {
  std::string rule;
  std::string field;  // "for", "keep_firing_for", "threshold"
  std::string value;

  std::string ToString() const { return rule + "." + field + "=" + value; }
};
Result<RuleChange> ParseRuleChange(std::string_view text);
// "NAME.for=1m,2m,5m" or "NAME.threshold=0.1..0.5/0.1": one change for each value.
Result<std::vector<RuleChange>> ParseRuleSweep(std::string_view text);
// The same groups with the change made. Errors: no rule of that name, no number to compare with.
Result<std::vector<RuleGroupSpec>> WithChange(std::vector<RuleGroupSpec> groups,
                                              const RuleChange& change);

// The old groups at the slots of the new ones of the same name and interval: slots depend on the
// name of the file, and what differs for that alone is no difference of the rules.
std::vector<RuleGroupSpec> AtSlotsOf(const std::vector<RuleGroupSpec>& groups,
                                     std::vector<RuleGroupSpec> old);

// How two runs over the same time differ.
struct BacktestDifference {
  std::string rule;
  LabelSet labels;
  const BacktestAlert* before = nullptr;  // null: there was none
  const BacktestAlert* after = nullptr;
};
// Alerts whose transitions differ, by rule and labels. Points into the results.
std::vector<BacktestDifference> Compare(const BacktestResult& before, const BacktestResult& after);

}  // namespace tocsin
