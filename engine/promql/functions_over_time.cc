// The *_over_time functions, changes and resets.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "base/go_float.h"
#include "engine/model/kahan.h"
#include "engine/promql/aggregation.h"
#include "engine/promql/functions.h"
#include "engine/promql/range_samples.h"

namespace tocsin::promql {
namespace {

template <typename Use>
void ForEachFloat(const SeriesWindows& in, const Window& window, Use use) {
  for (uint32_t i = window.first; i < window.last; ++i) {
    if (in.histograms.empty() || in.histograms[i] == nullptr) use(i);
  }
}

// Calls `give(step, window)` for windows with a float; histograms beside floats get an info.
template <typename Give>
void WhereFloats(const CallContext& context, const SeriesWindows& in, size_t range_arg, Give give) {
  const RangeNotes notes(context, in, range_arg);
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const Window& window = in.windows[step];
    const RangeSamples samples(in, window);
    if (samples.empty()) continue;
    const size_t histograms = samples.CountHistograms();
    if (histograms == samples.size()) continue;
    if (histograms > 0) notes.IgnoredHistograms();
    give(step, window);
  }
}

// The sum or the mean of the histograms of a window; nothing when they cannot be added.
class HistogramTotal {
 public:
  HistogramTotal(const SeriesWindows& in, const RangeNotes& notes, bool mean)
      : in_(in), notes_(notes), mean_(mean) {}

  HistogramPtr Of(const Window& window) const {
    HistogramSum sum(*in_.histograms[window.first]);
    ResetHints hints;
    for (uint32_t i = window.first; i < window.last; ++i) hints.See(*in_.histograms[i]);
    if (hints.Collide()) notes_.ResetCollision();
    double count = 1;
    bool incremental = false;
    for (uint32_t i = window.first + 1; i < window.last; ++i) {
      ++count;
      if (!Add(sum, *in_.histograms[i], count, incremental)) return nullptr;
    }
    if (mean_ && !incremental) sum.Div(count);
    FloatHistogram total = sum.Total();
    total.Compact();
    return std::make_shared<const FloatHistogram>(std::move(total));
  }

 private:
  bool Add(HistogramSum& sum, const FloatHistogram& next, double count, bool& incremental) const {
    if (!mean_) return Note(sum.Add(next));
    if (!incremental) {
      HistogramSum larger = sum;
      const HistogramMerge merge = larger.Add(next);
      if (!merge.compatible || !larger.HasOverflow()) {
        sum = std::move(larger);
        return Note(merge);
      }
      incremental = true;
      sum.Div(count - 1);
    }
    FloatHistogram part = next;
    part.Div(count);
    sum.Mul((count - 1) / count);
    return Note(sum.Add(part));
  }

  bool Note(const HistogramMerge& merge) const {
    if (!merge.compatible) {
      notes_.MixedBuckets();
      return false;
    }
    if (merge.bounds_reconciled) notes_.ReconciledBounds("aggregation");
    return true;
  }

  const SeriesWindows& in_;
  const RangeNotes& notes_;
  const bool mean_;
};

// Floats by `of_floats(window)`, histograms by HistogramTotal, a mix of both not at all.
template <typename OfFloats>
void Total(const CallContext& context, const SeriesWindows& in, bool mean, RowWriter& out,
           OfFloats of_floats) {
  const RangeNotes notes(context, in);
  const HistogramTotal histogram_total(in, notes, mean);
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const Window& window = in.windows[step];
    const RangeSamples samples(in, window);
    if (samples.empty()) continue;
    const size_t histograms = samples.CountHistograms();
    if (histograms == 0) {
      out.Set(step, of_floats(window));
    } else if (histograms < samples.size()) {
      notes.Mixed();
    } else if (HistogramPtr total = histogram_total.Of(window); total != nullptr) {
      out.Set(step, std::move(total));
    }
  }
}

// The index of the extreme float of every window as it slides on: candidates in order of time,
// each better than all that follow it. Each sample is pushed and popped once. NaN only when there
// is nothing else.
template <typename Better>
class SlidingExtreme {
 public:
  SlidingExtreme(const SeriesWindows& in, Better better) : in_(in), better_(better) {}

  // Windows in their order. The window has a float.
  uint32_t Of(const Window& window) {
    for (next_ = std::max(next_, window.first); next_ < window.last; ++next_) {
      if (!in_.histograms.empty() && in_.histograms[next_] != nullptr) continue;
      const double value = in_.values[next_];
      if (std::isnan(value)) continue;
      while (candidates_.size() > front_ && !better_(in_.values[candidates_.back()], value)) {
        candidates_.pop_back();
      }
      candidates_.push_back(next_);
    }
    while (front_ < candidates_.size() && candidates_[front_] < window.first) ++front_;
    return front_ < candidates_.size() ? candidates_[front_] : kOnlyNan;
  }

