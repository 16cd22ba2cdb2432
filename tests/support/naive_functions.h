// The functions of the naive evaluator.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "tests/support/naive_promql.h"

namespace tocsin::testing_support {

// A series of a range vector: its samples within (start, end].
struct NaiveWindow {
  struct At {
    int64_t t_ms;
    NaiveNumber number;
  };
  LabelSet labels;
  std::vector<Sample> samples;  // the floats
  std::vector<At> all;          // floats and histograms
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

// The same of windows with histograms, by the functions that know them; nothing of the others,
// which look at the floats alone. Null when there is none of that name.
using NaiveHistogramFunction = std::optional<NaiveNumber> (*)(const NaiveWindow& window);
NaiveHistogramFunction FindNaiveHistogramFunction(std::string_view name);

// What increases the difference of the first and the last value of a window to that of its edges.
struct NaiveEdges {
  int64_t first_ms;
  int64_t last_ms;
  size_t samples;
  bool counter;
  double first;     // the value
  double increase;  // between first and last
};
double NaiveExtrapolation(const NaiveWindow& window, const NaiveEdges& edges);

// A function of one sample, with scalar arguments behind it.
using NaiveSampleFunction = double (*)(double value, const std::vector<double>& parameters);
NaiveSampleFunction FindNaiveSampleFunction(std::string_view name);

// The sum in which small and large numbers do not lose each other.
double NaiveSum(const std::vector<double>& values);
double NaiveQuantile(double q, std::vector<double> values);
double NaiveVariance(const std::vector<double>& values);

// naive_classic.cc: the count of each bucket by its upper bound.
using NaiveBuckets = std::map<double, double>;
double NaiveBucketQuantile(double q, const NaiveBuckets& buckets);
double NaiveBucketFraction(double lower, double upper, const NaiveBuckets& buckets);

}  // namespace tocsin::testing_support
