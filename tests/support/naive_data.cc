#include "tests/support/naive_data.h"

#include <algorithm>

namespace tocsin::testing_support {
namespace {

using promql::AtModifier;

bool IsStale(const NaiveWindow::At& at) {
  return at.number.histogram == nullptr && IsStaleNan(at.number.value);
}

void DropStale(std::vector<NaiveWindow>& windows) {
  for (NaiveWindow& window : windows) {
    std::erase_if(window.samples, [](const Sample& s) { return IsStaleNan(s.value); });
    std::erase_if(window.all, IsStale);
  }
}

NaiveWindow WindowOf(const NaiveSeries& series, int64_t start, int64_t end) {
  NaiveWindow window{series.labels, {}, {}, start, end};
  const auto inside = [&](int64_t t) { return t > start && t <= end; };
  for (const Sample& sample : series.samples) {
    if (inside(sample.t_ms)) NaiveAddSample(window, sample.t_ms, {sample.value, nullptr});
  }
  for (const NaiveSeries::HistogramAt& at : series.histograms) {
    if (inside(at.t_ms)) NaiveAddSample(window, at.t_ms, OfHistogram(Naively(*at.histogram)));
  }
  std::ranges::sort(window.all, {}, &NaiveWindow::At::t_ms);
  return window;
}

std::optional<NaiveEdge> EdgeOf(const promql::VectorSelector& selector) {
  if (selector.anchored) return NaiveEdge::kAnchored;
  if (selector.smoothed) return NaiveEdge::kSmoothed;
  return std::nullopt;
}

}  // namespace

void NaiveAddSample(NaiveWindow& window, int64_t t_ms, NaiveNumber number) {
  if (number.histogram == nullptr) window.samples.push_back({t_ms, number.value});
  window.all.push_back({t_ms, std::move(number)});
}

std::optional<NaiveEdge> NaiveEdgeOf(const promql::Expr& expr) {
  const auto* matrix = expr.As<promql::MatrixSelector>();
  return matrix == nullptr ? std::nullopt : EdgeOf(*matrix->selector);
}

int64_t NaiveData::Look(const promql::TimeModifiers& time, int64_t t_ms) const {
  if (time.at) {
    t_ms = time.at->kind == AtModifier::Kind::kTime    ? time.at->t_ms
           : time.at->kind == AtModifier::Kind::kStart ? query_.start_ms
                                                       : query_.end_ms;
  }
  return t_ms - time.offset_ms;
}

std::vector<NaiveWindow> NaiveData::Samples(const promql::VectorSelector& selector,
                                            int64_t start_ms, int64_t end_ms) const {
  std::vector<NaiveWindow> windows;
  for (const NaiveSeries& series : series_) {
    if (std::ranges::all_of(selector.matchers, [&](const Matcher& matcher) {
          return matcher.Matches(series.labels.Get(matcher.name()));
        })) {
      windows.push_back(WindowOf(series, start_ms, end_ms));
    }
  }
  return windows;
}

std::vector<NaiveData::Seen> NaiveData::Newest(const promql::VectorSelector& selector,
                                               int64_t t_ms) const {
  const int64_t at = Look(selector.time, t_ms);
  std::vector<Seen> seen;
  for (const NaiveWindow& window : Samples(selector, at - query_.lookback_ms, at)) {
    if (window.all.empty() || IsStale(window.all.back())) continue;
    seen.push_back({window.labels, window.all.back()});
  }
  return seen;
}

NaiveValue NaiveData::Values(const promql::VectorSelector& selector, int64_t t_ms,
                             NaiveNotes& notes) const {
  if (selector.smoothed) return Smoothed(selector, Look(selector.time, t_ms), notes);
  NaiveValue value;
  for (const Seen& seen : Newest(selector, t_ms)) {
    value.vector.push_back({seen.labels, seen.at.number});
  }
  return value;
}

NaiveValue NaiveData::Smoothed(const promql::VectorSelector& selector, int64_t at_ms,
                               NaiveNotes& notes) const {
  std::vector<NaiveWindow> windows =
      Samples(selector, at_ms - query_.lookback_ms, at_ms + query_.lookback_ms);
  DropStale(windows);
  NaiveValue value;
  for (const NaiveWindow& window : windows) {
    const std::optional<NaiveNumber> number = NaiveSmoothedValue(window, at_ms, notes);
    if (number) value.vector.push_back({window.labels, *number});
  }
  return value;
}

std::vector<NaiveWindow> NaiveData::Windows(const promql::MatrixSelector& matrix,
                                            int64_t t_ms) const {
  const int64_t end = Look(matrix.selector->time, t_ms);
  const int64_t start = end - matrix.range_ms;
  const std::optional<NaiveEdge> edge = EdgeOf(*matrix.selector);
  const int64_t around = edge ? query_.lookback_ms : 0;
  std::vector<NaiveWindow> windows = Samples(*matrix.selector, start - around, end + around);
  DropStale(windows);
  for (NaiveWindow& window : windows) {
    window.start_ms = start;
    window.end_ms = end;
    if (edge) window = NaiveExtendedWindow(window, *edge);
  }
  return windows;
}

}  // namespace tocsin::testing_support
