// Native histograms for the naive evaluator: buckets by index, in maps, without spans, hints and
// compensated sums.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/histogram.h"

namespace tocsin::testing_support {

struct NaiveHistogram {
  int schema = 0;
  std::vector<double> bounds;  // of custom buckets
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  // By index; populated ones only.
  std::map<int, double> positive;
  std::map<int, double> negative;

  bool custom() const { return schema == kCustomBucketsSchema; }
  friend bool operator==(const NaiveHistogram&, const NaiveHistogram&) = default;
};

NaiveHistogram Naively(const FloatHistogram& histogram);

// a + factor · b, in the layout that both can have; nothing when one has custom buckets alone.
std::optional<NaiveHistogram> Combined(const NaiveHistogram& a, double factor,
                                       const NaiveHistogram& b);
NaiveHistogram Scaled(NaiveHistogram histogram, double factor);
// Dividing by 0 leaves no buckets.
NaiveHistogram Divided(NaiveHistogram histogram, double divisor);
// What lies below the limit, or above it; naive_trim.cc.
NaiveHistogram Trimmed(const NaiveHistogram& histogram, double limit, bool below);
// "{count:3, sum:4.5, (0.5,1]:3}": the text that count_values makes a label of.
std::string TextOf(const NaiveHistogram& histogram);
// Whether it began to count anew since `before`.
bool IsReset(const NaiveHistogram& before, const NaiveHistogram& now);

// One bucket, in the order of its bounds; custom ones may begin at -Inf.
struct NaiveBucket {
  double lower;
  double upper;
  double count;
  bool holds_zero;
};
std::vector<NaiveBucket> BucketsOf(const NaiveHistogram& histogram);

double NaiveHistogramQuantile(double q, const NaiveHistogram& histogram);
double NaiveHistogramFraction(double lower, double upper, const NaiveHistogram& histogram);
double NaiveHistogramVariance(const NaiveHistogram& histogram);

}  // namespace tocsin::testing_support
