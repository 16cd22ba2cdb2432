// Latencies with a bounded relative error, in a fixed amount of memory.
//
// The layout is that of HdrHistogram (Gil Tene): every power of two of microseconds is divided
// into 1024 equal cells, so that a value is known to a thousandth, and recording is an addition.
// 0 … 2047 µs have a cell each; longer than an hour counts as an hour.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace tocsin::delivery {

// Not thread-safe: each thread fills one of its own, Merge brings them together.
class LatencyHistogram {
 public:
  using Latency = std::chrono::nanoseconds;

  LatencyHistogram();

  void Record(Latency latency);
  void Merge(const LatencyHistogram& other);

  uint64_t count() const { return count_; }
  // All 0 when nothing was recorded.
  Latency Max() const { return max_; }
  Latency Min() const { return count_ == 0 ? Latency(0) : min_; }
  Latency Mean() const;
  // The smallest value that at least this fraction (0 … 1) of all latencies does not exceed; never
  // more than Max().
  Latency Quantile(double fraction) const;

 private:
  std::vector<uint64_t> cells_;
  uint64_t count_ = 0;
  double total_us_ = 0;
  Latency max_{0};
  Latency min_ = Latency::max();
};

}  // namespace tocsin::delivery
