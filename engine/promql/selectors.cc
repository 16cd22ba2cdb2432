// Instant selectors, range selectors and subqueries: from the store to blocks and windows.
#include <algorithm>

#include "engine/model/histogram.h"
#include "engine/promql/evaluator.h"

namespace tocsin::promql {
namespace {

double SecondsOf(int64_t ms) { return static_cast<double>(ms) / 1000; }

// Writes one series of an instant selector at all steps.
class InstantReader {
 public:
  InstantReader(std::span<const int64_t> times, int64_t lookback_ms, Evaluator::Read what,
                Block& block)
      : times_(times), lookback_ms_(lookback_ms), what_(what), block_(block) {}

  void SetNewest(size_t series, size_t step, const SeriesSet::Newest& newest) {
    if (what_ == Evaluator::Read::kTimestamp) {
      block_.Set(series, step, SecondsOf(newest.t_ms));
    } else if (what_ == Evaluator::Read::kStartTimestamp) {
      block_.Set(series, step, SecondsOf(newest.start_ms));
    } else if (newest.histogram != nullptr) {
      block_.Set(series, step, newest.histogram);
    } else {
      block_.Set(series, step, newest.value);
    }
  }

  void ReadRow(size_t series, const SampleColumns& columns) {
    size_t next = 0;
    for (size_t step = 0; step < times_.size(); ++step) {
      while (next < columns.size() && columns.t_ms[next] <= times_[step]) ++next;
      if (next == 0 || columns.t_ms[next - 1] <= times_[step] - lookback_ms_) continue;
      const size_t i = next - 1;
      if (IsStaleNan(columns.values[i])) continue;
      SetNewest(series, step,
                {.t_ms = columns.t_ms[i],
                 .value = columns.values[i],
                 .histogram = columns.histograms.empty() ? nullptr : columns.histograms[i],
                 .start_ms = columns.start_ms.empty() ? 0 : columns.start_ms[i]});
    }
  }

  // Whether floats and histograms met in a smoothed row, since the last time this was asked.
  bool TakeMixed() { return std::exchange(mixed_, false); }

  // Between the samples around a step the value lies on the line between them; after the last
  // sample it stays.
  void ReadSmoothedRow(size_t series, const SampleColumns& columns) {
    ReadRow(series, columns);
    size_t next = 0;
    for (size_t step = 0; step < times_.size(); ++step) {
      const int64_t t = times_[step];
      while (next < columns.size() && columns.t_ms[next] <= t) ++next;
      if (!block_.Has(series, step) || next == columns.size()) continue;
      const size_t before = next - 1;
      if (columns.t_ms[before] == t || columns.t_ms[next] > t + lookback_ms_) continue;
      const auto part = static_cast<double>(t - columns.t_ms[before]);
      const auto whole = static_cast<double>(columns.t_ms[next] - columns.t_ms[before]);
      if (IsHistogram(columns, before) != IsHistogram(columns, next)) {
        block_.Clear(series, step);
        mixed_ = true;
        continue;
      }
      if (IsHistogram(columns, before)) {
        block_.Set(series, step, Between(columns, before, part / whole));
        continue;
      }
      const double low = columns.values[before];
      const double high = columns.values[next];
      block_.Set(series, step, low + (high - low) * part / whole);
    }
  }

 private:
  static bool IsHistogram(const SampleColumns& columns, size_t i) {
    return !columns.histograms.empty() && columns.histograms[i] != nullptr;
  }

  // The histogram at that part of the way to the next one; the one before when the two cannot be
  // subtracted.
  static HistogramPtr Between(const SampleColumns& columns, size_t before, double part) {
    FloatHistogram rise = *columns.histograms[before + 1];
    if (!rise.Sub(*columns.histograms[before]).compatible) return columns.histograms[before];
    rise.Mul(part);
    auto between = std::make_shared<FloatHistogram>(*columns.histograms[before]);
    if (!between->Add(rise).compatible) return columns.histograms[before];
    return between;
  }

