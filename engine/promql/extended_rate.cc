#include "engine/promql/extended_rate.h"

#include <optional>

#include "engine/model/histogram.h"
#include "engine/promql/range_samples.h"

namespace tocsin::promql {
namespace {

// The samples of a window that count: of several at or before its start the newest one, and with a
// smoothed range none after the first one at or beyond its end.
struct Edges {
  uint32_t first;
  uint32_t last;
};

class ExtendedWindows {
 public:
  ExtendedWindows(const CallContext& context, const SeriesWindows& in, RateKind kind)
      : in_(in), kind_(kind), notes_(context, in) {}

  bool Run(RowWriter& out) {
    bool any_float = false;
    for (size_t step = 0; step < in_.windows.size(); ++step) {
      const Window& window = in_.windows[step];
      const RangeSamples samples(in_, window);
      if (samples.empty()) continue;
      const size_t histograms = samples.CountHistograms();
      if (histograms > 0 && histograms < samples.size()) {
        notes_.Mixed();
        continue;
      }
      const std::optional<Edges> edges = EdgesOf(window);
      if (!edges) continue;
      if (histograms == 0) {
        any_float = true;
        out.Set(step, OfFloats(*edges, window));
      } else if (HistogramPtr rate = OfHistograms(*edges, window); rate != nullptr) {
        out.Set(step, std::move(rate));
      }
    }
    return any_float;
  }

 private:
  // Nothing when the samples lie all on one side of the window.
  std::optional<Edges> EdgesOf(const Window& window) const {
    Edges edges{window.first, window.last - 1};
    if (in_.t_ms[edges.last] <= window.start_ms) return std::nullopt;
    // A sample at the end of the window is its edge; what lies beyond is not needed.
    if (in_.smoothed && edges.last > edges.first && in_.t_ms[edges.last - 1] == window.end_ms) {
      --edges.last;
    }
    if (in_.smoothed && in_.t_ms[edges.first] > window.end_ms) return std::nullopt;
    return edges;
  }

  bool LeftIsBetween(Edges edges, const Window& window) const {
    return in_.smoothed && in_.t_ms[edges.first] < window.start_ms;
  }
  bool RightIsBetween(Edges edges, const Window& window) const {
    return in_.smoothed && edges.last > edges.first && in_.t_ms[edges.last] > window.end_ms;
  }

  double OfFloats(Edges edges, const Window& window) const {
    const double left = LeftIsBetween(edges, window) ? OnLine(edges.first, window.start_ms)
                                                     : in_.values[edges.first];
    const double right = RightIsBetween(edges, window) ? OnLine(edges.last - 1, window.end_ms)
                                                       : in_.values[edges.last];
    double increase = right - left;
    if (kind_.counter) increase += LostAtResets(left, right, edges, window);
    return kind_.per_second ? increase / Seconds() : increase;
  }

  // Between samples i and i + 1. A counter that was reset between them began at 0 at the first.
  double OnLine(uint32_t i, int64_t t_ms) const {
    const double high = in_.values[i + 1];
    const double low = kind_.counter && high < in_.values[i] ? 0 : in_.values[i];
    return low + (high - low) * static_cast<double>(t_ms - in_.t_ms[i]) /
                     static_cast<double>(in_.t_ms[i + 1] - in_.t_ms[i]);
  }

  // The edges are compared with what lies between them, which they stand for themselves.
  double LostAtResets(double left, double right, Edges edges, const Window& window) const {
    double lost = 0;
    double previous = left;
    for (uint32_t i = edges.first; i <= edges.last; ++i) {
      if (in_.t_ms[i] <= window.start_ms || in_.t_ms[i] >= window.end_ms) continue;
      if (in_.values[i] < previous) lost += previous;
      previous = in_.values[i];
    }
    return right < previous ? lost + previous : lost;
  }

  const FloatHistogram& HistogramAt(uint32_t i) const { return *in_.histograms[i]; }
  HistogramAtTime Timed(uint32_t i) const { return {HistogramAt(i), in_.t_ms[i]}; }

