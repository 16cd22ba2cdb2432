// rate, increase, delta, irate, idelta, as Prometheus' extrapolatedRate, extendedRate and
// instantValue compute them.
#include <algorithm>
#include <memory>
#include <optional>

#include "engine/promql/functions.h"
#include "engine/promql/range_samples.h"

namespace tocsin::promql {
namespace {

struct RateKind {
  bool counter;
  bool per_second;
};

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

// Where a counter fell, for all windows of a series: those within a window are added up in their
// order, so that the sum has the bits of Prometheus'.
class CounterResets {
 public:
  CounterResets(const SeriesWindows& in, bool counter) : values_(in.values) {
    if (!counter) return;
    for (uint32_t i = 1; i < in.values.size(); ++i) {
      if (in.values[i] < in.values[i - 1] || StartsAnew(in, i)) falls_.push_back(i);
    }
  }

  // What was lost at the falls after sample `first`, up to `last` (exclusive), is added to `sum`.
  double AddTo(double sum, uint32_t first, uint32_t last) const {
    if (falls_.empty()) return sum;
    for (auto fall = std::ranges::upper_bound(falls_, first); fall != falls_.end() && *fall < last;
         ++fall) {
      sum += values_[*fall - 1];
    }
    return sum;
  }

 private:
  const std::span<const double> values_;
  std::vector<uint32_t> falls_;
};

class RateWindow {
 public:
  RateWindow(const CallContext& context, const SeriesWindows& in, RateKind kind)
      : in_(in), kind_(kind), notes_(context, in), resets_(in, kind.counter) {}

  void Run(RowWriter& out) {
    if (in_.histograms.empty() && in_.start_ms.empty()) return RunFloats(out);
    for (size_t step = 0; step < in_.windows.size(); ++step) {
      const Window& window = in_.windows[step];
      const RangeSamples samples(in_, window);
      if (samples.empty() || (samples.size() < 2 && !StartsWithin(window))) continue;
      NoteOverlaps(window);
      const size_t histograms = samples.CountHistograms();
      if (histograms == 0) {
        out.Set(step, OfFloats(window));
      } else if (histograms < samples.size()) {
        notes_.Mixed();
      } else if (HistogramPtr rate = OfHistograms(window); rate != nullptr) {
        out.Set(step, std::move(rate));
      }
    }
  }

 private:
  // Where the samples of a window lie in it. Windows that step along with the samples all have the
  // same, and so the same factor, unless a counter near 0 forbids it.
  struct Geometry {
    int64_t to_start_ms = 0;
    int64_t sampled_ms = 0;
    int64_t to_end_ms = 0;
    uint32_t samples = 0;
    friend bool operator==(const Geometry&, const Geometry&) = default;
  };

  void RunFloats(RowWriter& out) const {
    Geometry known;
    double known_factor = 0;
    for (size_t step = 0; step < in_.windows.size(); ++step) {
      const Window& window = in_.windows[step];
      if (window.last - window.first < 2) continue;
      const double first = in_.values[window.first];
      double increase = in_.values[window.last - 1] - first;
      if (kind_.counter) increase = resets_.AddTo(increase, window.first, window.last);
      // Far from 0: it would lie further back than the edge of the window.
      const bool limited = kind_.counter && increase > 0 && first >= 0 && !(first >= 2 * increase);
      if (limited) {
        out.Set(step, increase * Factor(window, increase, first));
        continue;
      }
      const int64_t first_ms = in_.t_ms[window.first];
      const int64_t last_ms = in_.t_ms[window.last - 1];
      const Geometry geometry{first_ms - window.start_ms, last_ms - first_ms,
                              window.end_ms - last_ms, window.last - window.first};
      if (geometry != known) {
        known = geometry;
        known_factor = Factor(window, 0, 0);
      }
      out.Set(step, increase * known_factor);
    }
  }

  // The counter began within the window, before its first sample: it was 0 then.
  bool StartsWithin(const Window& window) const {
    if (!kind_.counter || in_.start_ms.empty()) return false;
    const int64_t start = in_.start_ms[window.first];
    return start != 0 && start > window.start_ms && start < in_.t_ms[window.first];
  }

  void NoteOverlaps(const Window& window) const {
    if (!kind_.counter || in_.start_ms.empty()) return;
    for (uint32_t i = window.first + 1; i < window.last; ++i) {
      const int64_t start = in_.start_ms[i];
      if (start != 0 && start < in_.t_ms[i - 1] && start != in_.start_ms[i - 1]) {
        return notes_.OverlappingStart();
      }
    }
  }

