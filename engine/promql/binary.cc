// The binary operators, by the types of their sides.
#include "engine/promql/binary.h"

namespace tocsin::promql {
namespace {

Block CombineScalars(ValueOperator& op, const Block& lhs, const Block& rhs) {
  Block out = lhs;
  for (size_t step = 0; step < out.steps(); ++step) {
    double value = 0;
    op.ApplyFloats(lhs.Value(0, step), rhs.Value(0, step), value);
    out.Set(0, step, value);
  }
  return out;
}

// A comparison filters the vector, on whichever side it stands, and keeps its values.
Block CombineWithScalar(const Binary& binary, ValueOperator& op, Block vector, const Block& scalar,
                        bool scalar_left) {
  const bool filter = IsComparison(binary.op) && !binary.return_bool;
  for (size_t series = 0; series < vector.series(); ++series) {
    for (size_t step = 0; step < vector.steps(); ++step) {
      if (!vector.Has(series, step)) continue;
      const HistogramPtr histogram = vector.Histogram(series, step);
      const Operand own{vector.Value(series, step), histogram.get()};
      const Operand other{scalar.Value(0, step)};
      ValueOperator::Answer answer = scalar_left ? op.Apply(other, own) : op.Apply(own, other);
      if (!answer.keep) {
        vector.Clear(series, step);
      } else if (filter) {
        continue;
      } else if (answer.histogram != nullptr) {
        vector.Set(series, step, std::move(answer.histogram));
      } else {
        vector.Set(series, step, answer.value);
      }
    }
  }
  return vector;
}

}  // namespace

Result<Block> BinaryResult(Evaluator& evaluator, const PlanNode& node, const Steps& steps) {
  const Binary& binary = *node.expr->As<Binary>();
  ASSIGN_OR_RETURN(Block lhs, evaluator.Evaluate(node.inputs[0], steps));
  ASSIGN_OR_RETURN(Block rhs, evaluator.Evaluate(node.inputs[1], steps));
  if (IsSetOperator(binary.op)) return CombineSets(evaluator, node, lhs, rhs);
  const bool scalar_left = binary.lhs->type == ValueType::kScalar;
  const bool scalar_right = binary.rhs->type == ValueType::kScalar;
  if (!scalar_left && !scalar_right) return CombineVectors(evaluator, node, lhs, rhs);
  ValueOperator op(binary.op, binary.return_bool, node.position, evaluator.annotations());
  if (scalar_left && scalar_right) return CombineScalars(op, lhs, rhs);
  Block out = scalar_left ? CombineWithScalar(binary, op, std::move(rhs), lhs, true)
                          : CombineWithScalar(binary, op, std::move(lhs), rhs, false);
  if (DropsName(binary.op) || binary.return_bool) {
    RETURN_IF_ERROR(evaluator.DropNames(out, node));
  }
  return out;
}

}  // namespace tocsin::promql
