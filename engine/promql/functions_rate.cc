// rate, increase, delta, irate, idelta, as Prometheus' extrapolatedRate and instantValue compute
// them.
#include <algorithm>
#include <memory>
#include <optional>

#include "engine/promql/extended_rate.h"
#include "engine/promql/functions.h"
#include "engine/promql/quote.h"
#include "engine/promql/range_samples.h"

namespace tocsin::promql {
namespace {

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

// Where a counter fell, for all windows of a series: those within a window are added up in their
// order, so that the sum has the bits of Prometheus'.
class CounterResets {
 public:
  CounterResets(const SeriesWindows& in, bool counter) : values_(in.values) {
    if (!counter || (in.start_ms.empty() && !FallsAnywhere())) return;
    for (uint32_t i = 1; i < in.values.size(); ++i) {
      if (in.values[i] < in.values[i - 1] || StartsAnew(in, i)) falls_.push_back(i);
    }
  }

  bool none() const { return falls_.empty(); }
  // What was lost at the falls after sample `first`, up to `last` (inclusive), is added to `sum`.
  double AddTo(double sum, uint32_t first, uint32_t last) const {
    if (falls_.empty()) return sum;
    for (auto fall = std::ranges::upper_bound(falls_, first); fall != falls_.end() && *fall <= last;
         ++fall) {
      sum += values_[*fall - 1];
    }
    return sum;
  }

 private:
  bool FallsAnywhere() const {
    uint64_t falls = 0;
    for (size_t i = 1; i < values_.size(); ++i) falls += values_[i] < values_[i - 1] ? 1 : 0;
    return falls > 0;
  }

  const std::span<const double> values_;
  std::vector<uint32_t> falls_;
};

class RateWindow {
 public:
  RateWindow(const CallContext& context, const SeriesWindows& in, RateKind kind)
      : in_(in), kind_(kind), notes_(context, in), resets_(in, kind.counter) {}

  // Whether floats came out.
  bool Run(RowWriter& out) {
    if (in_.histograms.empty() && in_.start_ms.empty()) return RunFloats(out);
    bool any_float = false;
    for (size_t step = 0; step < in_.windows.size(); ++step) {
      const Window& window = in_.windows[step];
      const RangeSamples samples(in_, window);
      if (samples.empty() || (samples.size() < 2 && !StartsWithin(window))) continue;
      NoteOverlaps(window);
      const size_t histograms = samples.CountHistograms();
      if (histograms == 0) {
        any_float = true;
        out.Set(step, OfFloats(window));
      } else if (histograms < samples.size()) {
        notes_.Mixed();
      } else if (HistogramPtr rate = OfHistograms(window); rate != nullptr) {
        out.Set(step, std::move(rate));
      }
    }
    return any_float;
  }

 private:
  // Where the samples of a window lie in it. Windows that step along with the samples all have the
  // same, and so the same factor.
  struct Geometry {
    int64_t to_start_ms = 0;
    int64_t sampled_ms = 0;
    int64_t to_end_ms = 0;
    uint32_t samples = 0;
    friend bool operator==(const Geometry&, const Geometry&) = default;
  };

  // The factors are those of windows that no counter near 0 limits.
  void LearnWindows() const {
    const size_t steps = in_.windows.size();
    WindowMemory& memory = in_.memory;
    memory.present.assign((steps + 63) / 64, 0);
    memory.ends.assign(steps, {});
    memory.factors.assign(steps, 0);
    Geometry known;
    double factor = 0;
    for (size_t step = 0; step < steps; ++step) {
      const Window& window = in_.windows[step];
      if (window.last - window.first < 2) continue;
      memory.present[step / 64] |= uint64_t{1} << (step % 64);
      memory.ends[step] = {window.first, window.last - 1};
      const int64_t first_ms = in_.t_ms[window.first];
      const int64_t last_ms = in_.t_ms[window.last - 1];
      const Geometry geometry{first_ms - window.start_ms, last_ms - first_ms,
                              window.end_ms - last_ms, window.last - window.first};
      if (geometry != known) {
        known = geometry;
        factor = Factor(window, 0, 0);
      }
      memory.factors[step] = factor;
    }
  }

  bool RunFloats(RowWriter& out) const {
    if (in_.memory.ends.empty()) LearnWindows();
    const WindowMemory& memory = in_.memory;
    if (std::ranges::all_of(memory.present, [](uint64_t word) { return word == 0; })) return false;
    if (resets_.none()) {
      SetFloats(out, [](double increase, WindowMemory::Ends) { return increase; });
    } else {
      SetFloats(out, [this](double increase, WindowMemory::Ends ends) {
        return resets_.AddTo(increase, ends.first, ends.last);
      });
    }
    return true;
  }

