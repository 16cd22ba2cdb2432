// What the files of the aggregation operators share.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/model/kahan.h"
#include "engine/promql/evaluator.h"
#include "engine/promql/label_index.h"

namespace tocsin::promql {

// The labels that a row has in common with its group.
LabelPicker GroupLabels(Evaluator& evaluator, const Aggregate& aggregate);

// The groups of the rows of `list`, remembered while the rows stay the same. `marks`: whose names
// are marked to go, by row; none when it is empty.
std::shared_ptr<const Grouping> GroupRows(Evaluator& evaluator, const PlanNode& node,
                                          const SeriesListPtr& list, std::vector<uint8_t> marks);
std::shared_ptr<const Grouping> GroupRows(Evaluator& evaluator, const PlanNode& node,
                                          const Block& block);

// aggregation_floats.cc: adds up rows of floats as they come, in the order of the grouped list.
class FloatAggregation {
 public:
  static bool Knows(AggregateOp op);
  FloatAggregation(AggregateOp op, std::shared_ptr<const Grouping> grouping, size_t steps);

  // Row i of `rows` is row first + i of the list. There are no histograms in them.
  void Add(const Block& rows, size_t first, size_t count);
  Block Take();

 private:
  template <typename Fold>
  void FoldRow(std::span<const uint64_t> presence, std::span<uint64_t> seen, Fold fold) const;
  void AddRow(const double* row, std::span<const uint64_t> presence, size_t group);

  const AggregateOp op_;
  const std::shared_ptr<const Grouping> grouping_;
  Block out_;
  std::vector<double> compensation_;  // of sums, by group and step
  std::vector<KahanMean> means_;      // by group and step
};

// One aggregation that is being computed.
struct AggregateContext {
  Evaluator& evaluator;
  const PlanNode& node;
  const Aggregate& aggregate;
  const Steps& steps;
  PositionRange expr_position;
  PositionRange param_position;
  const Block* param = nullptr;  // null when there is none or it is a string
};

// What a parameter is over all steps; NaN at any makes both bounds NaN.
struct ParameterBounds {
  ParameterBounds(const Block& param, size_t steps);
  double min;
  double max;
  bool any_nan = false;
};
// Looks at the parameter of topk, bottomk, limitk or limit_ratio. False when nothing is picked at
// any step, whatever the rows are.
Result<bool> CheckPickParameter(const AggregateContext& context);
// The parameter of topk, bottomk and limitk at one step; below 1 it is 0.
inline size_t PickCount(double param) { return param < 1 ? 0 : static_cast<size_t>(param); }

// aggregation_best.cc: topk and bottomk, of rows as they come, in the order of the grouped list.
class BestPicks {
 public:
  BestPicks(const AggregateContext& context, std::shared_ptr<const Grouping> grouping);
  ~BestPicks();
  BestPicks(const BestPicks&) = delete;
  BestPicks& operator=(const BestPicks&) = delete;

  // Errors: of a parameter that is no count.
  Status ReadCounts();
  // Row i of `rows` is row first + i of the list.
  void Add(const Block& rows, size_t first, size_t count);
  // Whether histograms were left out.
  bool ignored_histograms() const { return ignored_histograms_; }

  struct Picked {
    Block block;
    std::vector<size_t> rows;  // where each row of the block stands in the list
  };
  // The rows that are among the best at any step, with their labels; of an instant query the best
  // come first.
  Picked Take(const SeriesList& list);

 private:
  class Heap;
  struct Pick {
    size_t row;
    double value;
  };
  const AggregateContext& context_;
  const std::shared_ptr<const Grouping> grouping_;
  std::vector<size_t> counts_;  // by step
  std::vector<Heap> heaps_;     // by group and step
  std::vector<double> bars_;    // what a value must be better than to get into its heap
  bool ignored_histograms_ = false;
};
void NoteIgnoredHistograms(const AggregateContext& context, const BestPicks& picks);

// aggregation_streams.cc: an aggregation of rows that are read from the store, without keeping
// them; nothing when this aggregation or these rows do not allow it.
Result<std::optional<Block>> AggregateStream(const AggregateContext& context);

// aggregation_values.cc: one value per group: sum, avg, …, quantile.
Result<Block> AggregateValues(const AggregateContext& context, const Block& block);
// aggregation_picks.cc: some rows of each group: topk, bottomk, limitk, limit_ratio.
Result<Block> AggregatePicks(const AggregateContext& context, const Block& block);
Result<Block> CountValues(const AggregateContext& context, const Block& block);

// The quantile of the values, which it sorts; NaN first. Interpolates between neighbours.
double Quantile(double q, std::vector<double>& values);

}  // namespace tocsin::promql
