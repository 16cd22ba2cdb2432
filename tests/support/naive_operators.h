// The operators and aggregations of the naive evaluator, on single values.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "engine/promql/ast.h"
#include "tests/support/naive_histogram.h"

namespace tocsin::testing_support {

using NaiveHistogramPtr = std::shared_ptr<const NaiveHistogram>;

// A float, or a histogram when that is not null.
struct NaiveNumber {
  double value = 0;
  NaiveHistogramPtr histogram;
};

NaiveNumber OfHistogram(NaiveHistogram histogram);
NaiveNumber Negated(const NaiveNumber& number);

double NaiveCompute(promql::BinaryOp op, double a, double b);
// What an operator makes of two values; a comparison without bool gives 1 when it holds and nothing
// when not, so that the caller can put the value there that it keeps.
std::optional<NaiveNumber> NaiveCompute(const promql::Binary& binary, const NaiveNumber& a,
                                        const NaiveNumber& b);

// The value of a group; nothing when its members have none together.
Result<std::optional<NaiveNumber>> NaiveTotal(promql::AggregateOp op, double parameter,
                                              const std::vector<NaiveNumber>& members);
// The sum of histograms; nothing when they cannot be added.
std::optional<NaiveHistogram> NaiveHistogramSum(const std::vector<NaiveHistogramPtr>& histograms);

}  // namespace tocsin::testing_support
