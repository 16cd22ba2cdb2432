// The operators </ and >/ for the naive evaluator.
#include <cmath>
#include <limits>

#include "tests/support/naive_histogram.h"

namespace tocsin::testing_support {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// A part of a bucket: how many observations lie there, and around which value.
struct Part {
  double count;
  double middle;
};

// Where observations of an exponential bucket lie evenly on the logarithmic scale, those of other
// buckets on the linear one.
double FractionBelow(const NaiveBucket& bucket, double limit, bool logarithmic) {
  if (!logarithmic) return (limit - bucket.lower) / (bucket.upper - bucket.lower);
  const double low = std::log2(std::fabs(bucket.lower));
  const double high = std::log2(std::fabs(bucket.upper));
  return (std::log2(std::fabs(limit)) - low) / (high - low);
}

double Middle(double lower, double upper, bool logarithmic) {
  if (!logarithmic) return (lower + upper) / 2;
  return std::copysign(std::sqrt(std::fabs(lower * upper)), lower);
}

// The part of a bucket with two ends that lies below the limit, or above it.
Part Bounded(const NaiveBucket& bucket, double limit, bool below, bool logarithmic) {
  if (limit >= bucket.upper || limit <= bucket.lower) {
    const bool whole = below ? limit >= bucket.upper : limit <= bucket.lower;
    return {whole ? bucket.count : 0, Middle(bucket.lower, bucket.upper, logarithmic)};
  }
  if (std::isnan(limit)) return {0, 0};
  const double under = bucket.count * FractionBelow(bucket, limit, logarithmic);
  return below ? Part{under, Middle(bucket.lower, limit, logarithmic)}
               : Part{bucket.count - under, Middle(limit, bucket.upper, logarithmic)};
}

// The lowest bucket of custom ones, from -Inf. With a positive bound it is taken to begin at 0;
// otherwise nobody knows where its observations lie, and it stays or goes as a whole.
Part Lowest(const NaiveBucket& bucket, double limit, bool below) {
  if (std::isnan(limit)) return {0, 0};
  if (bucket.upper > 0 && bucket.upper != kInf) {
    const double middle = bucket.upper / 2;
    if (below && limit >= bucket.upper) return {bucket.count, middle};
    if (!below && limit == -kInf) return {bucket.count, middle};
    if (below ? limit <= 0 : limit >= bucket.upper) return {0, 0};
    if (!below && limit < 0) return {0, 0};
    const double under = bucket.count * limit / bucket.upper;
    return below ? Part{under, limit / 2} : Part{bucket.count - under, (limit + bucket.upper) / 2};
  }
  if (below) return {limit > -kInf ? bucket.count : 0, limit < bucket.upper ? limit : bucket.upper};
  return {limit == -kInf ? bucket.count : 0, bucket.upper};
}

// The highest one, to +Inf.
Part Highest(const NaiveBucket& bucket, double limit, bool below) {
  if (std::isnan(limit)) return {0, 0};
  if (below) return {limit == kInf ? bucket.count : 0, bucket.lower};
  if (limit == kInf) return {0, 0};
  return {bucket.count, limit >= bucket.lower ? limit : bucket.lower};
}

}  // namespace

NaiveHistogram Trimmed(const NaiveHistogram& histogram, double limit, bool below) {
  NaiveHistogram kept = histogram;
  kept.positive.clear();
  kept.negative.clear();
  kept.zero_count = 0;
  kept.count = 0;
  kept.sum = 0;
  bool changed = false;
  const auto take = [&](const NaiveBucket& bucket, bool logarithmic) {
    const Part part = bucket.lower == -kInf  ? Lowest(bucket, limit, below)
                      : bucket.upper == kInf ? Highest(bucket, limit, below)
                                             : Bounded(bucket, limit, below, logarithmic);
    kept.count += part.count;
    if (part.count != 0) kept.sum += part.count * part.middle;
    changed = changed || part.count != bucket.count;
    return part.count;
  };
  std::vector<NaiveBucket> buckets = BucketsOf(histogram);
  // In the order in which BucketsOf lists them.
  auto bucket = buckets.begin();
  for (auto side = histogram.negative.rbegin(); side != histogram.negative.rend(); ++side) {
    kept.negative[side->first] = take(*bucket++, true);
  }
  if (!histogram.custom() && histogram.zero_count != 0) kept.zero_count = take(*bucket++, false);
  for (const auto& [index, count] : histogram.positive) {
    kept.positive[index] = take(*bucket++, !histogram.custom());
  }
  if (!changed) return histogram;
  std::erase_if(kept.positive, [](const auto& entry) { return entry.second == 0; });
  std::erase_if(kept.negative, [](const auto& entry) { return entry.second == 0; });
  return kept;
}

}  // namespace tocsin::testing_support
