#include "tests/support/naive_histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/go_float.h"

namespace tocsin::testing_support {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// The upper bound of an exponential bucket.
double UpperBound(int index, int schema) { return std::exp2(std::ldexp(index, -schema)); }

std::map<int, double> ByIndex(const std::vector<HistogramSpan>& spans,
                              const std::vector<double>& counts) {
  std::map<int, double> buckets;
  int index = 0;
  size_t next = 0;
  for (const HistogramSpan& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i, ++index) {
      if (counts[next] != 0) buckets[index] = counts[next];
      ++next;
    }
  }
  return buckets;
}

// Twice as wide buckets: two become one.
NaiveHistogram Coarser(const NaiveHistogram& histogram) {
  NaiveHistogram coarser = histogram;
  --coarser.schema;
  coarser.positive.clear();
  coarser.negative.clear();
  const auto merged = [](int index) { return static_cast<int>(std::ceil(index / 2.0)); };
  for (const auto& [index, count] : histogram.positive) coarser.positive[merged(index)] += count;
  for (const auto& [index, count] : histogram.negative) coarser.negative[merged(index)] += count;
  return coarser;
}

// The zero bucket takes all buckets that begin below the threshold; a populated one that it would
// cut moves the threshold to its end.
NaiveHistogram WithZeroBucket(NaiveHistogram histogram, double threshold) {
  bool moved = true;
  while (moved) {
    moved = false;
    for (std::map<int, double>* side : {&histogram.positive, &histogram.negative}) {
      while (!side->empty()) {
        const auto [index, count] = *side->begin();
        if (UpperBound(index - 1, histogram.schema) >= threshold) break;
        histogram.zero_count += count;
        if (UpperBound(index, histogram.schema) > threshold) {
          threshold = UpperBound(index, histogram.schema);
          moved = true;
        }
        side->erase(side->begin());
      }
    }
  }
  histogram.zero_threshold = threshold;
  return histogram;
}

// With those bounds, which are among its own.
NaiveHistogram WithBounds(const NaiveHistogram& histogram, const std::vector<double>& bounds) {
  NaiveHistogram fewer = histogram;
  fewer.bounds = bounds;
  fewer.positive.clear();
  for (const auto& [index, count] : histogram.positive) {
    const auto i = static_cast<size_t>(index);
    const double upper = i < histogram.bounds.size() ? histogram.bounds[i] : kInf;
    int to = 0;
    for (const double bound : bounds) to += bound < upper ? 1 : 0;
    fewer.positive[to] += count;
  }
  return fewer;
}

std::vector<double> CommonBounds(const NaiveHistogram& a, const NaiveHistogram& b) {
  std::vector<double> common;
  for (const double bound : a.bounds) {
    if (std::ranges::find(b.bounds, bound) != b.bounds.end()) common.push_back(bound);
  }
  return common;
}

// Both in the layout that both can have.
bool Align(NaiveHistogram& a, NaiveHistogram& b) {
  if (a.custom() != b.custom()) return false;
  if (a.custom()) {
    const std::vector<double> common = CommonBounds(a, b);
    a = WithBounds(a, common);
    b = WithBounds(b, common);
    return true;
  }
  while (a.zero_threshold != b.zero_threshold) {
    const double wider = std::max(a.zero_threshold, b.zero_threshold);
    if (a.zero_threshold < wider) a = WithZeroBucket(a, wider);
    if (b.zero_threshold < wider) b = WithZeroBucket(b, wider);
  }
  while (a.schema > b.schema) a = Coarser(a);
  while (b.schema > a.schema) b = Coarser(b);
  return true;
}

void DropEmpty(NaiveHistogram& histogram) {
  std::erase_if(histogram.positive, [](const auto& entry) { return entry.second == 0; });
  std::erase_if(histogram.negative, [](const auto& entry) { return entry.second == 0; });
}

bool AnyFell(const std::map<int, double>& before, const std::map<int, double>& now) {
  return std::ranges::any_of(before, [&](const auto& entry) {
    const auto found = now.find(entry.first);
    return found == now.end() || found->second < entry.second;
  });
}

}  // namespace