  std::span<const int64_t> times_;
  const int64_t lookback_ms_;
  const Evaluator::Read what_;
  Block& block_;
  bool mixed_ = false;
};

}  // namespace

std::vector<int64_t> Evaluator::WindowEnds(const PlanNode& node, const Steps& steps) const {
  std::vector<int64_t> ends(steps.count);
  for (size_t step = 0; step < steps.count; ++step) ends[step] = LookAt(node.time, steps.At(step));
  return ends;
}

Result<std::unique_ptr<SeriesSet>> Evaluator::Select(const PlanNode& node, const Steps& steps,
                                                     TimeRange range) {
  const SelectHints hints{.step_ms = steps.count > 1 ? steps.step_ms : 0,
                          .range_ms = node.range_ms,
                          .function = std::string(node.hint)};
  ASSIGN_OR_RETURN(
      std::unique_ptr<SeriesSet> set,
      context_.querier.Select(node.selector->matchers, range, hints, context_.symbols));
  budget_->CountSeries(set->size());
  return set;
}

SeriesListPtr Evaluator::ListOf(const PlanNode& node, const SeriesSet& set) {
  NodeMemory& memory = context_.memory.Of(node.id);
  bool same = memory.series != nullptr && memory.series_ids.size() == set.size();
  for (size_t i = 0; same && i < set.size(); ++i) {
    same = memory.series_ids[i] != 0 && memory.series_ids[i] == set.id(i);
  }
  if (same) return memory.series;
  auto list = std::make_shared<SeriesList>();
  list->reserve(set.size());
  memory.series_ids.clear();
  for (size_t i = 0; i < set.size(); ++i) {
    list->push_back(set.labels(i));
    memory.series_ids.push_back(set.id(i));
  }
  memory.series = std::move(list);
  return memory.series;
}

Result<Block> Evaluator::ReadInstant(const PlanNode& node, const Steps& steps, Read what) {
  const std::vector<int64_t> times = WindowEnds(node, steps);
  const int64_t lookback = context_.lookback_ms;
  const bool smoothed = node.extension == Extension::kSmoothed && what == Read::kValue;
  const TimeRange range{times.front() - lookback + 1, times.back() + (smoothed ? lookback : 0)};
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> set, Select(node, steps, range));
  Block block(ListOf(node, *set), steps.count);
  InstantReader reader(times, lookback, what, block);
  SampleColumns columns;
  const size_t held = budget_->held();
  for (size_t series = 0; series < set->size(); ++series) {
    RETURN_IF_ERROR(budget_->CheckAlive());
    if (steps.count == 1 && !smoothed && !node.detects_resets) {
      const std::optional<SeriesSet::Newest> newest = set->ReadNewest(series, range);
      if (!newest || IsStaleNan(newest->value)) continue;
      reader.SetNewest(series, 0, *newest);
      budget_->CountLoaded(1);
      continue;
    }
    columns.clear();
    RETURN_IF_ERROR(set->Read(series, range, columns));
    budget_->CountLoaded(columns.size());
    if (node.detects_resets) DetectResets(columns);
    if (smoothed) {
      RemoveStale(columns);
      reader.ReadSmoothedRow(series, columns);
      if (reader.TakeMixed()) {
        annotations_->Warn(
            "PromQL warning: encountered a mix of histograms and floats for metric name \"" +
                std::string(symbols().Text(block.labels(series).Get(metric_name_))) + "\"",
            node.position);
      }
    } else {
      reader.ReadRow(series, columns);
    }
    RETURN_IF_ERROR(budget_->Hold(block.CountPresent(series)));
  }
  budget_->ReleaseTo(held);
  return block;
}

Result<RangeSource> Evaluator::OpenRange(const PlanNode& node, const Steps& steps) {
  if (node.expr->As<Subquery>() != nullptr) return OpenSubquery(node, steps);
  std::vector<int64_t> ends = WindowEnds(node, steps);
  const TimeRange range = RangeSource::ReadRange(node, ends, context_.lookback_ms);
  ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> set, Select(node, steps, range));
  SeriesListPtr list = ListOf(node, *set);
  return RangeSource(node, std::move(ends), context_.lookback_ms, std::move(set), std::move(list),
                     context_.options.use_start_timestamps);
}

// The inner steps are the multiples of the step since the epoch that any window holds.
Result<RangeSource> Evaluator::OpenSubquery(const PlanNode& node, const Steps& steps) {
  std::vector<int64_t> ends = WindowEnds(node, steps);
  const auto floor_div = [](int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); };
  const int64_t first = (floor_div(ends.front() - node.range_ms, node.step_ms) + 1) * node.step_ms;
  const int64_t last = floor_div(ends.back(), node.step_ms) * node.step_ms;
  if (last < first) return RangeSource(node, std::move(ends), {}, Block(1));
  const Steps inner{first, node.step_ms, static_cast<size_t>((last - first) / node.step_ms) + 1};
  ASSIGN_OR_RETURN(Block block, Evaluate(node.inputs[0], inner));
  return RangeSource(node, std::move(ends), inner, std::move(block));
}

}  // namespace tocsin::promql
