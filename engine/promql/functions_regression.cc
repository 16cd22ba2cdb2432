// deriv, predict_linear and double_exponential_smoothing.
#include <cmath>
#include <limits>

#include "base/go_float.h"
#include "engine/model/kahan.h"
#include "engine/promql/functions.h"
#include "engine/promql/range_samples.h"

namespace tocsin::promql {
namespace {

struct Line {
  double slope;
  double intercept;
};

// Simple linear regression by least squares over the floats, x in seconds from `origin_ms`.
Line Regression(const SeriesWindows& in, const Window& window, int64_t origin_ms) {
  const RangeSamples samples(in, window);
  KahanSum x_sum;
  KahanSum y_sum;
  KahanSum xy_sum;
  KahanSum xx_sum;
  double n = 0;
  double first = 0;
  bool constant = true;
  for (uint32_t i = window.first; i < window.last; ++i) {
    if (samples.histogram(i) != nullptr) continue;
    const double y = in.values[i];
    if (n == 0) first = y;
    if (y != first) constant = false;
    ++n;
    const double x = static_cast<double>(in.t_ms[i] - origin_ms) / 1000;
    x_sum.Add(x);
    y_sum.Add(y);
    xy_sum.Add(x * y);
    xx_sum.Add(x * x);
  }
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (constant) return std::isinf(first) ? Line{kNan, kNan} : Line{0, first};
  const double sx = x_sum.sum + x_sum.compensation;
  const double sy = y_sum.sum + y_sum.compensation;
  const double sxy = xy_sum.sum + xy_sum.compensation;
  const double sxx = xx_sum.sum + xx_sum.compensation;
  const double slope = (sxy - sx * sy / n) / (sxx - sx * sx / n);
  return {slope, sy / n - slope * sx / n};
}

// Calls `give(step, window, first float)` where there are two floats at least.
template <typename Give>
void WhereTwoFloats(const CallContext& context, const SeriesWindows& in, Give give) {
  const RangeNotes notes(context, in);
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const Window& window = in.windows[step];
    const RangeSamples samples(in, window);
    const size_t histograms = samples.CountHistograms();
    const size_t floats = samples.size() - histograms;
    if (floats > 0 && histograms > 0) notes.IgnoredHistograms();
    if (floats < 2) continue;
    uint32_t first = window.first;
    while (samples.histogram(first) != nullptr) ++first;
    give(step, window, first);
  }
}

// NaN passes, and gives NaN.
Status CheckFactor(std::string_view what, double factor) {
  if (!(factor <= 0 || factor >= 1)) return Ok();
  const std::string number = std::isinf(factor) ? FormatGoV(factor) : std::to_string(factor);
  return ExecutionError("invalid " + std::string(what) + ", got: " + number);
}

}  // namespace

Status RangeDeriv(const CallContext& context, const RangeArguments& /*args*/,
                  const SeriesWindows& in, RowWriter& out) {
  WhereTwoFloats(context, in, [&](size_t step, const Window& window, uint32_t first) {
    out.Set(step, Regression(in, window, in.t_ms[first]).slope);
  });
  return Ok();
}

Status RangePredictLinear(const CallContext& context, const RangeArguments& args,
                          const SeriesWindows& in, RowWriter& out) {
  WhereTwoFloats(context, in, [&](size_t step, const Window& window, uint32_t) {
    const Line line = Regression(in, window, context.steps.At(step));
    out.Set(step, line.slope * args.Scalar(1, step) + line.intercept);
  });
  return Ok();
}

Status RangeDoubleExponentialSmoothing(const CallContext& context, const RangeArguments& args,
                                       const SeriesWindows& in, RowWriter& out) {
  for (size_t step = 0; step < in.windows.size(); ++step) {
    if (in.windows[step].first == in.windows[step].last) continue;
    RETURN_IF_ERROR(CheckFactor("smoothing factor. Expected: 0 < sf < 1", args.Scalar(1, step)));
    RETURN_IF_ERROR(CheckFactor("trend factor. Expected: 0 < tf < 1", args.Scalar(2, step)));
  }
  WhereTwoFloats(context, in, [&](size_t step, const Window& window, uint32_t first) {
    const RangeSamples samples(in, window);
    const double level_factor = args.Scalar(1, step);
    const double trend_factor = args.Scalar(2, step);
    double before = 0;
    double level = in.values[first];
    double trend = 0;
    size_t seen = 0;
    for (uint32_t i = first + 1; i < window.last; ++i) {
      if (samples.histogram(i) != nullptr) continue;
      const double value = in.values[i];
      if (seen++ == 0) {
        trend = value - level;
      } else {
        trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
      }
      const double next = level_factor * value + (1 - level_factor) * (level + trend);
      before = level;
      level = next;
    }
    out.Set(step, level);
  });
  return Ok();
}

}  // namespace tocsin::promql
