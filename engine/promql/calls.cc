// Function calls: arguments in, kernel, names out.
#include <algorithm>

#include "engine/promql/evaluator.h"

namespace tocsin::promql {
namespace {

std::vector<PositionRange> ArgumentPositions(const PlanNode& node) {
  std::vector<PositionRange> positions;
  for (const PlanEdge& input : node.inputs) {
    const PositionRange& own = input.node->position;
    positions.push_back({input.begin, input.begin + own.end - own.begin});
  }
  return positions;
}

void ApplyToFloats(Block& block, SampleKernel kernel) {
  for (size_t series = 0; series < block.series(); ++series) {
    const std::span<double> row = block.Row(series);
    for (size_t step = 0; step < block.steps(); ++step) {
      if (!block.Has(series, step)) continue;
      if (block.Histogram(series, step) != nullptr) {
        block.Clear(series, step);
      } else {
        row[step] = kernel(row[step]);
      }
    }
  }
}

std::string Joined(bool FunctionSpec::*flag) {
  std::string names;
  for (const FunctionSpec& row : Functions()) {
    if (!(row.*flag)) continue;
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

// An extended range under a function that does not know what to do with it.
Status CheckExtension(const FunctionSpec& function, Extension extension) {
  const auto refuse = [&](std::string_view modifier, bool FunctionSpec::*flag) {
    return ExecutionError(std::string(modifier) + " modifier can only be used with: " +
                          Joined(flag) + " - not with " + std::string(function.name));
  };
  if (extension == Extension::kAnchored && !function.anchored) {
    return refuse("anchored", &FunctionSpec::anchored);
  }
  if (extension == Extension::kSmoothed && !function.smoothed) {
    return refuse("smoothed", &FunctionSpec::smoothed);
  }
  return Ok();
}

bool IsRange(const PlanNode& node) {
  return node.expr->As<MatrixSelector>() != nullptr || node.expr->As<Subquery>() != nullptr;
}

}  // namespace

CallContext Evaluator::Context(const PlanNode& node, const Steps& steps,
                               const std::vector<PositionRange>& arg_positions) {
  return {.call = *node.expr->As<Call>(),
          .position = node.position,
          .arg_positions = arg_positions,
          .steps = steps,
          .query_steps = context_.query_steps,
          .range_query = context_.range_query,
          .lookback_ms = context_.lookback_ms,
          .symbols = context_.symbols,
          .metric_name = metric_name_,
          .annotations = *annotations_,
          .delayed_name_removal = context_.options.delayed_name_removal,
          .use_start_timestamps = context_.options.use_start_timestamps,
          .type_and_unit_labels = context_.options.type_and_unit_labels};
}

Result<Block> Evaluator::ComputeCall(const PlanNode& node, const Call& call, const Steps& steps) {
  const FunctionSpec& function = *call.function;
  if (function.special != nullptr) return function.special(*this, node, steps);
  if (function.sample != nullptr) {
    ASSIGN_OR_RETURN(Block block, Evaluate(node.inputs[0], steps));
    ApplyToFloats(block, function.sample);
    RETURN_IF_ERROR(DropNames(block, &context_.memory.Of(node.id)));
    return block;
  }
  if (function.range != nullptr) return ComputeRangeCall(node, call, steps);
  if (function.vector != nullptr) return ComputeVectorCall(node, call, steps);
  return InternalError("function " + std::string(function.name) + " has no kernel");
}

Result<Block> Evaluator::ComputeVectorCall(const PlanNode& node, const Call& call,
                                           const Steps& steps) {
  std::vector<Block> args;
  for (const PlanEdge& input : node.inputs) {
    ASSIGN_OR_RETURN(Block block, Evaluate(input, steps));
    args.push_back(std::move(block));
  }
  const std::vector<PositionRange> positions = ArgumentPositions(node);
  ASSIGN_OR_RETURN(Block block,
                   call.function->vector(Context(node, steps, positions), std::move(args)));
  if (call.function->returns != ValueType::kVector) return block;
  if (call.function->keeps_name) {
    RETURN_IF_ERROR(MergeEqualRows(block));
  } else {
    RETURN_IF_ERROR(DropNames(block, &context_.memory.Of(node.id)));
  }
  return block;
}

Result<Block> Evaluator::ComputeRangeCall(const PlanNode& node, const Call& call,
                                          const Steps& steps) {
  std::vector<Block> blocks(node.inputs.size());
  std::vector<const Block*> args(node.inputs.size());
  const PlanNode* range = nullptr;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    if (IsRange(*node.inputs[i].node)) {
      range = node.inputs[i].node;
      continue;
    }
    ASSIGN_OR_RETURN(blocks[i], Evaluate(node.inputs[i], steps));
    args[i] = &blocks[i];
  }
  RETURN_IF_ERROR(CheckExtension(*call.function, range->extension));
  const std::vector<PositionRange> positions = ArgumentPositions(node);
  const CallContext context = Context(node, steps, positions);
  ASSIGN_OR_RETURN(const RangeSource source, OpenRange(*range, steps));
  Block block(source.list(), steps.count);
  RangeSource::Buffers buffers;
  for (size_t series = 0; series < source.size(); ++series) {
    RETURN_IF_ERROR(budget_->CheckAlive());
    const size_t held = budget_->held();
    ASSIGN_OR_RETURN(const SeriesWindows windows, source.Read(series, buffers));
    const size_t cost = CostOf(buffers.columns);
    budget_->CountLoaded(cost);
    RETURN_IF_ERROR(budget_->Hold(cost));
    block.set_drop_name(series, source.drop_name(series));
    RowWriter writer(block, series);
    RETURN_IF_ERROR(call.function->range(context, {.blocks = args}, windows, writer));
    budget_->ReleaseTo(held);
    RETURN_IF_ERROR(budget_->Hold(block.CountPresent(series)));
  }
  if (call.function->keeps_name) {
    RETURN_IF_ERROR(MergeEqualRows(block));
  } else {
    RETURN_IF_ERROR(DropNames(block, &context_.memory.Of(node.id)));
  }
  return block;
}

}  // namespace tocsin::promql