  static constexpr uint32_t kOnlyNan = UINT32_MAX;

 private:
  const SeriesWindows& in_;
  const Better better_;
  uint32_t next_ = 0;
  size_t front_ = 0;
  std::vector<uint32_t> candidates_;
};

// The extreme values of all windows of a series of numbers. The samples are cut into blocks as long
// as the longest window; the extremes of a block up to each sample and from each sample on make
// that of a window which reaches over the edge of a block, without a branch that depends on the
// values. (M. van Herk, Pattern Recognition Letters 13, 1992; J. Gil and M. Werman, IEEE PAMI 15,
// 1993.)
template <typename Pick>
class BlockExtremes {
 public:
  BlockExtremes(const SeriesWindows& in, Pick pick)
      : in_(in), pick_(pick), up_to_(in.memory.columns[0]), from_(in.memory.columns[1]) {
    if (in.memory.longest == 0) LearnWindows();
  }

  void Run(RowWriter& out) {
    if (in_.memory.longest == 0) return;
    if (in_.windows.size() > 1) FillColumns();
    out.SetAll(in_.memory.present, in_.windows.size(),
               [this](size_t step) { return Of(in_.windows[step]); });
  }

 private:
  void LearnWindows() {
    WindowMemory& memory = in_.memory;
    memory.present.assign((in_.windows.size() + 63) / 64, 0);
    for (size_t step = 0; step < in_.windows.size(); ++step) {
      const size_t length = in_.windows[step].last - in_.windows[step].first;
      if (length > 0) memory.present[step / 64] |= uint64_t{1} << (step % 64);
      memory.longest = std::max(memory.longest, length);
    }
  }

  void FillColumns() {
    const std::span<const double> values = in_.values;
    up_to_.resize(values.size());
    from_.resize(values.size());
    for (size_t begin = 0; begin < values.size(); begin += in_.memory.longest) {
      const size_t last = std::min(begin + in_.memory.longest, values.size()) - 1;
      // Both at once, so that neither waits for itself.
      double up_to = up_to_[begin] = values[begin];
      double from = from_[last] = values[last];
      for (size_t i = 1; i <= last - begin; ++i) {
        up_to_[begin + i] = up_to = pick_(up_to, values[begin + i]);
        from_[last - i] = from = pick_(values[last - i], from);
      }
    }
  }

  double Of(const Window& window) const {
    if (window.first == window.last) return 0;
    const size_t length = window.last - window.first;
    const size_t last = window.last - 1;
    const size_t longest = in_.memory.longest;
    if (in_.windows.size() > 1 && (length == longest || window.first / longest != last / longest)) {
      return pick_(from_[window.first], up_to_[last]);
    }
    double best = in_.values[window.first];
    for (size_t i = window.first + 1; i <= last; ++i) best = pick_(best, in_.values[i]);
    return best;
  }

  const SeriesWindows& in_;
  const Pick pick_;
  std::vector<double>& up_to_;
  std::vector<double>& from_;
};

template <typename Better>
void ExtremeOverTime(const CallContext& context, const SeriesWindows& in, RowWriter& out,
                     Better better) {
  if (in.histograms.empty() && std::ranges::none_of(in.values, [](double v) { return v != v; })) {
    BlockExtremes(in, [better](double a, double b) { return better(b, a) ? b : a; }).Run(out);
    return;
  }
  SlidingExtreme extreme(in, better);
  WhereFloats(context, in, 0, [&](size_t step, const Window& window) {
    const uint32_t i = extreme.Of(window);
    out.Set(step, i == extreme.kOnlyNan ? std::numeric_limits<double>::quiet_NaN() : in.values[i]);
  });
}

double SecondsOf(int64_t t_ms) { return static_cast<double>(t_ms) / 1000; }

// The time of the extreme sample, the last one of several; of the last one when all are NaN.
template <typename Better>
void ExtremeTime(const CallContext& context, const SeriesWindows& in, RowWriter& out,
                 Better better) {
  SlidingExtreme extreme(in, better);
  WhereFloats(context, in, 0, [&](size_t step, const Window& window) {
    uint32_t i = extreme.Of(window);
    if (i == extreme.kOnlyNan) ForEachFloat(in, window, [&i](uint32_t nan) { i = nan; });
    out.Set(step, SecondsOf(in.t_ms[i]));
  });
}

