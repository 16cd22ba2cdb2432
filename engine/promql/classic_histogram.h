// Estimates from the cumulative buckets of a classic histogram.
//
// Source: Prometheus' promql/quantile.go.
#pragma once

#include <vector>

namespace tocsin::promql {

struct ClassicBucket {
  double upper_bound;
  double count;  // of this bucket and all below
};

// What had to be done to buckets whose counts fell.
struct MonotonicityFix {
  bool forced = false;
  double min_bucket = 0;
  double max_bucket = 0;
  double max_difference = 0;
};

struct ClassicQuantile {
  double value;
  MonotonicityFix fix = {};
};

// Both sort the buckets and add up those of equal bounds. NaN without a bucket for +Inf or without
// observations; a quantile also with less than two buckets. Only a quantile needs monotonic counts.
ClassicQuantile BucketQuantile(double q, std::vector<ClassicBucket>& buckets);
double BucketFraction(double lower, double upper, std::vector<ClassicBucket>& buckets);

}  // namespace tocsin::promql