NaiveHistogram Naively(const FloatHistogram& histogram) {
  return {.schema = histogram.schema,
          .bounds = histogram.custom_bounds,
          .zero_threshold = histogram.zero_threshold,
          .zero_count = histogram.zero_count,
          .count = histogram.count,
          .sum = histogram.sum,
          .positive = ByIndex(histogram.positive_spans, histogram.positive_buckets),
          .negative = ByIndex(histogram.negative_spans, histogram.negative_buckets)};
}

std::optional<NaiveHistogram> Combined(const NaiveHistogram& a, double factor,
                                       const NaiveHistogram& b) {
  NaiveHistogram left = a;
  NaiveHistogram right = b;
  if (!Align(left, right)) return std::nullopt;
  left.zero_count += factor * right.zero_count;
  left.count += factor * right.count;
  left.sum += factor * right.sum;
  for (const auto& [index, count] : right.positive) left.positive[index] += factor * count;
  for (const auto& [index, count] : right.negative) left.negative[index] += factor * count;
  DropEmpty(left);
  return left;
}

NaiveHistogram Scaled(NaiveHistogram histogram, double factor) {
  histogram.zero_count *= factor;
  histogram.count *= factor;
  histogram.sum *= factor;
  for (auto& [index, count] : histogram.positive) count *= factor;
  for (auto& [index, count] : histogram.negative) count *= factor;
  DropEmpty(histogram);
  return histogram;
}

NaiveHistogram Divided(NaiveHistogram histogram, double divisor) {
  histogram.zero_count /= divisor;
  histogram.count /= divisor;
  histogram.sum /= divisor;
  for (auto& [index, count] : histogram.positive) count /= divisor;
  for (auto& [index, count] : histogram.negative) count /= divisor;
  if (divisor == 0) {
    histogram.positive.clear();
    histogram.negative.clear();
  }
  DropEmpty(histogram);
  return histogram;
}

bool IsReset(const NaiveHistogram& before, const NaiveHistogram& now) {
  if (now.count < before.count) return true;
  if (now.custom() && !before.custom()) return true;
  if (!now.custom() && before.custom()) return now.schema > before.schema;
  if (now.custom()) {
    const std::vector<double> common = CommonBounds(now, before);
    return AnyFell(WithBounds(before, common).positive, WithBounds(now, common).positive);
  }
  if (now.schema > before.schema || now.zero_threshold < before.zero_threshold) return true;
  NaiveHistogram old = WithZeroBucket(before, now.zero_threshold);
  if (old.zero_threshold != now.zero_threshold || now.zero_count < old.zero_count) return true;
  while (old.schema > now.schema) old = Coarser(old);
  return AnyFell(old.positive, now.positive) || AnyFell(old.negative, now.negative);
}

std::vector<NaiveBucket> BucketsOf(const NaiveHistogram& histogram) {
  std::vector<NaiveBucket> buckets;
  if (histogram.custom()) {
    for (const auto& [index, count] : histogram.positive) {
      const auto i = static_cast<size_t>(index);
      const double lower = i == 0 ? -kInf : histogram.bounds[i - 1];
      const double upper = i < histogram.bounds.size() ? histogram.bounds[i] : kInf;
      buckets.push_back({lower, upper, count, lower <= 0 && upper >= 0});
    }
    return buckets;
  }
  for (const auto& [index, count] : histogram.negative) {
    buckets.push_back({-UpperBound(index, histogram.schema),
                       -UpperBound(index - 1, histogram.schema), count, false});
  }
  std::ranges::reverse(buckets);
  if (histogram.zero_count != 0) {
    const double zero = histogram.zero_threshold;
    buckets.push_back({-zero, zero, histogram.zero_count, true});
    if (histogram.negative.empty() && !histogram.positive.empty()) buckets.back().lower = 0;
    if (histogram.positive.empty() && !histogram.negative.empty()) buckets.back().upper = 0;
  }
  for (const auto& [index, count] : histogram.positive) {
    buckets.push_back({UpperBound(index - 1, histogram.schema), UpperBound(index, histogram.schema),
                       count, false});
  }
  return buckets;
}