  template <typename WithResets>
  void SetFloats(RowWriter& out, const WithResets& with_resets) const {
    const double* const values = in_.values.data();
    const WindowMemory& memory = in_.memory;
    const bool counter = kind_.counter;
    out.SetAll(memory.present, in_.windows.size(), [&](size_t step) {
      const WindowMemory::Ends ends = memory.ends[step];
      const double first = values[ends.first];
      const double increase = with_resets(values[ends.last] - first, ends);
      // A counter near 0: it would have been 0 nearer than the edge of the window.
      const bool limited = counter & (increase > 0) & (first >= 0) & !(first >= 2 * increase);
      if (limited) return increase * Factor(in_.windows[step], increase, first);
      return increase * memory.factors[step];
    });
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
    if (kind_.counter) increase = resets_.AddTo(increase, window.first, window.last - 1);
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
    const FloatHistogram& first = HistogramAt(window.first);
    const FloatHistogram& last = HistogramAt(window.last - 1);
    if (window.last - window.first == 1) return first;
    if (kind_.counter && (IsGauge(first) || IsGauge(last))) notes_.NotCounter();
    FloatHistogram previous = first;
    if (StartsWithin(window)) {
      previous = {.schema = first.schema, .custom_bounds = first.custom_bounds};
    } else if (kind_.counter && IsReset(window.first + 1, first)) {
      // The layout of the first does not matter.
      const FloatHistogram& second = HistogramAt(window.first + 1);
      previous = {.schema = second.schema, .custom_bounds = second.custom_bounds};
    }
    const bool custom = previous.has_custom_bounds();
    if (last.has_custom_bounds() != custom) return MixedBuckets();
    int32_t schema = std::min(previous.schema, last.schema);
    if (!CheckBetween(window, custom, schema)) return MixedBuckets();
    FloatHistogram increase = last.WithSchema(schema);
    const HistogramMerge merge = increase.Sub(previous);
    if (!merge.compatible) return MixedBuckets();
    if (merge.bounds_reconciled) notes_.ReconciledBounds("subtraction");
    if (!kind_.counter && (!IsGauge(first) || !IsGauge(last))) notes_.NotGauge();
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

  // Of a counter, the histograms between the first and the last: false when their kind of buckets
  // is another one. `schema` becomes the coarsest of them.
  bool CheckBetween(const Window& window, bool custom, int32_t& schema) const {
    bool gauge = false;
    for (uint32_t i = window.first + 1; kind_.counter && i + 1 < window.last; ++i) {
      const FloatHistogram& histogram = HistogramAt(i);
      if (histogram.has_custom_bounds() != custom) return false;
      gauge = gauge || IsGauge(histogram);
      schema = std::min(schema, histogram.schema);
    }
    if (gauge) notes_.NotCounter();
    return true;
  }

  static bool IsGauge(const FloatHistogram& histogram) {
    return histogram.reset_hint == CounterResetHint::kGauge;
  }

  bool IsReset(uint32_t i, const FloatHistogram& before) const {
    return StartsAnew(in_, i) || HistogramAt(i).DetectReset(before);
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

bool LooksLikeCounter(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
         name.ends_with("_bucket");
}

// An info about what gave floats and is not called like a counter, or not typed as one.
void NoteNonCounter(const CallContext& context, const SeriesWindows& in) {
  const std::string_view name = context.symbols.Text(in.labels.Get(context.metric_name));
  if (LooksLikeCounter(name) && !context.type_and_unit_labels) return;
  const RangeNotes notes(context, in);
  if (name.empty()) return;
  if (context.type_and_unit_labels) {
    const std::string type(context.symbols.Text(in.labels.Get(context.symbols.Intern("__type__"))));
    if (type == "counter" || type == "histogram") return;
    notes.Info(
        "metric might not be a counter, __type__ label is not set to \"counter\" or "
        "\"histogram\", got " +
        Quote(type) + ": " + Quote(name));
  } else if (!LooksLikeCounter(name)) {
    notes.Info("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
               Quote(name));
  }
}

Status Rate(const CallContext& context, const SeriesWindows& in, RateKind kind, RowWriter& out) {
  const bool any_float = in.anchored || in.smoothed ? ExtendedRate(context, in, kind, out)
                                                    : RateWindow(context, in, kind).Run(out);
  if (kind.counter && any_float) NoteNonCounter(context, in);
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
