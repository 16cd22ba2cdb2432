// What the files of the aggregation operators share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/promql/evaluator.h"

namespace tocsin::promql {

// The labels that a row has in common with its group.
class GroupLabels {
 public:
  GroupLabels(Evaluator& evaluator, const Aggregate& aggregate);
  Labels Of(const Labels& labels) const;

 private:
  Evaluator& evaluator_;
  const bool without_;
  std::vector<SymbolId> names_;  // sorted
};

// The groups of the rows of `block`, remembered while the rows stay the same.
std::shared_ptr<const Grouping> GroupRows(Evaluator& evaluator, const PlanNode& node,
                                          const Block& block);

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

// aggregation_values.cc: one value per group: sum, avg, …, quantile.
Result<Block> AggregateValues(const AggregateContext& context, const Block& block);
// aggregation_picks.cc: some rows of each group: topk, bottomk, limitk, limit_ratio.
Result<Block> AggregatePicks(const AggregateContext& context, const Block& block);
Result<Block> CountValues(const AggregateContext& context, const Block& block);

// The quantile of the values, which it sorts; NaN first. Interpolates between neighbours.
double Quantile(double q, std::vector<double>& values);

}  // namespace tocsin::promql