std::string TextOf(const NaiveHistogram& histogram) {
  std::string text = "{count:" + FormatGoV(histogram.count) + ", sum:" + FormatGoV(histogram.sum);
  for (const NaiveBucket& bucket : BucketsOf(histogram)) {
    const bool zero = bucket.holds_zero && !histogram.custom();
    const bool lower = zero || (!histogram.custom() && bucket.upper <= 0) || bucket.lower == -kInf;
    const bool upper = zero || bucket.upper > 0 || histogram.custom();
    const double from = zero ? -histogram.zero_threshold : bucket.lower;
    const double to = zero ? histogram.zero_threshold : bucket.upper;
    text += lower ? ", [" : ", (";
    text += FormatGoV(from) + "," + FormatGoV(to) + (upper ? "]:" : "):");
    text += FormatGoV(bucket.count);
  }
  return text + "}";
}

namespace {

// The value below which the fraction of the bucket's observations lies.
double ValueAt(const NaiveHistogram& histogram, const NaiveBucket& bucket, double fraction) {
  if (histogram.custom() || bucket.holds_zero) {
    return bucket.lower + (bucket.upper - bucket.lower) * fraction;
  }
  const double low = std::log2(std::fabs(bucket.lower));
  const double high = std::log2(std::fabs(bucket.upper));
  return std::copysign(std::exp2(low + (high - low) * fraction), bucket.lower);
}

// Which fraction of the bucket's observations lies below the value.
double FractionBelow(const NaiveHistogram& histogram, const NaiveBucket& bucket, double value) {
  if (histogram.custom() || bucket.holds_zero) {
    return (value - bucket.lower) / (bucket.upper - bucket.lower);
  }
  const double low = std::log2(std::fabs(bucket.lower));
  const double high = std::log2(std::fabs(bucket.upper));
  return (std::log2(std::fabs(value)) - low) / (high - low);
}

}  // namespace

double NaiveHistogramQuantile(double q, const NaiveHistogram& histogram) {
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  if (histogram.count == 0 || std::isnan(q)) return kNan;
  std::vector<NaiveBucket> buckets = BucketsOf(histogram);
  if (buckets.empty()) return kNan;
  // Counted from the nearer end.
  const bool from_top = q >= 0.5;
  if (from_top) std::ranges::reverse(buckets);
  const double rank = (from_top ? 1 - q : q) * histogram.count;
  double reached = 0;
  NaiveBucket found{};
  for (const NaiveBucket& bucket : buckets) {
    found = bucket;
    reached += bucket.count;
    if (reached >= rank) break;
  }
  const double above_lower = from_top ? reached - rank : rank - (reached - found.count);
  if (histogram.custom()) {
    if (found.lower == -kInf) {
      if (found.upper <= 0) return found.upper;
      found.lower = 0;
    } else if (found.upper == kInf) {
      return found.lower;
    }
  }
  if (reached < rank) return found.upper;
  return ValueAt(histogram, found, above_lower / found.count);
}

double NaiveHistogramFraction(double lower, double upper, const NaiveHistogram& histogram) {
  if (histogram.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const auto below = [&](double value) {
    double rank = 0;
    for (NaiveBucket bucket : BucketsOf(histogram)) {
      // As in classic histograms, what may begin at 0 does.
      if (bucket.lower == -kInf && bucket.upper >= 0) bucket.lower = 0;
      if (bucket.lower >= value) break;
      if (bucket.upper > value) {
        if (bucket.lower == -kInf) return bucket.count;
        return rank + bucket.count * FractionBelow(histogram, bucket, value);
      }
      rank += bucket.count;
    }
    return std::min(rank, histogram.count);
  };
  return (below(upper) - below(lower)) / histogram.count;
}

double NaiveHistogramVariance(const NaiveHistogram& histogram) {
  const double mean = histogram.sum / histogram.count;
  double squares = 0;
  for (const NaiveBucket& bucket : BucketsOf(histogram)) {
    double middle = 0;
    if (histogram.custom()) {
      middle = (bucket.lower + bucket.upper) / 2;
    } else if (!bucket.holds_zero) {
      middle = std::copysign(std::sqrt(bucket.lower * bucket.upper), bucket.lower);
    }
    squares += bucket.count * (middle - mean) * (middle - mean);
  }
  return squares / histogram.count;
}

}  // namespace tocsin::testing_support
