// Function calls: arguments in, kernel, names out.
#include <algorithm>

#include "engine/promql/evaluator.h"
#include "engine/promql/row_source.h"

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
                               const std::vector<PositionRange>& arg_positions,
                               Annotations& annotations) const {
  return {.call = *node.expr->As<Call>(),
          .position = node.position,
          .arg_positions = arg_positions,
          .steps = steps,
          .query_steps = context_.query_steps,
          .query_end_ms = context_.query_end_ms,
          .range_query = context_.range_query,
          .lookback_ms = context_.lookback_ms,
          .symbols = context_.symbols,
          .metric_name = metric_name_,
          .annotations = annotations,
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
    RETURN_IF_ERROR(DropNames(block, node));
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
  ASSIGN_OR_RETURN(
      Block block,
      call.function->vector(Context(node, steps, positions, *annotations_), std::move(args)));
  if (call.function->returns != ValueType::kVector) return block;
  if (call.function->keeps_name) {
    RETURN_IF_ERROR(MergeEqualRows(block));
  } else {
    RETURN_IF_ERROR(DropNames(block, node, Rows::kMayRepeat));
  }
  return block;
}

namespace {

// What the call of a function with a range kernel needs, but the range's samples.
struct RangeCall {
  const PlanNode& node;
  const Call& call;
  std::vector<Block> blocks;  // by argument; empty at the range
  std::vector<const Block*> args;
  std::vector<PositionRange> positions;
};

class RangeCallReader final : public RowSource::Reader {
 public:
  RangeCallReader(const RangeCall& call, const RangeSource& source, const CallContext& context)
      : call_(call), source_(source), context_(context) {}

  Status Read(size_t row, RowWriter& out, BudgetShare& budget) override {
    ASSIGN_OR_RETURN(const SeriesWindows in, source_.Read(row, buffers_));
    const size_t cost = CostOf(buffers_.columns);
    RETURN_IF_ERROR(budget.Load(cost, source_.from_storage()));
    CountWindows(in, cost, budget);
    const size_t samples = buffers_.samples_in_windows;
    const RangeKernel kernel = call_.call.function->range;
    if (samples <= kSamplesAtOnce) return kernel(context_, {.blocks = call_.args}, in, out);
    return ApplyInParts(in, out, budget);
  }

 private:
  static constexpr size_t kSamplesAtOnce = 1 << 20;

  // Each step looks at the samples of its window. Histograms count by their mean size.
  void CountWindows(const SeriesWindows& in, size_t cost, BudgetShare& budget) const {
    if (!budget.counts_by_step() && cost == in.t_ms.size()) {
      return budget.CountLooked(0, buffers_.samples_in_windows);
    }
    for (size_t step = 0; step < in.windows.size(); ++step) {
      const size_t samples = in.windows[step].last - in.windows[step].first;
      if (samples > 0) budget.CountLooked(step, samples * cost / in.t_ms.size());
    }
  }

  // Some functions look at every sample of every window: with long windows and many steps that
  // takes its time, between parts of which the query may be told to end.
  Status ApplyInParts(SeriesWindows in, RowWriter& out, const BudgetShare& budget) const {
    const std::span<const Window> windows = in.windows;
    CallContext context = context_;
    for (size_t first = 0, last = 0; first < windows.size(); first = last) {
      RETURN_IF_ERROR(budget.CheckNow());
      for (size_t samples = 0; last < windows.size() && samples < kSamplesAtOnce; ++last) {
        samples += windows[last].last - windows[last].first;
      }
      context.steps = {context_.steps.At(first), context_.steps.step_ms, last - first};
      in.windows = windows.subspan(first, last - first);
      in.memory.Clear();
      out.StartAt(first);
      RETURN_IF_ERROR(call_.call.function->range(
          context, {.blocks = call_.args, .first_step = first}, in, out));
    }
    return Ok();
  }

  const RangeCall& call_;
  const RangeSource& source_;
  const CallContext context_;
  RangeSource::Buffers buffers_;
};

class RangeCallRows final : public RowSource {
 public:
  RangeCallRows(Evaluator& evaluator, const Steps& steps, RangeCall call, RangeSource source)
      : RowSource(evaluator, steps), call_(std::move(call)), source_(std::move(source)) {
    for (size_t i = 0; i < call_.blocks.size(); ++i) {
      call_.args.push_back(IsRange(*call_.node.inputs[i].node) ? nullptr : &call_.blocks[i]);
    }
  }

  const SeriesListPtr& list() const override { return source_.list(); }
  bool drop_name(size_t row) const override { return source_.drop_name(row); }

 protected:
  std::unique_ptr<Reader> NewReader(Annotations& annotations) const override {
    return std::make_unique<RangeCallReader>(
        call_, source_, evaluator().Context(call_.node, steps(), call_.positions, annotations));
  }

 private:
  RangeCall call_;
  const RangeSource source_;
};

}  // namespace

Result<std::unique_ptr<RowSource>> OpenRangeCallRows(Evaluator& evaluator, const PlanNode& node,
                                                     const Steps& steps) {
  RangeCall call{node, *node.expr->As<Call>(), {}, {}, ArgumentPositions(node)};
  const PlanNode* range = nullptr;
  for (const PlanEdge& input : node.inputs) {
    Block block;
    if (IsRange(*input.node)) {
      range = input.node;
    } else {
      ASSIGN_OR_RETURN(block, evaluator.Evaluate(input, steps));
    }
    call.blocks.push_back(std::move(block));
  }
  RETURN_IF_ERROR(CheckExtension(*call.call.function, range->extension));
  ASSIGN_OR_RETURN(RangeSource source, evaluator.OpenRange(*range, steps));
  return std::unique_ptr<RowSource>(
      std::make_unique<RangeCallRows>(evaluator, steps, std::move(call), std::move(source)));
}

Result<Block> Evaluator::ComputeRangeCall(const PlanNode& node, const Call& call,
                                          const Steps& steps) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows, OpenRangeCallRows(*this, node, steps));
  ASSIGN_OR_RETURN(Block block, rows->ReadAll());
  if (!call.function->keeps_name) RETURN_IF_ERROR(DropNames(block, node));
  return block;
}

}  // namespace tocsin::promql
