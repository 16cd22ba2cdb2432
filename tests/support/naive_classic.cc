// Quantiles and fractions of classic histograms, for the naive evaluator.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/naive_functions.h"

namespace tocsin::testing_support {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

bool NearlyEqual(double a, double b) {
  return a == b || std::fabs(a - b) / (std::fabs(a) + std::fabs(b)) < 1e-12;
}

// How many observations lie at or below each bound: never falling, however the counts came.
NaiveBuckets Repaired(const NaiveBuckets& buckets) {
  NaiveBuckets repaired = buckets;
  double highest = -kInf;
  for (auto& [bound, count] : repaired) {
    if (count < highest || NearlyEqual(count, highest)) count = highest;
    highest = count;
  }
  return repaired;
}

// Whether there is a bucket for everything, and anything in it.
bool IsComplete(const NaiveBuckets& buckets) {
  return !buckets.empty() && buckets.rbegin()->first == kInf && buckets.rbegin()->second != 0;
}

// How many observations lie below `v`, if those of a bucket lie evenly in it.
double CountBelow(double v, const NaiveBuckets& buckets) {
  double below = 0;
  double lower = -kInf;
  for (const auto& [upper, count] : buckets) {
    if (lower == -kInf && upper > 0) lower = 0;
    if (v >= upper) {
      below = count;
    } else if (v > lower) {
      if (lower == -kInf) return count;
      if (upper == kInf) return below;
      return below + (count - below) * (v - lower) / (upper - lower);
    } else {
      return below;
    }
    lower = upper;
  }
  return below;
}

}  // namespace

double NaiveBucketQuantile(double q, const NaiveBuckets& given) {
  if (std::isnan(q)) return kNan;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  const NaiveBuckets buckets = Repaired(given);
  if (!IsComplete(buckets) || buckets.size() < 2) return kNan;
  const double rank = q * buckets.rbegin()->second;
  double lower = 0;
  double below = 0;
  for (const auto& [upper, count] : buckets) {
    if (upper == kInf) break;
    if (count >= rank) {
      if (below == 0 && upper == buckets.begin()->first && upper <= 0) return upper;
      return lower + (upper - lower) * ((rank - below) / (count - below));
    }
    lower = upper;
    below = count;
  }
  return lower;
}

// Unlike a quantile, a fraction takes counts that fall as they are.
double NaiveBucketFraction(double lower, double upper, const NaiveBuckets& buckets) {
  if (!IsComplete(buckets) || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const double total = buckets.rbegin()->second;
  return (std::min(CountBelow(upper, buckets), total) -
          std::min(CountBelow(lower, buckets), total)) /
         total;
}

}  // namespace tocsin::testing_support
