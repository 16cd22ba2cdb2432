// Range vectors: windows that slide over the samples of each series.
#include <algorithm>

#include "engine/model/histogram.h"
#include "engine/promql/evaluator.h"

namespace tocsin::promql {
namespace {

struct WindowShape {
  int64_t range_ms;
  int64_t lookback_ms;
  Extension extension;
};

// Both ends of the windows only ever advance.
void SlideWindows(std::span<const int64_t> t_ms, std::span<const int64_t> ends,
                  const WindowShape& shape, std::vector<Window>& windows) {
  windows.clear();
  const auto count = static_cast<uint32_t>(t_ms.size());
  uint32_t first = 0;
  uint32_t last = 0;
  for (const int64_t end : ends) {
    const int64_t start = end - shape.range_ms;
    while (first < count && t_ms[first] <= start) ++first;
    while (last < count && t_ms[last] <= end) ++last;
    Window window{first, std::max(first, last), start, end};
    if (shape.extension != Extension::kNone && first > 0 &&
        t_ms[first - 1] > start - shape.lookback_ms) {
      --window.first;
    }
    if (shape.extension == Extension::kSmoothed && window.last < count &&
        t_ms[window.last] <= end + shape.lookback_ms) {
      ++window.last;
    }
    windows.push_back(window);
  }
}

// The samples of a subquery do not follow each other in their series: whether one is a reset
// against the one before it has to be found out anew.
HistogramPtr WithoutHint(const HistogramPtr& histogram) {
  if (histogram == nullptr || histogram->reset_hint == CounterResetHint::kGauge ||
      histogram->reset_hint == CounterResetHint::kUnknown) {
    return histogram;
  }
  auto copy = std::make_shared<FloatHistogram>(*histogram);
  copy->reset_hint = CounterResetHint::kUnknown;
  return copy;
}

}  // namespace

// Drops the staleness markers of a series' columns.
void RemoveStale(SampleColumns& columns) {
  if (std::ranges::none_of(columns.values, IsStaleNan)) return;
  size_t kept = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (IsStaleNan(columns.values[i])) continue;
    columns.t_ms[kept] = columns.t_ms[i];
    columns.values[kept] = columns.values[i];
    if (!columns.histograms.empty()) columns.histograms[kept] = std::move(columns.histograms[i]);
    if (!columns.start_ms.empty()) columns.start_ms[kept] = columns.start_ms[i];
    ++kept;
  }
  columns.t_ms.resize(kept);
  columns.values.resize(kept);
  if (!columns.histograms.empty()) columns.histograms.resize(kept);
  if (!columns.start_ms.empty()) columns.start_ms.resize(kept);
}

size_t CostOf(const SampleColumns& columns) {
  size_t cost = columns.size();
  for (const HistogramPtr& histogram : columns.histograms) {
    if (histogram != nullptr) cost += histogram->SampleCost() - 1;
  }
  return cost;
}

void DetectResets(SampleColumns& columns) {
  for (size_t i = columns.histograms.size(); i-- > 1;) {
    const HistogramPtr& before = columns.histograms[i - 1];
    HistogramPtr& histogram = columns.histograms[i];
    if (before == nullptr || histogram == nullptr) continue;
    if (histogram->reset_hint != CounterResetHint::kUnknown) continue;
    auto copy = std::make_shared<FloatHistogram>(*histogram);
    copy->reset_hint =
        histogram->DetectReset(*before) ? CounterResetHint::kReset : CounterResetHint::kNotReset;
    histogram = std::move(copy);
  }
}

RangeSource::RangeSource(const PlanNode& node, std::vector<int64_t> ends, int64_t lookback_ms,
                         std::unique_ptr<SeriesSet> set, SeriesListPtr list,
                         bool use_start_timestamps)
    : node_(node),
      ends_(std::move(ends)),
      lookback_ms_(lookback_ms),
      range_(ReadRange(node, ends_, lookback_ms)),
      set_(std::move(set)),
      list_(std::move(list)),
      use_start_timestamps_(use_start_timestamps) {}

RangeSource::RangeSource(const PlanNode& node, std::vector<int64_t> ends, Steps inner, Block block)
    : node_(node),
      ends_(std::move(ends)),
      inner_(inner),
      block_(std::move(block)),
      list_(block_.list() != nullptr ? block_.list() : std::make_shared<const SeriesList>()) {}

TimeRange RangeSource::ReadRange(const PlanNode& node, std::span<const int64_t> ends,
                                 int64_t lookback_ms) {
  TimeRange range{ends.front() - node.range_ms + 1, ends.back()};
  if (node.extension != Extension::kNone) range.min_ms -= lookback_ms;
  if (node.extension == Extension::kSmoothed) range.max_ms += lookback_ms;
  return range;
}

Result<SeriesWindows> RangeSource::Read(size_t series, Buffers& buffers) const {
  SampleColumns& columns = buffers.columns;
  columns.clear();
  if (set_ != nullptr) {
    RETURN_IF_ERROR(set_->Read(series, range_, columns));
    RemoveStale(columns);
    if (node_.detects_resets) DetectResets(columns);
  } else {
    for (size_t step = 0; step < inner_.count; ++step) {
      if (!block_.Has(series, step)) continue;
      columns.t_ms.push_back(inner_.At(step));
      columns.values.push_back(block_.Value(series, step));
      if (block_.has_histograms()) {
        columns.histograms.push_back(WithoutHint(block_.Histogram(series, step)));
      }
    }
  }
  // Series that were scraped together have the same times, and so the same windows.
  if (buffers.windows.empty() || columns.t_ms != buffers.windows_of) {
    SlideWindows(columns.t_ms, ends_, {node_.range_ms, lookback_ms_, node_.extension},
                 buffers.windows);
    buffers.windows_of = columns.t_ms;
    buffers.samples_in_windows = 0;
    for (const Window& window : buffers.windows) {
      buffers.samples_in_windows += window.last - window.first;
    }
    buffers.memory.Clear();
  }
  const bool starts = use_start_timestamps_;
  return SeriesWindows{
      .labels = (*list_)[series],
      .t_ms = columns.t_ms,
      .values = columns.values,
      .histograms = columns.histograms,
      .start_ms = starts ? std::span<const int64_t>(columns.start_ms) : std::span<const int64_t>(),
      .windows = buffers.windows,
      .range_ms = node_.range_ms,
      .anchored = node_.extension == Extension::kAnchored,
      .smoothed = node_.extension == Extension::kSmoothed,
      .memory = buffers.memory};
}

}  // namespace tocsin::promql
