// Native histograms: exponential buckets (schema -4 … 8) and custom bounds (schema -53).
//
// Source of format and arithmetic: Prometheus' model/histogram/float_histogram.go and the
// native-histogram specification (prometheus.io/docs/specs/native_histograms).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin {

constexpr int kCustomBucketsSchema = -53;

enum class CounterResetHint { kUnknown, kReset, kNotReset, kGauge };

// A run of consecutive buckets. The first span's offset is the index of its first bucket; a later
// one's is the gap to the end of the span before.
struct HistogramSpan {
  int32_t offset = 0;
  uint32_t length = 0;
  friend bool operator==(const HistogramSpan&, const HistogramSpan&) = default;
};

// Buckets hold absolute counts. Positive bucket i of schema s covers
// (2^((i-1)·2^-s), 2^(i·2^-s)]; with custom bounds, bucket i covers (bounds[i-1], bounds[i]].
struct FloatHistogram {
  CounterResetHint reset_hint = CounterResetHint::kUnknown;
  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<HistogramSpan> positive_spans;
  std::vector<HistogramSpan> negative_spans;
  std::vector<double> positive_buckets;
  std::vector<double> negative_buckets;
  // Upper bounds for kCustomBucketsSchema, without +Inf.
  std::vector<double> custom_bounds;
};

}  // namespace tocsin
