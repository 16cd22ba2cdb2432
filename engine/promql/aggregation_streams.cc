// Aggregations that take the rows of a selector or of a range function as they are computed: the
// series that are added up are never all in memory.
#include <algorithm>

#include "engine/promql/aggregation.h"
#include "engine/promql/row_source.h"

namespace tocsin::promql {
namespace {

bool IsPick(AggregateOp op) { return op == AggregateOp::kTopk || op == AggregateOp::kBottomk; }

// Whether names matter to the groups; elsewhere it does not matter when they are dropped.
bool GroupsByName(const Aggregate& aggregate) {
  return !aggregate.without && std::ranges::any_of(aggregate.grouping, [](const std::string& name) {
    return name == kMetricName || name == "__type__" || name == "__unit__";
  });
}

// Whether the rows of that node can be taken as they come.
bool CanStream(const AggregateContext& context, const PlanNode& input) {
  const AggregateOp op = context.aggregate.op;
  if (!FloatAggregation::Knows(op) && !IsPick(op)) return false;
  if (context.evaluator.context().options.delayed_name_removal) return false;
  if (GroupsByName(context.aggregate)) return false;
  // Values that are needed elsewhere too, or are the same at all steps, are kept as a block.
  if (input.uses > 1 || (input.invariant && context.steps.count > 1)) return false;
  if (input.expr->As<VectorSelector>() != nullptr) return true;
  const Call* call = input.expr->As<Call>();
  return call != nullptr && call->function->range != nullptr;
}

bool DropsNames(const PlanNode& input) {
  const Call* call = input.expr->As<Call>();
  return call != nullptr && !call->function->keeps_name;
}

// Nothing when a histogram came: then the rows have to be read in whole.
Result<std::optional<Block>> AddUp(const AggregateContext& context, RowSource& rows) {
  FloatAggregation floats(context.aggregate.op,
                          GroupRows(context.evaluator, context.node, rows.list(), {}),
                          context.steps.count);
  bool histograms = false;
  const Status status = rows.ReadInOrder([&](const RowSource::Batch& batch) -> Status {
    histograms = batch.rows.has_histograms();
    // Not an error to anybody: it ends the reading.
    if (histograms) return InternalError("histograms");
    floats.Add(batch.rows, batch.first, batch.count);
    return Ok();
  });
  if (histograms) return std::optional<Block>();
  RETURN_IF_ERROR(status);
  return std::optional(floats.Take());
}

Result<std::optional<Block>> PickBest(const AggregateContext& context, RowSource& rows) {
  BestPicks picks(context, GroupRows(context.evaluator, context.node, rows.list(), {}));
  RETURN_IF_ERROR(picks.ReadCounts());
  RETURN_IF_ERROR(rows.ReadInOrder([&](const RowSource::Batch& batch) -> Status {
    picks.Add(batch.rows, batch.first, batch.count);
    return Ok();
  }));
  NoteIgnoredHistograms(context, picks);
  BestPicks::Picked picked = picks.Take(*rows.list());
  if (DropsNames(*context.node.inputs[0].node)) {
    for (size_t row = 0; row < picked.block.series(); ++row) {
      picked.block.SetLabels(row, context.evaluator.WithoutName(picked.block.labels(row)));
    }
  }
  return std::optional(std::move(picked.block));
}

}  // namespace

Result<std::optional<Block>> AggregateStream(const AggregateContext& context) {
  const PlanNode& input = *context.node.inputs[0].node;
  if (!CanStream(context, input)) return std::optional<Block>();
  Evaluator& evaluator = context.evaluator;
  QueryBudget& budget = evaluator.budget();
  const size_t held = budget.held();
  const size_t loaded = budget.loaded();
  const QueryBudget::Looked looked = budget.looked();
  ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                   input.expr->As<VectorSelector>() != nullptr
                       ? OpenSelectorRows(evaluator, input, context.steps, Evaluator::Read::kValue)
                       : OpenRangeCallRows(evaluator, input, context.steps));
  std::optional<Block> block;
  if (!DropsNames(input) || evaluator.HaveOneName(input, rows->list())) {
    ASSIGN_OR_RETURN(
        block, IsPick(context.aggregate.op) ? PickBest(context, *rows) : AddUp(context, *rows));
  }
  if (!block) {
    // They are read once more, in whole.
    budget.ForgetLoaded(loaded);
    budget.EndPart(looked, 0);
    budget.ForgetSeries(rows->size());
  }
  budget.ReleaseTo(held);
  return block;
}

}  // namespace tocsin::promql
