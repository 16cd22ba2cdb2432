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

// Sorts the buckets, adds up those of equal bounds and makes the counts monotonic. Differences of
// less than 1e-12 of the counts are flattened without a word.
MonotonicityFix PrepareBuckets(std::vector<ClassicBucket>& buckets);

// Of prepared buckets. NaN without a bucket for +Inf or without observations; a quantile also with
// less than two buckets.
double BucketQuantile(double q, const std::vector<ClassicBucket>& buckets);
double BucketFraction(double lower, double upper, const std::vector<ClassicBucket>& buckets);

}  // namespace tocsin::promql
