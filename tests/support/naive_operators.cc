#include "tests/support/naive_operators.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/naive_functions.h"

namespace tocsin::testing_support {
namespace {

using promql::AggregateOp;
using promql::BinaryOp;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::optional<NaiveNumber> OfBoth(BinaryOp op, const NaiveHistogram& a, const NaiveHistogram& b) {
  if (op == BinaryOp::kEqual) return NaiveNumber{a == b ? 1.0 : 0.0, nullptr};
  if (op == BinaryOp::kNotEqual) return NaiveNumber{a == b ? 0.0 : 1.0, nullptr};
  if (op != BinaryOp::kAdd && op != BinaryOp::kSub) return std::nullopt;
  const auto combined = Combined(a, op == BinaryOp::kAdd ? 1 : -1, b);
  if (!combined) return std::nullopt;
  return OfHistogram(*combined);
}

bool IsTrim(BinaryOp op) { return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower; }

// The variance, with the rounding errors that Prometheus has.
double Welford(const std::vector<double>& values) {
  double count = 0;
  double mean = 0;
  double squares = 0;
  for (const double v : values) {
    const double delta = v - mean;
    mean += delta / ++count;
    squares += delta * (v - mean);
  }
  return squares / count;
}

double Extreme(AggregateOp op, std::vector<double> values) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  if (values.empty()) return kNan;
  return op == AggregateOp::kMin ? std::ranges::min(values) : std::ranges::max(values);
}

Result<double> OfFloats(AggregateOp op, double parameter, const std::vector<double>& values) {
  switch (op) {
    case AggregateOp::kSum:
      return NaiveSum(values);
    case AggregateOp::kAvg:
      return NaiveSum(values) / static_cast<double>(values.size());
    case AggregateOp::kMin:
    case AggregateOp::kMax:
      return Extreme(op, values);
    case AggregateOp::kStdvar:
      return Welford(values);
    case AggregateOp::kStddev:
      return std::sqrt(Welford(values));
    case AggregateOp::kQuantile:
      return NaiveQuantile(parameter, values);
    default:
      return InternalError("the naive evaluator does not know this aggregation");
  }
}

}  // namespace

NaiveNumber OfHistogram(NaiveHistogram histogram) {
  return {kNan, std::make_shared<const NaiveHistogram>(std::move(histogram))};
}

NaiveNumber Negated(const NaiveNumber& number) {
  return number.histogram != nullptr ? OfHistogram(Scaled(*number.histogram, -1))
                                     : NaiveNumber{-number.value, nullptr};
}

double NaiveCompute(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMod:
      return std::fmod(a, b);
    case BinaryOp::kPow:
      return std::pow(a, b);
    case BinaryOp::kAtan2:
      return std::atan2(a, b);
    case BinaryOp::kEqual:
      return a == b ? 1 : 0;
    case BinaryOp::kNotEqual:
      return a != b ? 1 : 0;
    case BinaryOp::kLess:
      return a < b ? 1 : 0;
    case BinaryOp::kLessEqual:
      return a <= b ? 1 : 0;
    case BinaryOp::kGreater:
      return a > b ? 1 : 0;
    case BinaryOp::kGreaterEqual:
      return a >= b ? 1 : 0;
    default:
      return kNan;
  }
}

std::optional<NaiveNumber> NaiveCompute(const promql::Binary& binary, const NaiveNumber& a,
                                        const NaiveNumber& b) {
  std::optional<NaiveNumber> result;
  if (a.histogram != nullptr && b.histogram != nullptr) {
    result = OfBoth(binary.op, *a.histogram, *b.histogram);
  } else if (a.histogram != nullptr && binary.op == BinaryOp::kMul) {
    result = OfHistogram(Scaled(*a.histogram, b.value));
  } else if (IsTrim(binary.op)) {
    if (a.histogram == nullptr || b.histogram != nullptr) return std::nullopt;
    return OfHistogram(Trimmed(*a.histogram, b.value, binary.op == BinaryOp::kTrimUpper));
  } else if (a.histogram != nullptr && binary.op == BinaryOp::kDiv) {
    result = OfHistogram(Divided(*a.histogram, b.value));
  } else if (b.histogram != nullptr && binary.op == BinaryOp::kMul) {
    result = OfHistogram(Scaled(*b.histogram, a.value));
  } else if (a.histogram == nullptr && b.histogram == nullptr) {
    result = NaiveNumber{NaiveCompute(binary.op, a.value, b.value), nullptr};
  }
  const bool filters = IsComparison(binary.op) && !binary.return_bool;
  if (result && filters && result->value != 1) return std::nullopt;
  return result;
}

std::optional<NaiveHistogram> NaiveHistogramSum(const std::vector<NaiveHistogramPtr>& histograms) {
  std::optional<NaiveHistogram> sum = *histograms.front();
  for (size_t i = 1; i < histograms.size() && sum; ++i) sum = Combined(*sum, 1, *histograms[i]);
  return sum;
}

Result<std::optional<NaiveNumber>> NaiveTotal(AggregateOp op, double parameter,
                                              const std::vector<NaiveNumber>& members) {
  using Total = std::optional<NaiveNumber>;
  std::vector<double> floats;
  std::vector<NaiveHistogramPtr> histograms;
  for (const NaiveNumber& member : members) {
    if (member.histogram != nullptr) {
      histograms.push_back(member.histogram);
    } else {
      floats.push_back(member.value);
    }
  }
  if (op == AggregateOp::kGroup) return Total(NaiveNumber{1, nullptr});
  if (op == AggregateOp::kCount || op == AggregateOp::kCountValues) {
    return Total(NaiveNumber{static_cast<double>(members.size()), nullptr});
  }
  if (!histograms.empty() && (op == AggregateOp::kSum || op == AggregateOp::kAvg)) {
    if (!floats.empty()) return Total();
    const std::optional<NaiveHistogram> sum = NaiveHistogramSum(histograms);
    if (!sum) return Total();
    return Total(OfHistogram(
        op == AggregateOp::kSum ? *sum : Divided(*sum, static_cast<double>(histograms.size()))));
  }
  if (floats.empty()) return Total();
  ASSIGN_OR_RETURN(const double total, OfFloats(op, parameter, floats));
  return Total(NaiveNumber{total, nullptr});
}

}  // namespace tocsin::testing_support
