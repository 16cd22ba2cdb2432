// Samples: a value at a time, and the columns in which many of them travel.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace tocsin {

struct FloatHistogram;  // engine/model/histogram.h

// Marks the end of a series: a NaN with these bits. Prometheus' model/value/value.go.
constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
// The NaN that arithmetic and parsers give.
constexpr uint64_t kNormalNanBits = 0x7ff8000000000001;
inline double StaleNan() { return std::bit_cast<double>(kStaleNanBits); }
inline double NormalNan() { return std::bit_cast<double>(kNormalNanBits); }
inline bool IsStaleNan(double v) { return std::bit_cast<uint64_t>(v) == kStaleNanBits; }

struct Sample {
  int64_t t_ms = 0;
  double value = 0;
};

using HistogramPtr = std::shared_ptr<const FloatHistogram>;

// Decoded samples of one series, oldest first. `histograms` and `start_ms` are either empty or as
// long as `t_ms`; where histograms[i] is not null it is the sample, and values[i] is NaN.
// A staleness marker is a float sample with StaleNan(), also in a histogram series.
struct SampleColumns {
  std::vector<int64_t> t_ms;
  std::vector<double> values;
  std::vector<HistogramPtr> histograms;
  // Start timestamps ("created"), 0 where unknown.
  std::vector<int64_t> start_ms;

  size_t size() const { return t_ms.size(); }
  void clear() {
    t_ms.clear();
    values.clear();
    histograms.clear();
    start_ms.clear();
  }
};

// Both ends inclusive, milliseconds.
struct TimeRange {
  int64_t min_ms = std::numeric_limits<int64_t>::min();
  int64_t max_ms = std::numeric_limits<int64_t>::max();
  bool Contains(int64_t t) const { return t >= min_ms && t <= max_ms; }
};

}  // namespace tocsin
