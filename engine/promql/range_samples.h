// What kernels of range functions share: the samples of one window, and the annotations about them.
#pragma once

#include <string>
#include <string_view>

#include "engine/model/histogram.h"
#include "engine/promql/function_table.h"
#include "engine/promql/quote.h"

namespace tocsin::promql {

// Whether sample `i` began to count anew after the sample before it, by its start timestamp: it
// lies between the two. At the very time of the sample before, that one's start has to be known,
// since this is also how a start that nobody knows is written.
inline bool StartsAnew(const SeriesWindows& in, uint32_t i) {
  if (in.start_ms.empty() || i == 0) return false;
  const int64_t start = in.start_ms[i];
  if (start == 0 || start >= in.t_ms[i]) return false;
  if (start != in.t_ms[i - 1]) return start > in.t_ms[i - 1];
  return in.start_ms[i - 1] != 0 && in.start_ms[i - 1] < in.t_ms[i - 1];
}

// Whether histograms that say "reset" and others that say "not reset" were added up.
struct ResetHints {
  bool reset = false;
  bool not_reset = false;
  void See(const FloatHistogram& histogram) {
    if (histogram.reset_hint == CounterResetHint::kReset) reset = true;
    if (histogram.reset_hint == CounterResetHint::kNotReset) not_reset = true;
  }
  bool Collide() const { return reset && not_reset; }
};

// The samples of one window.
class RangeSamples {
 public:
  RangeSamples(const SeriesWindows& in, const Window& window) : in_(in), window_(window) {}

  uint32_t first() const { return window_.first; }
  uint32_t last() const { return window_.last; }  // exclusive
  size_t size() const { return window_.last - window_.first; }
  bool empty() const { return window_.first == window_.last; }

  const FloatHistogram* histogram(uint32_t i) const {
    return in_.histograms.empty() ? nullptr : in_.histograms[i].get();
  }
  size_t CountHistograms() const {
    if (in_.histograms.empty()) return 0;
    size_t count = 0;
    for (uint32_t i = first(); i < last(); ++i) count += in_.histograms[i] != nullptr ? 1 : 0;
    return count;
  }

 private:
  const SeriesWindows& in_;
  const Window& window_;
};

// Annotations about a series; they stand at the range argument.
class RangeNotes {
 public:
  RangeNotes(const CallContext& context, const SeriesWindows& in, size_t range_arg = 0)
      : context_(context), in_(in), range_arg_(range_arg) {}

  std::string name() const {
    return std::string(context_.symbols.Text(in_.labels.Get(context_.metric_name)));
  }
  void Mixed() const {
    Warn("encountered a mix of histograms and floats for metric name " + Quote(name()));
  }
  void IgnoredHistograms() const {
    Info("ignored histograms in a range containing both floats and histograms for metric name " +
         Quote(name()));
  }
  void MixedBuckets() const {
    Warn(
        "vector contains a mix of histograms with exponential and custom buckets schemas for "
        "metric name " +
        Quote(name()));
  }
  void OverlappingStart() const {
    Warn("sample has start time that overlaps with previous sample timestamp for metric " +
         Quote(name()));
  }
  void NotCounter() const {
    Warn("this native histogram metric is not a counter: " + Quote(name()));
  }
  void NotGauge() const { Warn("this native histogram metric is not a gauge: " + Quote(name())); }
  void ResetCollision() const { Warn("conflicting counter resets during histogram aggregation"); }
  // `operation`: "addition", "subtraction", "aggregation".
  void ReconciledBounds(std::string_view operation) const {
    Info("mismatched custom buckets were reconciled during " + std::string(operation));
  }
  void Warn(const std::string& text) const {
    context_.annotations.Warn("PromQL warning: " + text, context_.arg_positions[range_arg_]);
  }
  void Info(const std::string& text) const {
    context_.annotations.Info("PromQL info: " + text, context_.arg_positions[range_arg_]);
  }

 private:
  const CallContext& context_;
  const SeriesWindows& in_;
  const size_t range_arg_;
};

}  // namespace tocsin::promql
