// Computes the nodes of a plan, block by block.
//
// Every node is evaluated for all steps at once. What several places of the plan need is kept
// until the last of them had it; what is the same at all steps is computed for one.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/model/symbols.h"
#include "engine/promql/annotations.h"
#include "engine/promql/block.h"
#include "engine/promql/engine.h"
#include "engine/promql/function_table.h"
#include "engine/promql/plan.h"
#include "engine/promql/plan_memory.h"
#include "engine/promql/query_budget.h"
#include "engine/storage/querier.h"

namespace tocsin::promql {

// What every query of an evaluation shares.
struct EvaluatorContext {
  const EngineOptions& options;
  const Querier& querier;
  SymbolTable& symbols;  // an overlay on the querier's
  PlanMemory& memory;
  Steps query_steps;
  int64_t query_end_ms = 0;  // as asked; the last step may lie before it
  bool range_query = false;
  int64_t lookback_ms = 0;
  Executor* workers = nullptr;  // help to read rows; may be null
};

// A range vector: the series of a range selector or a subquery, read one at a time.
//
// Thread safety: Read may be called from any thread, each with buffers of its own.
class RangeSource {
 public:
  struct Buffers {
    SampleColumns columns;
    std::vector<Window> windows;
    std::vector<int64_t> windows_of;  // the times that `windows` is made of
    size_t samples_in_windows = 0;
    WindowMemory memory;  // of `windows`
  };
  // Of a range selector.
  RangeSource(const PlanNode& node, std::vector<int64_t> ends, int64_t lookback_ms,
              std::unique_ptr<SeriesSet> set, SeriesListPtr list, bool use_start_timestamps);
  // Of a subquery, whose expression had the values of `block` at the inner steps.
  RangeSource(const PlanNode& node, std::vector<int64_t> ends, Steps inner, Block block);

  // When a range selector has to read, for these window ends.
  static TimeRange ReadRange(const PlanNode& node, std::span<const int64_t> ends,
                             int64_t lookback_ms);

  size_t size() const { return list_->size(); }
  const SeriesListPtr& list() const { return list_; }
  bool from_storage() const { return set_ != nullptr; }
  bool drop_name(size_t series) const { return set_ == nullptr && block_.drop_name(series); }
  // Views of the buffers. No staleness markers.
  Result<SeriesWindows> Read(size_t series, Buffers& buffers) const;

 private:
  const PlanNode& node_;
  const std::vector<int64_t> ends_;
  const int64_t lookback_ms_ = 0;
  TimeRange range_;
  std::unique_ptr<SeriesSet> set_;
  Steps inner_;
  Block block_;
  SeriesListPtr list_;
  bool use_start_timestamps_ = false;
};

// Gives histograms that do not say so the hint whether they are a reset against the one before.
void DetectResets(SampleColumns& columns);
// Drops the staleness markers of a series.
void RemoveStale(SampleColumns& columns);
// How many samples these count for against the limit.
size_t CostOf(const SampleColumns& columns);

// Not thread-safe.
class Evaluator {
 public:
  explicit Evaluator(const EvaluatorContext& context);

  // What the following query may use, and where its annotations go.
  void Attach(QueryBudget& budget, Annotations& annotations) {
    budget_ = &budget;
    annotations_ = &annotations;
  }
  // Forgets what no query after this one needs.
  void ForgetAfter(size_t query);

  // For kernels that evaluate their arguments themselves.
  Result<Block> Evaluate(const PlanEdge& edge, const Steps& steps);
  // A range selector or a subquery, with a window for each step.
  Result<RangeSource> OpenRange(const PlanNode& node, const Steps& steps);
  // The series of a selector at all steps: the values, or the samples' times in seconds.
  enum class Read { kValue, kTimestamp, kStartTimestamp };
  Result<Block> ReadInstant(const PlanNode& node, const Steps& steps, Read what);
  // When the node looks, for each step.
  std::vector<int64_t> WindowEnds(const PlanNode& node, const Steps& steps) const;
  Result<std::unique_ptr<SeriesSet>> Select(const PlanNode& node, const Steps& steps,
                                            TimeRange range);
  SeriesListPtr ListOf(const PlanNode& node, const SeriesSet& set);
  CallContext Context(const PlanNode& node, const Steps& steps,
                      const std::vector<PositionRange>& arg_positions,
                      Annotations& annotations) const;
  const EvaluatorContext& context() const { return context_; }
  Annotations& annotations() { return *annotations_; }
  QueryBudget& budget() { return *budget_; }
  SymbolTable& symbols() { return context_.symbols; }
  SymbolId metric_name() const { return metric_name_; }
  // The name, and with it type and unit.
  std::array<SymbolId, 3> dropped_names() const {
    return {metric_name_, metric_type_, metric_unit_};
  }
  int64_t LookAt(const LookTime& time, int64_t step_ms) const;

  // Removes the metric names, or marks them to go (delayed name removal); rows that become equal
  // are merged when they never meet, and an error otherwise.
  enum class Rows { kDistinct, kMayRepeat };  // what is known about the block's labels
  Status DropNames(Block& block, const PlanNode& node, Rows rows = Rows::kDistinct);
  Status ApplyDelayedNames(Block& block);
  // Merges rows of equal labels that have no step in common; `error` says that they have.
  Status MergeEqualRows(Block& block, std::string_view error =
                                          "vector cannot contain metrics with the same labelset");
  Labels WithoutName(const Labels& labels) const;
  // The metric's name.
  std::string NameOf(const Labels& labels) const {
    return std::string(context_.symbols.Text(labels.Get(metric_name_)));
  }
  // Whether all rows have the same name, type and unit, so that they differ without them too.
  bool HaveOneName(const PlanNode& node, const SeriesListPtr& list) const;

 private:
  struct Kept {
    Steps steps;
    size_t last_query;
    std::shared_ptr<const Block> block;
    Annotations annotations;
  };

  Result<Block> Compute(const PlanNode& node, const Steps& steps);
  Result<Block> ComputeNode(const PlanNode& node, const Steps& steps);
  Result<Block> ComputeCall(const PlanNode& node, const Call& call, const Steps& steps);
  Result<Block> ComputeRangeCall(const PlanNode& node, const Call& call, const Steps& steps);
  Result<Block> ComputeVectorCall(const PlanNode& node, const Call& call, const Steps& steps);
  Result<Block> ComputeNegation(const PlanNode& node, const Steps& steps);
  Result<RangeSource> OpenSubquery(const PlanNode& node, const Steps& steps);

  const EvaluatorContext context_;
  SymbolId metric_name_ = kEmptySymbol;
  SymbolId metric_type_ = kEmptySymbol;
  SymbolId metric_unit_ = kEmptySymbol;
  QueryBudget* budget_ = nullptr;
  Annotations* annotations_ = nullptr;
  std::vector<std::vector<Kept>> kept_;  // by node
};

// aggregations.cc
Result<Block> Aggregated(Evaluator& evaluator, const PlanNode& node, const Steps& steps);
// binary.cc
Result<Block> BinaryResult(Evaluator& evaluator, const PlanNode& node, const Steps& steps);

}  // namespace tocsin::promql
