// One rule over many slots at once: its query as a range query, then the state machine slot by
// slot.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/promql/engine.h"
#include "engine/storage/appender.h"
#include "engine/storage/querier.h"
#include "rules/alerting_rule.h"
#include "rules/backtest/run_limits.h"
#include "rules/backtest/timeline.h"
#include "rules/rule_file.h"
#include "rules/rule_series_writer.h"

namespace tocsin {

// Whether the rules of the group can be evaluated in blocks, one after the other.
bool GoesInBlocks(const RuleGroupSpec& group);
// Whether a rule of the group reads what a rule of another of the groups writes.
bool ReadsOthers(const RuleGroupSpec& group, const std::vector<RuleGroupSpec>& all);

// What the rules run in. All of it outlives the rules.
struct BlockWorld {
  const promql::Engine& engine;
  const Querier& querier;
  SampleSink& sink;
  const LabelSet& external_labels;
  const std::string& external_url;
  RunLimits& limits;
};

// Not thread-safe.
class BlockRule {
 public:
  BlockRule(const RuleSpec& spec, const RuleGroupSpec& group, const BlockWorld& world);

  // The slots follow each other at `step`, and those before them have been run. Errors are those of
  // the limits.
  Status Run(std::span<const Timestamp> slots, Duration step);

  AlertTimeline& timeline() { return timeline_; }
  uint64_t failures() const { return failures_; }
  const std::string& first_error() const { return first_error_; }

 private:
  // Each slot by a query of its own.
  Status RunSingly(std::span<const Timestamp> slots);
  Status UpdateAlerts(std::span<const AlertSample> samples, Timestamp at);
  Status Keep(promql::VectorValue vector, Timestamp at);
  Status Write(const RuleSamples& samples, Timestamp at);
  Result<promql::VectorValue> Instant(Timestamp at) const;
  ExpansionContext ContextAt(Timestamp at) const;
  void Fail(const Error& error);

  const RuleSpec& spec_;
  const RuleGroupSpec& group_;
  const BlockWorld& world_;
  const templates::LabelMap external_labels_;
  AlertingRule alerting_;
  RuleSeriesWriter written_;
  // Whether a later rule reads what this one writes; nothing else does here.
  const bool is_read_;
  AlertTimeline timeline_;
  uint64_t failures_ = 0;
  std::string first_error_;
};

}  // namespace tocsin
