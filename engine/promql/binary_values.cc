// Binary operators on single values.
#include <cmath>

#include "engine/model/histogram.h"
#include "engine/promql/binary.h"

namespace tocsin::promql {

bool DropsName(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
    case BinaryOp::kMul:
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
    case BinaryOp::kPow:
    case BinaryOp::kAtan2:
      return true;
    case BinaryOp::kEqual:
    case BinaryOp::kNotEqual:
    case BinaryOp::kLess:
    case BinaryOp::kLessEqual:
    case BinaryOp::kGreater:
    case BinaryOp::kGreaterEqual:
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kUnless:
    case BinaryOp::kTrimUpper:
    case BinaryOp::kTrimLower:
      return false;
  }
  return false;
}

bool ValueOperator::ApplyFloats(double lhs, double rhs, double& result) const {
  bool holds = true;
  result = lhs;
  switch (op_) {
    case BinaryOp::kAdd:
      result = lhs + rhs;
      return true;
    case BinaryOp::kSub:
      result = lhs - rhs;
      return true;
    case BinaryOp::kMul:
      result = lhs * rhs;
      return true;
    case BinaryOp::kDiv:
      result = lhs / rhs;
      return true;
    case BinaryOp::kMod:
      result = std::fmod(lhs, rhs);
      return true;
    case BinaryOp::kPow:
      result = std::pow(lhs, rhs);
      return true;
    case BinaryOp::kAtan2:
      result = std::atan2(lhs, rhs);
      return true;
    case BinaryOp::kEqual:
      holds = lhs == rhs;
      break;
    case BinaryOp::kNotEqual:
      holds = lhs != rhs;
      break;
    case BinaryOp::kLess:
      holds = lhs < rhs;
      break;
    case BinaryOp::kLessEqual:
      holds = lhs <= rhs;
      break;
    case BinaryOp::kGreater:
      holds = lhs > rhs;
      break;
    case BinaryOp::kGreaterEqual:
      holds = lhs >= rhs;
      break;
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kUnless:
    case BinaryOp::kTrimUpper:
    case BinaryOp::kTrimLower:
      return false;
  }
  if (!return_bool_) return holds;
  result = holds ? 1 : 0;
  return true;
}

ValueOperator::Answer ValueOperator::Apply(const Operand& lhs, const Operand& rhs) {
  if (lhs.histogram == nullptr && rhs.histogram == nullptr) {
    if (op_ == BinaryOp::kTrimUpper || op_ == BinaryOp::kTrimLower) return Incompatible(lhs, rhs);
    Answer answer;
    answer.keep = ApplyFloats(lhs.value, rhs.value, answer.value);
    return answer;
  }
  Answer answer = lhs.histogram != nullptr && rhs.histogram != nullptr
                      ? Histograms(*lhs.histogram, *rhs.histogram)
                      : HistogramAndFloat(lhs, rhs);
  if (!return_bool_ || answer.incompatible) return answer;
  return {.keep = true, .value = answer.keep ? 1.0 : 0.0};
}

ValueOperator::Answer ValueOperator::HistogramAndFloat(const Operand& lhs, const Operand& rhs) {
  const auto give = [](FloatHistogram histogram) {
    histogram.Compact();
    return Answer{true, 0, std::make_shared<const FloatHistogram>(std::move(histogram))};
  };
  if (op_ == BinaryOp::kMul) {
    FloatHistogram product = lhs.histogram != nullptr ? *lhs.histogram : *rhs.histogram;
    product.Mul(lhs.histogram != nullptr ? rhs.value : lhs.value);
    return give(std::move(product));
  }
  if (lhs.histogram == nullptr) return Incompatible(lhs, rhs);
  if (op_ == BinaryOp::kDiv) {
    FloatHistogram quotient = *lhs.histogram;
    quotient.Div(rhs.value);
    return give(std::move(quotient));
  }
  if (op_ == BinaryOp::kTrimUpper) return give(lhs.histogram->TrimmedAbove(rhs.value));
  if (op_ == BinaryOp::kTrimLower) return give(lhs.histogram->TrimmedBelow(rhs.value));
  return Incompatible(lhs, rhs);
}

ValueOperator::Answer ValueOperator::Histograms(const FloatHistogram& lhs,
                                                const FloatHistogram& rhs) {
  if (op_ == BinaryOp::kEqual || op_ == BinaryOp::kNotEqual) {
    const bool keep = lhs.Equals(rhs) == (op_ == BinaryOp::kEqual);
    return {keep, 0, keep ? std::make_shared<const FloatHistogram>(lhs) : nullptr};
  }
  if (op_ != BinaryOp::kAdd && op_ != BinaryOp::kSub) {
    return Incompatible({.histogram = &lhs}, {.histogram = &rhs});
  }
  const bool add = op_ == BinaryOp::kAdd;
  auto result = std::make_shared<FloatHistogram>(lhs);
  const HistogramMerge merge = add ? result->Add(rhs) : result->Sub(rhs);
  if (!merge.compatible) {
    annotations_.Warn(
        "PromQL warning: incompatible bucket layout encountered for binary operator " +
            std::string(BinaryOpText(op_)),
        position_);
    return {};
  }
  const std::string operation = add ? "addition" : "subtraction";
  if (merge.reset_collision) {
    annotations_.Warn("PromQL warning: conflicting counter resets during histogram " + operation,
                      position_);
  }
  if (merge.bounds_reconciled) {
    annotations_.Info("PromQL info: mismatched custom buckets were reconciled during " + operation,
                      position_);
  }
  if (!add) result->reset_hint = CounterResetHint::kGauge;
  result->Compact();
  return {true, 0, std::move(result)};
}

ValueOperator::Answer ValueOperator::Incompatible(const Operand& lhs, const Operand& rhs) {
  const auto type = [](const Operand& operand) {
    return operand.histogram != nullptr ? "histogram" : "float";
  };
  const std::string op(BinaryOpText(op_));
  annotations_.Info("PromQL info: incompatible sample types encountered for binary operator \"" +
                        op + "\": " + type(lhs) + " " + op + " " + type(rhs),
                    position_);
  return {.incompatible = true};
}

}  // namespace tocsin::promql