  double OfFloats(const Window& window) const {
    const double first = StartsWithin(window) ? 0 : in_.values[window.first];
    double increase = in_.values[window.last - 1] - first;
    if (kind_.counter) increase = resets_.AddTo(increase, window.first, window.last);
    return increase * Factor(window, increase, first);
  }

  // The slope between the first and the last sample goes on to the edges of the window when they
  // are near, and by half the distance between samples when not. A counter is not extended further
  // back than where it would have been 0.
  double Factor(const Window& window, double increase, double first) const {
    double sampled = Seconds(in_.t_ms[window.last - 1] - in_.t_ms[window.first]);
    const uint32_t distances = window.last - window.first - 1;
    const double mean_distance = distances == 0 ? 0 : sampled / static_cast<double>(distances);
    const double threshold = mean_distance * 1.1;
    const bool starts_within = StartsWithin(window);
    double to_start = Seconds(in_.t_ms[window.first] - window.start_ms);
    if (starts_within) {
      sampled = Seconds(in_.t_ms[window.last - 1] - in_.start_ms[window.first]);
      to_start = 0;
    }
    double to_end = Seconds(window.end_ms - in_.t_ms[window.last - 1]);
    if (to_start >= threshold) to_start = mean_distance / 2;
    if (kind_.counter && !starts_within && increase > 0 && first >= 0) {
      to_start = std::min(to_start, sampled * (first / increase));
    }
    if (to_end >= threshold) to_end = mean_distance / 2;
    const double factor = (sampled + to_start + to_end) / sampled;
    return kind_.per_second ? factor / Seconds(in_.range_ms) : factor;
  }

  const FloatHistogram& HistogramAt(uint32_t i) const { return *in_.histograms[i]; }

  HistogramPtr OfHistograms(const Window& window) const {
    std::optional<FloatHistogram> increase = HistogramIncrease(window);
    if (!increase) return nullptr;
    increase->Mul(Factor(window, increase->count, HistogramAt(window.first).count));
    return std::make_shared<const FloatHistogram>(*std::move(increase));
  }

  std::optional<FloatHistogram> HistogramIncrease(const Window& window) const {
    const uint32_t last_index = window.last - 1;
    const FloatHistogram& first = HistogramAt(window.first);
    const FloatHistogram& last = HistogramAt(last_index);
    FloatHistogram previous = first;
    if (StartsWithin(window)) {
      previous = {.schema = first.schema, .custom_bounds = first.custom_bounds};
    } else if (kind_.counter && IsReset(window.first + 1, first)) {
      // The layout of the first does not matter.
      const FloatHistogram& second = HistogramAt(window.first + 1);
      previous = {.schema = second.schema, .custom_bounds = second.custom_bounds};
    }
    NoteHints(window);
    const bool custom = previous.has_custom_bounds();
    int32_t schema = std::min(previous.schema, last.schema);
    if (last.has_custom_bounds() != custom) return MixedBuckets();
    for (uint32_t i = window.first + 1; kind_.counter && i < last_index; ++i) {
      if (HistogramAt(i).has_custom_bounds() != custom) return MixedBuckets();
      schema = std::min(schema, HistogramAt(i).schema);
    }
    FloatHistogram increase = last.WithSchema(schema);
    const HistogramMerge merge = increase.Sub(previous);
    if (!merge.compatible) return MixedBuckets();
    if (merge.bounds_reconciled) notes_.ReconciledBounds("subtraction");
    const FloatHistogram* before = StartsWithin(window) ? &first : &previous;
    for (uint32_t i = window.first + 1; kind_.counter && i < window.last; ++i) {
      if (IsReset(i, *before)) {
        const HistogramMerge reset = increase.Add(*before);
        if (!reset.compatible) return MixedBuckets();
        if (reset.bounds_reconciled) notes_.ReconciledBounds("addition");
      }
      before = &HistogramAt(i);
    }
    increase.reset_hint = CounterResetHint::kGauge;
    increase.Compact();
    return increase;
  }

  bool IsReset(uint32_t i, const FloatHistogram& before) const {
    return StartsAnew(in_, i) || HistogramAt(i).DetectReset(before);
  }

