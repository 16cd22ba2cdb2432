// Functions that look at their argument's expression and not only at its value.
#include <algorithm>
#include <set>

#include "engine/promql/evaluator.h"
#include "engine/promql/functions.h"

namespace tocsin::promql {
namespace {

// A label with several matchers is left out, and so is one that is not matched by equality.
Labels LabelsOfMatchers(const VectorSelector& selector, SymbolTable& symbols) {
  Labels labels;
  std::set<std::string_view> seen;
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() == kMetricName) continue;
    const SymbolId name = symbols.Intern(matcher.name());
    const bool counts = matcher.op() == MatchOp::kEqual && seen.insert(matcher.name()).second;
    labels.Set(name, counts ? symbols.Intern(matcher.value()) : kEmptySymbol);
  }
  return labels;
}

const Expr& WithoutParens(const Expr& expr) {
  const Expr* inner = &expr;
  while (const Paren* paren = inner->As<Paren>()) inner = paren->expr;
  return *inner;
}

Block OnesWhereAbsent(Labels labels, size_t steps, const std::vector<bool>& present) {
  Block block(steps);
  block.AddSeries(std::move(labels));
  for (size_t step = 0; step < steps; ++step) {
    if (!present[step]) block.Set(0, step, 1);
  }
  return block;
}

}  // namespace

Result<Block> SpecialAbsent(Evaluator& evaluator, const PlanNode& node, const Steps& steps) {
  ASSIGN_OR_RETURN(const Block block, evaluator.Evaluate(node.inputs[0], steps));
  std::vector<bool> present(steps.count);
  for (size_t series = 0; series < block.series(); ++series) {
    for (size_t step = 0; step < steps.count; ++step) {
      if (block.Has(series, step)) present[step] = true;
    }
  }
  const auto* selector = node.expr->As<Call>()->args[0]->As<VectorSelector>();
  return OnesWhereAbsent(
      selector == nullptr ? Labels() : LabelsOfMatchers(*selector, evaluator.symbols()),
      steps.count, present);
}

Result<Block> SpecialAbsentOverTime(Evaluator& evaluator, const PlanNode& node,
                                    const Steps& steps) {
  ASSIGN_OR_RETURN(const RangeSource source, evaluator.OpenRange(*node.inputs[0].node, steps));
  std::vector<bool> present(steps.count);
  RangeSource::Buffers buffers;
  BudgetShare share(evaluator.budget());
  for (size_t series = 0; series < source.size(); ++series) {
    RETURN_IF_ERROR(share.CheckAlive());
    ASSIGN_OR_RETURN(const SeriesWindows in, source.Read(series, buffers));
    RETURN_IF_ERROR(share.Load(CostOf(buffers.columns), source.from_storage()));
    for (size_t step = 0; step < steps.count; ++step) {
      const size_t samples = in.windows[step].last - in.windows[step].first;
      if (samples > 0) present[step] = true;
      share.CountLooked(step, samples);
    }
  }
  const auto* matrix = WithoutParens(*node.expr->As<Call>()->args[0]).As<MatrixSelector>();
  return OnesWhereAbsent(
      matrix == nullptr ? Labels() : LabelsOfMatchers(*matrix->selector, evaluator.symbols()),
      steps.count, present);
}

// The time of the sample behind a selector; of the evaluation for anything that is computed.
Result<Block> SpecialTimestamp(Evaluator& evaluator, const PlanNode& node, const Steps& steps) {
  Block block;
  const Expr& arg = WithoutParens(*node.expr->As<Call>()->args[0]);
  if (arg.As<VectorSelector>() != nullptr) {
    ASSIGN_OR_RETURN(
        block, evaluator.ReadInstant(*node.inputs[0].node, steps, Evaluator::Read::kTimestamp));
  } else {
    ASSIGN_OR_RETURN(block, evaluator.Evaluate(node.inputs[0], steps));
    for (size_t series = 0; series < block.series(); ++series) {
      for (size_t step = 0; step < steps.count; ++step) {
        if (!block.Has(series, step)) continue;
        block.Set(series, step, static_cast<double>(steps.At(step)) / 1000);
      }
    }
  }
  RETURN_IF_ERROR(evaluator.DropNames(block, node));
  return block;
}

Result<Block> SpecialStartTimestamp(Evaluator& evaluator, const PlanNode& node,
                                    const Steps& steps) {
  const Expr& arg = WithoutParens(*node.expr->As<Call>()->args[0]);
  const bool known = evaluator.context().options.use_start_timestamps;
  if (!known || arg.As<VectorSelector>() == nullptr) return Block(steps.count);
  ASSIGN_OR_RETURN(Block block, evaluator.ReadInstant(*node.inputs[0].node, steps,
                                                      Evaluator::Read::kStartTimestamp));
  RETURN_IF_ERROR(evaluator.DropNames(block, node));
  return block;
}

}  // namespace tocsin::promql
