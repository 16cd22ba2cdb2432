// A rule group: its rules, what is remembered of them, and one evaluation of all.
//
// GroupRunner says when, the RuleManager which.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alertmanager_client/notifier.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/promql/engine.h"
#include "engine/storage/appender.h"
#include "engine/storage/querier.h"
#include "rules/alerting_rule.h"
#include "rules/clock_watch.h"
#include "rules/data_source.h"
#include "rules/evaluation_lanes.h"
#include "rules/group_metrics.h"
#include "rules/rule_file.h"
#include "rules/rule_series_writer.h"
#include "rules/running_rule.h"
#include "rules/snapshot.h"
#include "rules/state_restore.h"

namespace tocsin {

// What a rule hands to its successor when the rules are loaded anew.
struct RuleMemory {
  Alerts alerts;
  RuleSeriesWriter written;
};

// A rule that is not running any more; how its successor is told.
struct FormerRule {
  std::string file;
  std::string group;
  bool alerting = false;
  std::string name;
  LabelSet labels;
  std::string query;    // canonical text
  Duration interval{};  // of its group
  RuleMemory memory;
};

struct RuleGroupSettings {
  LabelSet external_labels;
  std::string external_url;
  Duration resend_delay{};
  Duration resolved_retention{};
  // Restored alerts wait for their data: the store began to fill at `data_since`, a query has all
  // it needs `data_delay` plus its own reach later, and nobody waits longer than `patience`.
  Timestamp data_since{};
  Duration data_delay{};
  Duration patience{};
  // Evaluations that are remembered for each rule.
  size_t history = 20;
  // Lanes of rules that do not depend on each other.
  size_t max_lanes = 1;
  bool rule_metrics = true;

  friend bool operator==(const RuleGroupSettings&, const RuleGroupSettings&) = default;
};

// Not thread-safe but for Cancel.
class RuleGroup {
 public:
  struct Dependencies {
    const Clock& clock;
    const promql::Engine& engine;
    const Querier& querier;
    SampleSink& sink;
    Notifier& notifier;
    Logger& log;
    Metrics& metrics;
    SpareThreads& threads;
    const DataSources& sources;                   // may be empty
    const RemoteStates* remote_states = nullptr;  // may be null, or empty
    // Ends queries under way, as Cancel does; asked from any thread. May be empty.
    std::function<bool()> canceled;
  };

  RuleGroup(std::shared_ptr<const RuleGroupSpec> spec, RuleGroupSettings settings,
            Dependencies dependencies);

  const RuleGroupSpec& spec() const { return *spec_; }
  const RuleGroupSettings& settings() const { return settings_; }
  size_t size() const { return rules_.size(); }
  const GroupMetrics& metrics() const { return metrics_; }

  // The alerts of a rule, null for a recording rule.
  AlertingRule* alerting(size_t rule) { return rules_[rule].alerting.get(); }
  const AlertingRule* alerting(size_t rule) const { return rules_[rule].alerting.get(); }
  const std::string& canonical_query(size_t rule) const { return rules_[rule].canonical_query; }
  // Of the last evaluation: "" when it went well.
  const std::string& last_error(size_t rule) const { return rules_[rule].status.last_error; }
  // How many samples the last evaluation gave.
  size_t samples(size_t rule) const { return rules_[rule].status.samples; }
  // For a rule that has not been evaluated yet.
  void Remember(size_t rule, RuleMemory memory);
  // Series of rules that the group has lost; they end with the next evaluation.
  void EndSeries(RuleSeriesWriter written) { orphans_.Adopt(std::move(written)); }
  // Looks in the store for the state of alerts before the first evaluation, and restores it after
  // the second: only then do recording rules and collectors have given what alerts depend on.
  // Until then alerts are not written, as that would overwrite what is to be restored.
  void RestoreFromStore(const RestorePolicy& policy) { restore_ = policy; }

  // Evaluates all rules, in order, at `at`.
  void Evaluate(Timestamp at);
  // From any thread: an evaluation under way ends soon, with what it has. For good.
  void Cancel() { canceled_ = true; }

  // Without the figures that the runner knows.
  RuleGroupSnapshot Snapshot() const;
  // Leaves the group without memory.
  std::vector<FormerRule> Release();

 private:
  // One evaluation of the group.
  struct Round {
    Timestamp at{};
    std::vector<DataSource> broken;
  };

  // The wall clock was set: times move with it, and what is missing may only not be back yet.
  void NoteClock(Timestamp at);
  // Sends alerts again as they were, without judging them.
  void Hold(Timestamp at);
  // Whether data that the group needs may be missing only because the process is young.
  bool IsWaiting(Timestamp at);
  void EvaluateRules(const Round& round);
  // From several threads, for different rules.
  void EvaluateRule(RunningRule& rule, Result<promql::QueryResult> result, const Round& round);
  Result<RuleSamples> Apply(RunningRule& rule, Result<promql::QueryResult> result, Timestamp at);
  Status UpdateAlerts(RunningRule& rule, const promql::VectorValue& vector, Timestamp at);
  RuleSamples StateSamples(const RunningRule& rule) const;
  void SendDueAlerts(RunningRule& rule, Timestamp at);
  void Record(RunningRule& rule, const Status& status, Timestamp at);
  void Remember(RunningRule& rule, SteadyTime start, const Round& round);
  void MarkOrphansStale(Timestamp at);
  void Measure();
  void ReadStored(Timestamp at);
  void RestoreStored();
  ExpansionContext ContextAt(Timestamp at) const;
  int64_t DataTimeMs(Timestamp at) const { return ToMs(at - spec_->query_offset); }

  const std::shared_ptr<const RuleGroupSpec> spec_;
  const RuleGroupSettings settings_;
  const Dependencies dependencies_;
  const GroupMetrics metrics_;
  const templates::LabelMap external_labels_;
  EvaluationLanes lanes_;
  std::vector<RunningRule> rules_;
  RuleSeriesWriter orphans_;
  std::optional<RestorePolicy> restore_;
  uint64_t evaluations_ = 0;
  std::atomic<bool> canceled_ = false;
  std::vector<std::string> waiting_for_;
  ClockWatch clock_watch_;
  Timestamp data_since_;  // as RuleGroupSettings has it, or later
  Timestamp hold_until_{};
  double seconds_ = 0;
  std::optional<Timestamp> last_evaluation_;
};

// "file;name", as Prometheus writes it.
std::string GroupKey(const std::string& file, const std::string& name);

}  // namespace tocsin