// Welford's method, each part compensated.
double Variance(const SeriesWindows& in, const Window& window) {
  double count = 0;
  KahanSum mean;
  KahanSum squares;
  ForEachFloat(in, window, [&](uint32_t i) {
    ++count;
    const double delta = in.values[i] - (mean.sum + mean.compensation);
    mean.Add(delta / count);
    squares.Add(delta * (in.values[i] - (mean.sum + mean.compensation)));
  });
  return (squares.sum + squares.compensation) / count;
}

std::vector<double> FloatsOf(const SeriesWindows& in, const Window& window) {
  std::vector<double> values;
  values.reserve(window.last - window.first);
  ForEachFloat(in, window, [&](uint32_t i) { values.push_back(in.values[i]); });
  return values;
}

void SetSample(const SeriesWindows& in, uint32_t i, size_t step, RowWriter& out) {
  if (!in.histograms.empty() && in.histograms[i] != nullptr) {
    out.Set(step, in.histograms[i]);
  } else {
    out.Set(step, in.values[i]);
  }
}

// Counts the pairs of neighbours in each window for which `counts` holds. A prefix sum makes it a
// subtraction per step.
template <typename Counts>
void CountPairs(const SeriesWindows& in, RowWriter& out, Counts counts) {
  std::vector<uint32_t> before(in.t_ms.size() + 1);
  for (uint32_t i = 0; i < in.t_ms.size(); ++i) {
    before[i + 1] = before[i] + (i > 0 && counts(i - 1, i) ? 1 : 0);
  }
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const Window& window = in.windows[step];
    if (window.first == window.last) continue;
    // An anchor alone is no sample of the window.
    if (in.t_ms[window.last - 1] <= window.start_ms) continue;
    out.Set(step, static_cast<double>(before[window.last] - before[window.first + 1]));
  }
}

const FloatHistogram* HistogramAt(const SeriesWindows& in, uint32_t i) {
  return in.histograms.empty() ? nullptr : in.histograms[i].get();
}

}  // namespace

Status RangeAvgOverTime(const CallContext& context, const RangeArguments& /*args*/,
                        const SeriesWindows& in, RowWriter& out) {
  Total(context, in, true, out, [&](const Window& window) {
    KahanMean mean;
    for (uint32_t i = window.first; i < window.last; ++i) mean.Add(in.values[i]);
    return mean.Value();
  });
  return Ok();
}

Status RangeSumOverTime(const CallContext& context, const RangeArguments& /*args*/,
                        const SeriesWindows& in, RowWriter& out) {
  Total(context, in, false, out, [&](const Window& window) {
    KahanSum sum;
    for (uint32_t i = window.first; i < window.last; ++i) sum.Add(in.values[i]);
    return sum.Total();
  });
  return Ok();
}

Status RangeCountOverTime(const CallContext& /*context*/, const RangeArguments& /*args*/,
                          const SeriesWindows& in, RowWriter& out) {
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const uint32_t count = in.windows[step].last - in.windows[step].first;
    if (count > 0) out.Set(step, static_cast<double>(count));
  }
  return Ok();
}

Status RangePresentOverTime(const CallContext& /*context*/, const RangeArguments& /*args*/,
                            const SeriesWindows& in, RowWriter& out) {
  for (size_t step = 0; step < in.windows.size(); ++step) {
    if (in.windows[step].first < in.windows[step].last) out.Set(step, 1);
  }
  return Ok();
}

Status RangeLastOverTime(const CallContext& /*context*/, const RangeArguments& /*args*/,
                         const SeriesWindows& in, RowWriter& out) {
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const Window& window = in.windows[step];
    if (window.first < window.last) SetSample(in, window.last - 1, step, out);
  }
  return Ok();
}

Status RangeFirstOverTime(const CallContext& /*context*/, const RangeArguments& /*args*/,
                          const SeriesWindows& in, RowWriter& out) {
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const Window& window = in.windows[step];
    if (window.first < window.last) SetSample(in, window.first, step, out);
  }
  return Ok();
}

Status RangeMinOverTime(const CallContext& context, const RangeArguments& /*args*/,
                        const SeriesWindows& in, RowWriter& out) {
  ExtremeOverTime(context, in, out, [](double a, double b) { return a < b; });
  return Ok();
}

Status RangeMaxOverTime(const CallContext& context, const RangeArguments& /*args*/,
                        const SeriesWindows& in, RowWriter& out) {
  ExtremeOverTime(context, in, out, [](double a, double b) { return a > b; });
  return Ok();
}