  // A counter must not be a gauge anywhere, a gauge must be one at both ends.
  void NoteHints(const Window& window) const {
    const auto gauge = [&](uint32_t i) {
      return HistogramAt(i).reset_hint == CounterResetHint::kGauge;
    };
    if (!kind_.counter) {
      if (!gauge(window.first) || !gauge(window.last - 1)) notes_.NotGauge();
      return;
    }
    for (uint32_t i = window.first; i < window.last; ++i) {
      if (gauge(i)) return notes_.NotCounter();
    }
  }

  std::optional<FloatHistogram> MixedBuckets() const {
    notes_.MixedBuckets();
    return std::nullopt;
  }

  const SeriesWindows& in_;
  const RateKind kind_;
  const RangeNotes notes_;
  const CounterResets resets_;
};

// Anchored and smoothed ranges: the difference between the values at the edges of the window,
// which are those of a sample before it, or lie on the line between two samples.
class ExtendedRate {
 public:
  ExtendedRate(const CallContext& context, const SeriesWindows& in, RateKind kind)
      : in_(in), kind_(kind), notes_(context, in) {}

  void Run(RowWriter& out) {
    for (size_t step = 0; step < in_.windows.size(); ++step) {
      const Window& window = in_.windows[step];
      const RangeSamples samples(in_, window);
      if (samples.empty()) continue;
      uint32_t first = window.first;
      uint32_t last = window.last - 1;
      if (in_.t_ms[last] <= window.start_ms) continue;
      // A sample at the end of the window is its edge; what lies beyond is not needed.
      if (in_.smoothed && last > first && in_.t_ms[last - 1] == window.end_ms) --last;
      if (in_.smoothed && first == last && in_.t_ms[first] > window.end_ms) continue;
      if (const size_t histograms = samples.CountHistograms(); histograms > 0) {
        if (histograms < samples.size()) {
          notes_.Mixed();
        } else if (HistogramPtr rate = OfHistograms(first, last, window); rate != nullptr) {
          out.Set(step, std::move(rate));
        }
        continue;
      }
      const double left = LeftEdge(first, last, window);
      const double right = RightEdge(first, last, window);
      double increase = right - left;
      if (kind_.counter) increase += Correction(left, right, first, last, window);
      if (kind_.per_second) increase /= Seconds(in_.range_ms);
      out.Set(step, increase);
    }
  }

 private:
  double LeftEdge(uint32_t first, uint32_t last, const Window& window) const {
    if (!in_.smoothed || first == last || in_.t_ms[first] >= window.start_ms) {
      return in_.values[first];
    }
    double low = in_.values[first];
    const double high = in_.values[first + 1];
    if (kind_.counter && high < low) low = 0;
    return OnLine(first, low, high, window.start_ms);
  }

  double RightEdge(uint32_t first, uint32_t last, const Window& window) const {
    if (!in_.smoothed || first == last || in_.t_ms[last] <= window.end_ms) {
      return in_.values[last];
    }
    const double low = in_.values[last - 1];
    double high = in_.values[last];
    if (kind_.counter && high < low) high += low;
    return OnLine(last - 1, low, high, window.end_ms);
  }

  HistogramPtr OfHistograms(uint32_t first, uint32_t last, const Window& window) const {
    const bool custom = in_.histograms[first]->has_custom_bounds();
    for (uint32_t i = first; i <= last; ++i) {
      if (in_.histograms[i]->has_custom_bounds() == custom) continue;
      notes_.MixedBuckets();
      return nullptr;
    }
    NoteHints(first, last);
    const FloatHistogram left = LeftHistogram(first, last, window);
    const FloatHistogram right = RightHistogram(first, last, window);
    auto increase = std::make_shared<FloatHistogram>(right);
    if (increase->Sub(left).bounds_reconciled) notes_.ReconciledBounds("subtraction");
    if (kind_.counter) AddCorrection(left, right, first, last, window, *increase);
    increase->reset_hint = CounterResetHint::kGauge;
    increase->Compact();
    if (kind_.per_second) increase->Div(Seconds(in_.range_ms));
    return increase;
  }

  void NoteHints(uint32_t first, uint32_t last) const {
    const auto gauge = [&](uint32_t i) {
      return in_.histograms[i]->reset_hint == CounterResetHint::kGauge;
    };
    if (!kind_.counter) {
      if (!gauge(first) || !gauge(last)) notes_.NotGauge();
      return;
    }
    for (uint32_t i = first; i <= last; ++i) {
      if (gauge(i)) return notes_.NotCounter();
    }
  }

