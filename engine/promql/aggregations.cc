// The aggregation operators.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/go_float.h"
#include "engine/promql/aggregation.h"

namespace tocsin::promql {
namespace {

void WarnOfQuantiles(const AggregateContext& context) {
  const auto warn = [&context](double q) {
    context.evaluator.annotations().Warn(
        "PromQL warning: quantile value should be between 0 and 1, got " + FormatGoV(q),
        context.param_position);
  };
  const ParameterBounds bounds(*context.param, context.steps.count);
  if (bounds.any_nan) warn(std::numeric_limits<double>::quiet_NaN());
  if (bounds.max > 1) warn(bounds.max);
  if (bounds.min < 0) warn(bounds.min);
}

}  // namespace

ParameterBounds::ParameterBounds(const Block& param, size_t steps)
    : min(param.Value(0, 0)), max(min) {
  for (size_t step = 0; step < steps; ++step) {
    const double value = param.Value(0, step);
    any_nan = any_nan || std::isnan(value);
    min = std::min(min, value);
    max = std::max(max, value);
  }
  if (any_nan) min = max = std::numeric_limits<double>::quiet_NaN();
}

Result<Block> Aggregated(Evaluator& evaluator, const PlanNode& node, const Steps& steps) {
  const Aggregate& aggregate = *node.expr->As<Aggregate>();
  const auto position_of = [](const PlanEdge& input) {
    const PositionRange& own = input.node->position;
    return PositionRange{input.begin, input.begin + own.end - own.begin};
  };
  AggregateContext context{evaluator, node, aggregate, steps, position_of(node.inputs[0]), {}};
  Block param;
  if (aggregate.param != nullptr) {
    ASSIGN_OR_RETURN(param, evaluator.Evaluate(node.inputs[1], steps));
    context.param = &param;
    context.param_position = position_of(node.inputs[1]);
  }
  ASSIGN_OR_RETURN(std::optional<Block> streamed, AggregateStream(context));
  if (streamed) return *std::move(streamed);
  ASSIGN_OR_RETURN(const Block block, evaluator.Evaluate(node.inputs[0], steps));
  switch (aggregate.op) {
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      return AggregatePicks(context, block);
    case AggregateOp::kCountValues:
      return CountValues(context, block);
    case AggregateOp::kQuantile:
      WarnOfQuantiles(context);
      return AggregateValues(context, block);
    case AggregateOp::kSum:
    case AggregateOp::kAvg:
    case AggregateOp::kCount:
    case AggregateOp::kMin:
    case AggregateOp::kMax:
    case AggregateOp::kGroup:
    case AggregateOp::kStddev:
    case AggregateOp::kStdvar:
      return AggregateValues(context, block);
  }
  return InternalError("unknown aggregation");
}

}  // namespace tocsin::promql