Status RangeTsOfMinOverTime(const CallContext& context, const RangeArguments& /*args*/,
                            const SeriesWindows& in, RowWriter& out) {
  ExtremeTime(context, in, out, [](double a, double b) { return a < b; });
  return Ok();
}

Status RangeTsOfMaxOverTime(const CallContext& context, const RangeArguments& /*args*/,
                            const SeriesWindows& in, RowWriter& out) {
  ExtremeTime(context, in, out, [](double a, double b) { return a > b; });
  return Ok();
}

Status RangeTsOfFirstOverTime(const CallContext& /*context*/, const RangeArguments& /*args*/,
                              const SeriesWindows& in, RowWriter& out) {
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const Window& window = in.windows[step];
    if (window.first < window.last) out.Set(step, SecondsOf(in.t_ms[window.first]));
  }
  return Ok();
}

Status RangeTsOfLastOverTime(const CallContext& /*context*/, const RangeArguments& /*args*/,
                             const SeriesWindows& in, RowWriter& out) {
  for (size_t step = 0; step < in.windows.size(); ++step) {
    const Window& window = in.windows[step];
    if (window.first < window.last) out.Set(step, SecondsOf(in.t_ms[window.last - 1]));
  }
  return Ok();
}

Status RangeStdvarOverTime(const CallContext& context, const RangeArguments& /*args*/,
                           const SeriesWindows& in, RowWriter& out) {
  WhereFloats(context, in, 0,
              [&](size_t step, const Window& window) { out.Set(step, Variance(in, window)); });
  return Ok();
}

Status RangeStddevOverTime(const CallContext& context, const RangeArguments& /*args*/,
                           const SeriesWindows& in, RowWriter& out) {
  WhereFloats(context, in, 0, [&](size_t step, const Window& window) {
    out.Set(step, std::sqrt(Variance(in, window)));
  });
  return Ok();
}

Status RangeQuantileOverTime(const CallContext& context, const RangeArguments& args,
                             const SeriesWindows& in, RowWriter& out) {
  WhereFloats(context, in, 1, [&](size_t step, const Window& window) {
    const double q = args.Scalar(0, step);
    if (!(q >= 0 && q <= 1)) {
      context.annotations.Warn(
          "PromQL warning: quantile value should be between 0 and 1, got " + FormatGoV(q),
          context.arg_positions[0]);
    }
    std::vector<double> values = FloatsOf(in, window);
    out.Set(step, Quantile(q, values));
  });
  return Ok();
}

// The median of the distances from the median.
Status RangeMadOverTime(const CallContext& context, const RangeArguments& /*args*/,
                        const SeriesWindows& in, RowWriter& out) {
  WhereFloats(context, in, 0, [&](size_t step, const Window& window) {
    std::vector<double> values = FloatsOf(in, window);
    if (std::ranges::any_of(values, [](double v) { return std::isnan(v); })) {
      out.Set(step, std::numeric_limits<double>::quiet_NaN());
      return;
    }
    const double median = Quantile(0.5, values);
    for (double& value : values) value = std::fabs(value - median);
    out.Set(step, Quantile(0.5, values));
  });
  return Ok();
}

// From NaN to NaN is no change.
Status RangeChanges(const CallContext& /*context*/, const RangeArguments& /*args*/,
                    const SeriesWindows& in, RowWriter& out) {
  CountPairs(in, out, [&](uint32_t a, uint32_t b) {
    const FloatHistogram* older = HistogramAt(in, a);
    const FloatHistogram* newer = HistogramAt(in, b);
    if (older != nullptr && newer != nullptr) return !newer->Equals(*older);
    if (older != nullptr || newer != nullptr) return true;
    return in.values[a] != in.values[b] && !(std::isnan(in.values[a]) && std::isnan(in.values[b]));
  });
  return Ok();
}

Status RangeResets(const CallContext& /*context*/, const RangeArguments& /*args*/,
                   const SeriesWindows& in, RowWriter& out) {
  CountPairs(in, out, [&](uint32_t a, uint32_t b) {
    const FloatHistogram* older = HistogramAt(in, a);
    const FloatHistogram* newer = HistogramAt(in, b);
    if (StartsAnew(in, b)) return true;
    if (older != nullptr && newer != nullptr) return newer->DetectReset(*older);
    if (older != nullptr || newer != nullptr) return true;
    return in.values[b] < in.values[a];
  });
  return Ok();
}

}  // namespace tocsin::promql