  FloatHistogram LeftHistogram(uint32_t first, uint32_t last, const Window& window) const {
    if (!in_.smoothed || first == last || in_.t_ms[first] >= window.start_ms) {
      return *in_.histograms[first];
    }
    return OnHistogramLine(first, window.start_ms, Edge::kLeft);
  }

  FloatHistogram RightHistogram(uint32_t first, uint32_t last, const Window& window) const {
    if (!in_.smoothed || first == last || in_.t_ms[last] <= window.end_ms) {
      return *in_.histograms[last];
    }
    return OnHistogramLine(last - 1, window.end_ms, Edge::kRight);
  }

  // Across a reset the line begins at 0 at the left edge, and goes on counting at the right one.
  enum class Edge { kLeft, kRight };
  FloatHistogram OnHistogramLine(uint32_t i, int64_t t_ms, Edge edge) const {
    const FloatHistogram& low = *in_.histograms[i];
    FloatHistogram rise = *in_.histograms[i + 1];
    const bool reset = kind_.counter && rise.DetectReset(low);
    if (!reset) static_cast<void>(rise.Sub(low));
    rise.Mul(static_cast<double>(t_ms - in_.t_ms[i]) /
             static_cast<double>(in_.t_ms[i + 1] - in_.t_ms[i]));
    if (!reset || edge == Edge::kRight) static_cast<void>(rise.Add(low));
    rise.reset_hint = CounterResetHint::kUnknown;
    return rise;
  }

  void AddCorrection(const FloatHistogram& left, const FloatHistogram& right, uint32_t first,
                     uint32_t last, const Window& window, FloatHistogram& increase) const {
    const FloatHistogram* previous = &left;
    const auto add_at_reset = [&](const FloatHistogram& next) {
      if (next.DetectReset(*previous) && increase.Add(*previous).bounds_reconciled) {
        notes_.ReconciledBounds("addition");
      }
      previous = &next;
    };
    for (uint32_t i = first; i <= last; ++i) {
      if (in_.t_ms[i] <= window.start_ms || in_.t_ms[i] >= window.end_ms) continue;
      // The last sample is the right edge itself.
      if (i == first || (i == last && in_.t_ms[i] < window.end_ms)) continue;
      add_at_reset(*in_.histograms[i]);
    }
    if (first != last) add_at_reset(right);
  }

  double OnLine(uint32_t i, double low, double high, int64_t t_ms) const {
    return low + (high - low) * static_cast<double>(t_ms - in_.t_ms[i]) /
                     static_cast<double>(in_.t_ms[i + 1] - in_.t_ms[i]);
  }

  // The falls between the edges; those at the edges are dealt with there.
  double Correction(double left, double right, uint32_t first, uint32_t last,
                    const Window& window) const {
    double correction = 0;
    double previous = left;
    for (uint32_t i = first; i <= last; ++i) {
      if (in_.t_ms[i] <= window.start_ms || in_.t_ms[i] >= window.end_ms) continue;
      if (in_.values[i] < previous) correction += previous;
      previous = in_.values[i];
    }
    return right < previous ? correction + previous : correction;
  }

  const SeriesWindows& in_;
  const RateKind kind_;
  const RangeNotes notes_;
};

bool LooksLikeCounter(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
         name.ends_with("_bucket");
}

// An info about what gave floats and is not called like a counter, or not typed as one.
void NoteNonCounter(const CallContext& context, const SeriesWindows& in) {
  const std::string_view name = context.symbols.Text(in.labels.Get(context.metric_name));
  if (LooksLikeCounter(name) && !context.type_and_unit_labels) return;
  if (std::ranges::none_of(in.windows, [&](const Window& window) {
        return RangeSamples(in, window).CountHistograms() < window.last - window.first;
      })) {
    return;
  }
  const RangeNotes notes(context, in);
  if (name.empty()) return;
  if (context.type_and_unit_labels) {
    const std::string type(context.symbols.Text(in.labels.Get(context.symbols.Intern("__type__"))));
    if (type == "counter" || type == "histogram") return;
    notes.Info(
        "metric might not be a counter, __type__ label is not set to \"counter\" or "
        "\"histogram\", got \"" +
        type + "\": \"" + std::string(name) + "\"");
  } else if (!LooksLikeCounter(name)) {
    notes.Info(
        "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"" +
        std::string(name) + "\"");
  }
}

Status Rate(const CallContext& context, const SeriesWindows& in, RateKind kind, RowWriter& out) {
  if (kind.counter) NoteNonCounter(context, in);
  if (in.anchored || in.smoothed) {
    ExtendedRate(context, in, kind).Run(out);
  } else {
    RateWindow(context, in, kind).Run(out);
  }
  return Ok();
}

// The last two samples of a window.
class InstantRate {
 public:
  InstantRate(const CallContext& context, const SeriesWindows& in, bool rate)
      : in_(in), rate_(rate), notes_(context, in) {}

