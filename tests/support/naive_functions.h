// The functions of the naive evaluator.
#pragma once

#include <string_view>
#include <vector>

#include "tests/support/naive_promql.h"

namespace tocsin::testing_support {

// A series of a range vector: its samples within (start, end].
struct NaiveWindow {
  LabelSet labels;
  std::vector<Sample> samples;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
};

// A function of one series of a range vector; nothing when it gives no value. `parameters` are the
// scalar arguments in their order.
struct NaiveRangeCall {
  const NaiveWindow& window;
  const std::vector<double>& parameters;
  int64_t t_ms;
};
using NaiveRangeFunction = std::optional<double> (*)(const NaiveRangeCall& call);
// Null when there is none of that name.
NaiveRangeFunction FindNaiveRangeFunction(std::string_view name);

// A function of one sample, with scalar arguments behind it.
using NaiveSampleFunction = double (*)(double value, const std::vector<double>& parameters);
NaiveSampleFunction FindNaiveSampleFunction(std::string_view name);

// The sum in which small and large numbers do not lose each other.
double NaiveSum(const std::vector<double>& values);
double NaiveQuantile(double q, std::vector<double> values);
double NaiveVariance(const std::vector<double>& values);

}  // namespace tocsin::testing_support
