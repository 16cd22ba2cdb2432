#include "engine/promql/classic_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin::promql {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Prometheus' util/almost.
bool AlmostEqual(double a, double b, double epsilon) {
  constexpr double kSmallest = std::numeric_limits<double>::min();
  const double difference = std::fabs(a - b);
  const double sum = std::fabs(a) + std::fabs(b);
  if (a == 0 || b == 0 || sum < kSmallest) return difference < epsilon * kSmallest;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < epsilon;
}

void AddUpEqualBounds(std::vector<ClassicBucket>& buckets) {
  size_t kept = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[kept].upper_bound) {
      buckets[kept].count += buckets[i].count;
    } else {
      buckets[++kept] = buckets[i];
    }
  }
  if (!buckets.empty()) buckets.resize(kept + 1);
}

// Of sorted buckets with rising counts, the last of which is +Inf.
double QuantileOf(double q, const std::vector<ClassicBucket>& buckets) {
  double rank = q * buckets.back().count;
  const auto found = std::find_if(buckets.begin(), buckets.end() - 1,
                                  [rank](const ClassicBucket& b) { return b.count >= rank; });
  const auto index = static_cast<size_t>(found - buckets.begin());
  if (index == buckets.size() - 1) return buckets[index - 1].upper_bound;
  if (index == 0 && buckets[0].upper_bound <= 0) return buckets[0].upper_bound;
  double start = 0;
  double count = buckets[index].count;
  if (index > 0) {
    start = buckets[index - 1].upper_bound;
    count -= buckets[index - 1].count;
    rank -= buckets[index - 1].count;
  }
  return start + (buckets[index].upper_bound - start) * (rank / count);
}

// Buckets of equal bounds are added up.
void SortBuckets(std::vector<ClassicBucket>& buckets) {
  std::ranges::stable_sort(buckets, {}, &ClassicBucket::upper_bound);
  AddUpEqualBounds(buckets);
}

// Differences of less than 1e-12 of the counts are flattened without a word.
MonotonicityFix ForceMonotonicity(std::vector<ClassicBucket>& buckets) {
  MonotonicityFix fix;
  for (size_t i = 1; i < buckets.size(); ++i) {
    const double before = buckets[i - 1].count;
    const double count = buckets[i].count;
    if (AlmostEqual(before, count, 1e-12)) {
      buckets[i].count = before;
    } else if (count < before) {
      if (!fix.forced) fix.min_bucket = buckets[i].upper_bound;
      fix.max_bucket = buckets[i].upper_bound;
      fix.max_difference = std::max(fix.max_difference, before - count);
      fix.forced = true;
      buckets[i].count = before;
    }
  }
  return fix;
}

}  // namespace

ClassicQuantile BucketQuantile(double q, std::vector<ClassicBucket>& buckets) {
  if (std::isnan(q)) return {kNan};
  if (q < 0) return {-kInf};
  if (q > 1) return {kInf};
  SortBuckets(buckets);
  if (buckets.empty() || buckets.back().upper_bound != kInf) return {kNan};
  const MonotonicityFix fix = ForceMonotonicity(buckets);
  if (buckets.size() < 2 || buckets.back().count == 0) return {kNan};
  return {QuantileOf(q, buckets), fix};
}

double BucketFraction(double lower, double upper, std::vector<ClassicBucket>& buckets) {
  SortBuckets(buckets);
  if (buckets.empty() || buckets.back().upper_bound != kInf) return kNan;
  const double total = buckets.back().count;
  if (total == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  // How many observations lie below `v`.
  const auto rank_of = [&](double v) {
    double rank = 0;
    double start = buckets.front().upper_bound <= 0 ? -kInf : 0;
    for (const ClassicBucket& bucket : buckets) {
      const double end = bucket.upper_bound;
      if (start >= v) return rank;
      if (end > v) {
        if (std::isinf(start)) return bucket.count;
        return rank + (bucket.count - rank) * (v - start) / (end - start);
      }
      rank = bucket.count;
      start = end;
    }
    return total;
  };
  return (std::min(rank_of(upper), total) - std::min(rank_of(lower), total)) / total;
}

}  // namespace tocsin::promql