  void Run(RowWriter& out) {
    for (size_t step = 0; step < in_.windows.size(); ++step) {
      const Window& window = in_.windows[step];
      if (window.last - window.first < 2) continue;
      const uint32_t newer = window.last - 1;
      const uint32_t older = newer - 1;
      const double seconds = Seconds(in_.t_ms[newer] - in_.t_ms[older]);
      if (seconds == 0) continue;
      const RangeSamples samples(in_, window);
      const FloatHistogram* newer_histogram = samples.histogram(newer);
      const FloatHistogram* older_histogram = samples.histogram(older);
      if (newer_histogram == nullptr && older_histogram == nullptr) {
        out.Set(step, OfFloats(older, newer, seconds));
      } else if (newer_histogram == nullptr || older_histogram == nullptr) {
        notes_.Mixed();
      } else if (HistogramPtr rate = OfHistograms(older, newer, seconds); rate != nullptr) {
        out.Set(step, std::move(rate));
      }
    }
  }

 private:
  double OfFloats(uint32_t older, uint32_t newer, double seconds) const {
    const double before = in_.values[older];
    const double value = in_.values[newer];
    if (!rate_) return value - before;
    return (value < before || StartsAnew(in_, newer) ? value : value - before) / seconds;
  }

  HistogramPtr OfHistograms(uint32_t older_index, uint32_t newer_index, double seconds) const {
    const FloatHistogram& older = *in_.histograms[older_index];
    const FloatHistogram& newer = *in_.histograms[newer_index];
    const bool reset = StartsAnew(in_, newer_index) || newer.DetectReset(older);
    const bool newer_gauge = newer.reset_hint == CounterResetHint::kGauge;
    const bool older_gauge = older.reset_hint == CounterResetHint::kGauge;
    if (rate_ && (newer_gauge || older_gauge)) notes_.NotCounter();
    if (!rate_ && (!newer_gauge || !older_gauge)) notes_.NotGauge();
    auto result = std::make_shared<FloatHistogram>(newer);
    if (!rate_ || !reset) {
      const HistogramMerge merge = result->Sub(older);
      if (!merge.compatible) {
        notes_.MixedBuckets();
        return nullptr;
      }
      if (merge.bounds_reconciled) notes_.ReconciledBounds("subtraction");
    }
    result->reset_hint = CounterResetHint::kGauge;
    result->Compact();
    if (rate_) result->Div(seconds);
    return result;
  }

  const SeriesWindows& in_;
  const bool rate_;
  const RangeNotes notes_;
};

}  // namespace

Status RangeRate(const CallContext& context, const RangeArguments& /*args*/,
                 const SeriesWindows& in, RowWriter& out) {
  return Rate(context, in, {.counter = true, .per_second = true}, out);
}

Status RangeIncrease(const CallContext& context, const RangeArguments& /*args*/,
                     const SeriesWindows& in, RowWriter& out) {
  return Rate(context, in, {.counter = true, .per_second = false}, out);
}

Status RangeDelta(const CallContext& context, const RangeArguments& /*args*/,
                  const SeriesWindows& in, RowWriter& out) {
  return Rate(context, in, {.counter = false, .per_second = false}, out);
}

Status RangeIrate(const CallContext& context, const RangeArguments& /*args*/,
                  const SeriesWindows& in, RowWriter& out) {
  InstantRate(context, in, true).Run(out);
  return Ok();
}

Status RangeIdelta(const CallContext& context, const RangeArguments& /*args*/,
                   const SeriesWindows& in, RowWriter& out) {
  InstantRate(context, in, false).Run(out);
  return Ok();
}

}  // namespace tocsin::promql
