#include "engine/promql/query_result.h"

#include <algorithm>

namespace tocsin::promql {
namespace {

Point PointAt(const Block& block, size_t series, size_t step, int64_t t_ms) {
  return {t_ms, block.Value(series, step), block.Histogram(series, step)};
}

MatrixValue MatrixOf(Evaluator& evaluator, const Block& block) {
  const Steps& steps = evaluator.context().query_steps;
  MatrixValue matrix;
  for (size_t series = 0; series < block.series(); ++series) {
    if (!block.AnyPresent(series)) continue;
    MatrixElement& element = matrix.emplace_back();
    element.labels = block.labels(series).ToLabelSet(evaluator.symbols());
    element.points.reserve(block.CountPresent(series));
    if (!block.has_histograms()) {
      const std::span<const double> row = block.Row(series);
      for (size_t step = 0; step < block.steps(); ++step) {
        if (block.Has(series, step)) element.points.push_back({steps.At(step), row[step], {}});
      }
      continue;
    }
    for (size_t step = 0; step < block.steps(); ++step) {
      if (block.Has(series, step)) {
        element.points.push_back(PointAt(block, series, step, steps.At(step)));
      }
    }
  }
  std::ranges::sort(matrix, {}, &MatrixElement::labels);
  return matrix;
}

QueryValue ResultOf(Evaluator& evaluator, const Block& block, ValueType type) {
  if (evaluator.context().range_query) return MatrixOf(evaluator, block);
  const int64_t t_ms = evaluator.context().query_steps.start_ms;
  if (type == ValueType::kScalar) return ScalarValue{t_ms, block.Value(0, 0)};
  VectorValue vector;
  vector.reserve(block.series());
  for (size_t series = 0; series < block.series(); ++series) {
    if (!block.Has(series, 0)) continue;
    vector.push_back(
        {block.labels(series).ToLabelSet(evaluator.symbols()), PointAt(block, series, 0, t_ms)});
  }
  return vector;
}

// An instant query for a range vector: what its window holds.
Result<QueryValue> WindowResult(Evaluator& evaluator, const PlanNode& node) {
  ASSIGN_OR_RETURN(const RangeSource source,
                   evaluator.OpenRange(node, evaluator.context().query_steps));
  RangeSource::Buffers buffers;
  MatrixValue matrix;
  for (size_t series = 0; series < source.size(); ++series) {
    RETURN_IF_ERROR(evaluator.budget().CheckAlive());
    ASSIGN_OR_RETURN(const SeriesWindows in, source.Read(series, buffers));
    RETURN_IF_ERROR(evaluator.budget().Hold(CostOf(buffers.columns)));
    const Window& window = in.windows.front();
    if (window.first == window.last) continue;
    const Labels labels = source.drop_name(series) ? evaluator.WithoutName(in.labels) : in.labels;
    MatrixElement& element = matrix.emplace_back();
    element.labels = labels.ToLabelSet(evaluator.symbols());
    for (uint32_t i = window.first; i < window.last; ++i) {
      element.points.push_back(
          {in.t_ms[i], in.values[i], in.histograms.empty() ? nullptr : in.histograms[i]});
    }
  }
  std::ranges::sort(matrix, {}, &MatrixElement::labels);
  return QueryValue(std::move(matrix));
}

// Whether the expression puts its series in an order of its own. The others are sorted by labels,
// so that the first element of a result is the same one each time.
bool HasOrder(const Expr& expr) {
  const Expr& root = Unwrapped(expr);
  if (const Call* call = root.As<Call>()) return call->function->orders;
  if (const Aggregate* aggregate = root.As<Aggregate>()) {
    return aggregate->op == AggregateOp::kTopk || aggregate->op == AggregateOp::kBottomk;
  }
  // Comparisons with a number leave the order of their vector.
  if (const Binary* binary = root.As<Binary>()) {
    return HasOrder(*binary->lhs) || HasOrder(*binary->rhs);
  }
  return false;
}

}  // namespace

Result<QueryValue> ResultOfQuery(Evaluator& evaluator, const PlanEdge& root, const Expr& expr,
                                 QueryBudget& budget, Annotations& annotations) {
  evaluator.Attach(budget, annotations);
  if (const auto* text = Unwrapped(expr).As<StringLiteral>()) {
    return QueryValue(StringValue{evaluator.context().query_steps.start_ms, text->value});
  }
  if (expr.type == ValueType::kMatrix) return WindowResult(evaluator, *root.node);
  ASSIGN_OR_RETURN(Block block, evaluator.Evaluate(root, evaluator.context().query_steps));
  RETURN_IF_ERROR(evaluator.ApplyDelayedNames(block));
  QueryValue value = ResultOf(evaluator, block, expr.type);
  if (auto* vector = std::get_if<VectorValue>(&value); vector != nullptr && !HasOrder(expr)) {
    std::ranges::sort(*vector, {}, &VectorElement::labels);
  }
  return value;
}

}  // namespace tocsin::promql
