// rate, increase and delta over anchored and smoothed ranges.
#pragma once

#include "engine/promql/function_table.h"

namespace tocsin::promql {

struct RateKind {
  bool counter;
  bool per_second;
};

// The difference between the values at the edges of each window: of an anchored range those of a
// sample at or before the edge, of a smoothed one those on the line between the samples around it.
// Whether floats came out.
//
// Source: Prometheus' extendedRate and extendedHistogramRate.
bool ExtendedRate(const CallContext& context, const SeriesWindows& in, RateKind kind,
                  RowWriter& out);

// The histogram at `t_ms` on the line from `low` to `high`. A counter that was reset between them
// began at 0 where `low` is.
struct HistogramAtTime {
  const FloatHistogram& histogram;
  int64_t t_ms;
};
struct OnHistogramLine {
  std::shared_ptr<FloatHistogram> histogram;  // null: exponential and custom buckets
  bool reconciled_sub = false;                // custom bounds differed
  bool reconciled_add = false;
};
OnHistogramLine InterpolateHistograms(HistogramAtTime low, HistogramAtTime high, int64_t t_ms,
                                      bool counter);

}  // namespace tocsin::promql
