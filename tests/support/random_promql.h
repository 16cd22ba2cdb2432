// Random expressions of PromQL over random data, for comparisons of evaluators.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/naive_promql.h"

namespace tocsin::testing_support {

// The data begin at this time and last for half an hour.
constexpr int64_t kRandomDataStartMs = 1'000'000'000;
constexpr int64_t kRandomDataLengthMs = 30 * 60'000;

using RandomSource = std::mt19937_64;

// Gauges g and h, the counter c_total, with gaps, staleness markers, NaN and restarts. No two
// series have the same value at the same time, so that the order of elements never depends on the
// evaluator.
std::vector<NaiveSeries> RandomSeries(RandomSource& random);

// A scalar or an instant vector of the data above, in the language of the naive evaluator.
std::string RandomExpression(RandomSource& random);

}  // namespace tocsin::testing_support