  HistogramPtr OfHistograms(Edges edges, const Window& window) const {
    if (!CheckKinds(edges)) return nullptr;
    std::optional<FloatHistogram> left = HistogramAt(edges.first);
    if (LeftIsBetween(edges, window)) left = OnHistogramLine(edges.first, window.start_ms);
    if (!left) return nullptr;
    std::optional<FloatHistogram> right = HistogramAt(edges.last);
    if (RightIsBetween(edges, window)) right = OnHistogramLine(edges.last - 1, window.end_ms);
    if (!right) return nullptr;
    if (!kind_.counter && !(IsGauge(*left) && IsGauge(*right))) notes_.NotGauge();
    auto increase = std::make_shared<FloatHistogram>(*right);
    const HistogramMerge merge = increase->Sub(*left);
    if (!Note(merge, "subtraction")) return nullptr;
    if (kind_.counter && !AddLostAtResets(*left, *right, edges, window, *increase)) return nullptr;
    if (kind_.per_second) increase->Div(Seconds());
    increase->reset_hint = CounterResetHint::kGauge;
    increase->Compact();
    return increase;
  }

  bool CheckKinds(Edges edges) const {
    const bool custom = HistogramAt(edges.first).has_custom_bounds();
    for (uint32_t i = edges.first; i <= edges.last; ++i) {
      if (HistogramAt(i).has_custom_bounds() != custom) {
        notes_.MixedBuckets();
        return false;
      }
      if (kind_.counter && IsGauge(HistogramAt(i))) notes_.NotCounter();
    }
    return true;
  }

  std::optional<FloatHistogram> OnHistogramLine(uint32_t i, int64_t t_ms) const {
    const auto line = InterpolateHistograms(Timed(i), Timed(i + 1), t_ms, kind_.counter);
    if (line.histogram == nullptr) {
      notes_.MixedBuckets();
      return std::nullopt;
    }
    if (line.reconciled_sub) notes_.ReconciledBounds("subtraction");
    if (line.reconciled_add) notes_.ReconciledBounds("addition");
    return *line.histogram;
  }

  // False when a histogram cannot be added.
  bool AddLostAtResets(const FloatHistogram& left, const FloatHistogram& right, Edges edges,
                       const Window& window, FloatHistogram& increase) const {
    uint32_t next = edges.first + 1;
    const FloatHistogram* previous = &left;
    // What the left edge has seen of a reset already is not added a second time.
    if (LeftIsBetween(edges, window) && HistogramAt(next).DetectReset(HistogramAt(edges.first))) {
      previous = &HistogramAt(next);
      ++next;
    }
    if (next > edges.last) return true;
    // The last sample is the right edge, or lies beyond it.
    for (; next < edges.last; ++next) {
      if (HistogramAt(next).DetectReset(*previous) && !Note(increase.Add(*previous), "addition")) {
        return false;
      }
      previous = &HistogramAt(next);
    }
    return !right.DetectReset(*previous) || Note(increase.Add(*previous), "addition");
  }

  bool Note(const HistogramMerge& merge, std::string_view operation) const {
    if (!merge.compatible) {
      notes_.MixedBuckets();
      return false;
    }
    if (merge.bounds_reconciled) notes_.ReconciledBounds(operation);
    return true;
  }

  static bool IsGauge(const FloatHistogram& histogram) {
    return histogram.reset_hint == CounterResetHint::kGauge;
  }
  double Seconds() const { return static_cast<double>(in_.range_ms) / 1000; }

  const SeriesWindows& in_;
  const RateKind kind_;
  const RangeNotes notes_;
};

}  // namespace

bool ExtendedRate(const CallContext& context, const SeriesWindows& in, RateKind kind,
                  RowWriter& out) {
  return ExtendedWindows(context, in, kind).Run(out);
}

OnHistogramLine InterpolateHistograms(HistogramAtTime low, HistogramAtTime high, int64_t t_ms,
                                      bool counter) {
  if (t_ms == low.t_ms) return {std::make_shared<FloatHistogram>(low.histogram)};
  if (t_ms == high.t_ms) return {std::make_shared<FloatHistogram>(high.histogram)};
  const double part =
      static_cast<double>(t_ms - low.t_ms) / static_cast<double>(high.t_ms - low.t_ms);
  OnHistogramLine line{std::make_shared<FloatHistogram>(high.histogram)};
  if (counter && high.histogram.DetectReset(low.histogram)) {
    line.histogram->Mul(part);
    return line;
  }
  const HistogramMerge sub = line.histogram->Sub(low.histogram);
  if (!sub.compatible) return {};
  line.histogram->Mul(part);
  const HistogramMerge add = line.histogram->Add(low.histogram);
  if (!add.compatible) return {};
  line.reconciled_sub = sub.bounds_reconciled;
  line.reconciled_add = add.bounds_reconciled;
  return line;
}

}  // namespace tocsin::promql
