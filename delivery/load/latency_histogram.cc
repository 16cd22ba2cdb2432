#include "delivery/load/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tocsin::delivery {
namespace {

constexpr uint64_t kCellsPerPower = 1024;
constexpr uint64_t kLinear = 2 * kCellsPerPower;
constexpr uint64_t kLongestUs = 3'600'000'000;

size_t CellOf(uint64_t us) {
  if (us < kLinear) return us;
  const int shift = std::bit_width(us) - std::bit_width(kLinear - 1);
  return static_cast<size_t>(shift) * kCellsPerPower + (us >> shift);
}

// The largest value that belongs to the cell.
uint64_t EndOf(size_t cell) {
  if (cell < kLinear) return cell;
  const size_t shift = cell / kCellsPerPower - 1;
  const uint64_t top = cell - shift * kCellsPerPower;
  return ((top + 1) << shift) - 1;
}

}  // namespace

LatencyHistogram::LatencyHistogram() : cells_(CellOf(kLongestUs) + 1) {}

void LatencyHistogram::Record(Latency latency) {
  latency = std::max(latency, Latency(0));
  const auto us = static_cast<uint64_t>((latency.count() + 500) / 1000);
  ++cells_[CellOf(std::min(us, kLongestUs))];
  ++count_;
  total_us_ += static_cast<double>(latency.count()) / 1000;
  max_ = std::max(max_, latency);
  min_ = std::min(min_, latency);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (size_t i = 0; i < cells_.size(); ++i) cells_[i] += other.cells_[i];
  count_ += other.count_;
  total_us_ += other.total_us_;
  max_ = std::max(max_, other.max_);
  min_ = std::min(min_, other.min_);
}

LatencyHistogram::Latency LatencyHistogram::Mean() const {
  if (count_ == 0) return Latency(0);
  return Latency(std::llround(total_us_ * 1000 / static_cast<double>(count_)));
}

LatencyHistogram::Latency LatencyHistogram::Quantile(double fraction) const {
  if (count_ == 0) return Latency(0);
  const double exact = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_);
  const uint64_t wanted = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(exact)));
  uint64_t seen = 0;
  for (size_t cell = 0; cell < cells_.size(); ++cell) {
    seen += cells_[cell];
    if (seen >= wanted) return std::min(Latency(EndOf(cell) * 1000), max_);
  }
  return max_;
}

}  // namespace tocsin::delivery
