// Instant selectors, range selectors and subqueries: from the store to blocks and windows.
#include <algorithm>

#include "engine/model/histogram.h"
#include "engine/promql/evaluator.h"
#include "engine/promql/extended_rate.h"
#include "engine/promql/quote.h"
#include "engine/promql/row_source.h"

namespace tocsin::promql {
namespace {

double SecondsOf(int64_t ms) { return static_cast<double>(ms) / 1000; }

// What an instant selector asks of each series, for all steps.
struct InstantLook {
  std::vector<int64_t> times;  // one for each step
  int64_t lookback_ms = 0;
  Evaluator::Read what = Evaluator::Read::kValue;
  bool smoothed = false;
  bool detects_resets = false;
  TimeRange range;
  PositionRange position;
};

// Reads the rows of an instant selector.
class InstantReader final : public RowSource::Reader {
 public:
  InstantReader(const InstantLook& look, const SeriesSet& set, const Evaluator& evaluator,
                Annotations& annotations)
      : look_(look), set_(set), evaluator_(evaluator), annotations_(annotations) {}

  Status Read(size_t row, RowWriter& out, BudgetShare& budget) override {
    if (look_.times.size() == 1 && !look_.smoothed && !look_.detects_resets) {
      const std::optional<SeriesSet::Newest> newest = set_.ReadNewest(row, look_.range);
      if (!newest || IsStaleNan(newest->value)) return Ok();
      const size_t cost = newest->histogram == nullptr ? 1 : newest->histogram->SampleCost();
      budget.CountLoaded(cost);
      budget.CountLooked(0, cost);
      Put(0, *newest, out);
      return Ok();
    }
    columns_.clear();
    RETURN_IF_ERROR(set_.Read(row, look_.range, columns_));
    budget.CountLoaded(CostOf(columns_));
    if (look_.detects_resets) DetectResets(columns_);
    if (look_.smoothed) {
      RemoveStale(columns_);
      ReadSmoothed(row, out);
    }
    FindNewest();
    const bool plain = IsPlain();
    if (!look_.smoothed) ReadNewestOfEach(plain, out);
    CountLooked(plain, budget);
    return Ok();
  }

 private:
  void Put(size_t step, const SeriesSet::Newest& newest, RowWriter& out) const {
    if (look_.what == Evaluator::Read::kTimestamp) {
      out.Set(step, SecondsOf(newest.t_ms));
    } else if (look_.what == Evaluator::Read::kStartTimestamp) {
      out.Set(step, SecondsOf(newest.start_ms));
    } else if (newest.histogram != nullptr) {
      out.Set(step, newest.histogram);
    } else {
      out.Set(step, newest.value);
    }
  }

  // Each step looks at the sample that it gives.
  void CountLooked(bool plain, BudgetShare& budget) const {
    if (!budget.counts_by_step() && plain) return budget.CountLooked(0, found_);
    for (size_t step = 0; step < newest_.size(); ++step) {
      const uint32_t i = newest_[step];
      if (!IsFound(step) || IsStaleNan(columns_.values[i])) continue;
      budget.CountLooked(step, IsHistogram(i) ? columns_.histograms[i]->SampleCost() : 1);
    }
  }

  // The newest sample of each step. Series that were scraped together have the same times, and then
  // what was found for one holds for the next.
  void FindNewest() {
    if (columns_.t_ms == found_in_ && !newest_.empty()) return;
    found_in_ = columns_.t_ms;
    newest_.assign(look_.times.size(), 0);
    present_.assign((look_.times.size() + 63) / 64, 0);
    found_ = 0;
    uint32_t next = 0;
    for (size_t step = 0; step < newest_.size(); ++step) {
      while (next < found_in_.size() && found_in_[next] <= look_.times[step]) ++next;
      if (next == 0 || found_in_[next - 1] <= look_.times[step] - look_.lookback_ms) continue;
      newest_[step] = next - 1;
      present_[step / 64] |= uint64_t{1} << (step % 64);
      ++found_;
    }
  }

  bool IsFound(size_t step) const { return (present_[step / 64] >> (step % 64)) & 1; }

  // Floats, of a series that never ended.
  bool IsPlain() const {
    return columns_.histograms.empty() && std::ranges::none_of(columns_.values, IsStaleNan);
  }

  void ReadNewestOfEach(bool plain, RowWriter& out) const {
    if (found_ == 0) return;
    if (look_.what == Evaluator::Read::kValue && plain) {
      return out.SetSteps(present_, newest_, columns_.values);
    }
    for (size_t step = 0; step < newest_.size(); ++step) {
      const uint32_t i = newest_[step];
      if (IsFound(step) && !IsStaleNan(columns_.values[i])) PutSample(step, i, out);
    }
  }

  void PutSample(size_t step, uint32_t i, RowWriter& out) const {
    Put(step,
        {.t_ms = columns_.t_ms[i],
         .value = columns_.values[i],
         .histogram = columns_.histograms.empty() ? nullptr : columns_.histograms[i],
         .start_ms = columns_.start_ms.empty() ? 0 : columns_.start_ms[i]},
        out);
  }

  // Between the samples around a step the value lies on the line between them; after the last
  // sample it stays.
  void ReadSmoothed(size_t row, RowWriter& out) {
    size_t first = 0;
    size_t next = 0;
    size_t last = 0;
    for (size_t step = 0; step < look_.times.size(); ++step) {
      const int64_t t = look_.times[step];
      while (first < columns_.size() && columns_.t_ms[first] <= t - look_.lookback_ms) ++first;
      while (next < columns_.size() && columns_.t_ms[next] < t) ++next;
      while (last < columns_.size() && columns_.t_ms[last] <= t + look_.lookback_ms) ++last;
      if (first == last) continue;
      if (IsMixed(first, last)) {
        Warn("encountered a mix of histograms and floats for metric name ", row);
      } else if (next < last && columns_.t_ms[next] == t) {
        PutSample(step, static_cast<uint32_t>(next), out);
      } else if (next > first && next < last) {
        PutBetween(row, step, next, out);
      } else if (next > first) {
        PutStaying(step, next - 1, out);
      }
    }
  }

  bool IsHistogram(size_t i) const {
    return !columns_.histograms.empty() && columns_.histograms[i] != nullptr;
  }
  bool IsMixed(size_t first, size_t last) const {
    for (size_t i = first + 1; i < last && !columns_.histograms.empty(); ++i) {
      if (IsHistogram(i) != IsHistogram(first)) return true;
    }
    return false;
  }

  void Warn(const std::string& text, size_t row) {
    annotations_.Warn("PromQL warning: " + text + Quote(evaluator_.NameOf(set_.labels(row))),
                      look_.position);
  }
  void NoteReconciled(const std::string& operation) {
    annotations_.Info("PromQL info: mismatched custom buckets were reconciled during " + operation,
                      look_.position);
  }

  // A hint tells of a sample and the one before it, not of the value.
  void PutStaying(size_t step, size_t i, RowWriter& out) const {
    if (!IsHistogram(i)) return out.Set(step, columns_.values[i]);
    auto staying = std::make_shared<FloatHistogram>(*columns_.histograms[i]);
    staying->reset_hint = CounterResetHint::kUnknown;
    out.Set(step, std::move(staying));
  }

  // Between the samples next - 1 and next.
  void PutBetween(size_t row, size_t step, size_t next, RowWriter& out) {
    const int64_t t = look_.times[step];
    const int64_t low_ms = columns_.t_ms[next - 1];
    const int64_t high_ms = columns_.t_ms[next];
    if (!IsHistogram(next)) {
      const double low = columns_.values[next - 1];
      const double high = columns_.values[next];
      return out.Set(step, low + (high - low) * static_cast<double>(t - low_ms) /
                                     static_cast<double>(high_ms - low_ms));
    }
    const FloatHistogram& low = *columns_.histograms[next - 1];
    const FloatHistogram& high = *columns_.histograms[next];
    const bool gauge =
        low.reset_hint == CounterResetHint::kGauge && high.reset_hint == CounterResetHint::kGauge;
    OnHistogramLine line = InterpolateHistograms({low, low_ms}, {high, high_ms}, t, !gauge);
    if (line.histogram == nullptr) {
      return Warn(
          "vector contains a mix of histograms with exponential and custom buckets schemas for "
          "metric name ",
          row);
    }
    if (line.reconciled_sub) NoteReconciled("subtraction");
    if (line.reconciled_add) NoteReconciled("addition");
    out.Set(step, std::move(line.histogram));
  }

  const InstantLook& look_;
  const SeriesSet& set_;
  const Evaluator& evaluator_;
  Annotations& annotations_;
  SampleColumns columns_;
  std::vector<int64_t> found_in_;
  std::vector<uint32_t> newest_;   // by step; 0 where there is none
  std::vector<uint64_t> present_;  // the bits of the steps that have one
  size_t found_ = 0;               // how many have
};

class SelectorRows final : public RowSource {
 public:
  SelectorRows(Evaluator& evaluator, const Steps& steps, InstantLook look,
               std::unique_ptr<SeriesSet> set, SeriesListPtr list)
      : RowSource(evaluator, steps),
        look_(std::move(look)),
        set_(std::move(set)),
        list_(std::move(list)) {}

  const SeriesListPtr& list() const override { return list_; }

 protected:
  std::unique_ptr<Reader> NewReader(Annotations& annotations) const override {
    return std::make_unique<InstantReader>(look_, *set_, evaluator(), annotations);
  }

 private:
  const InstantLook look_;
  const std::unique_ptr<SeriesSet> set_;
  const SeriesListPtr list_;
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
    // Where the references are counted is far from the caches, and so are the last pairs, which
    // are looked at next.
    constexpr size_t kAhead = 8;
    if (i + kAhead < set.size()) {
      const Labels& coming = set.labels(i + kAhead);
      __builtin_prefetch(coming.begin(), 1);
      __builtin_prefetch(coming.end());
    }
    list->push_back(set.labels(i));
    memory.series_ids.push_back(set.id(i));
  }
  memory.series = std::move(list);
  return memory.series;
}

Result<std::unique_ptr<RowSource>> OpenSelectorRows(Evaluator& evaluator, const PlanNode& node,
                                                    const Steps& steps, Evaluator::Read what) {
  const int64_t lookback = evaluator.context().lookback_ms;
  InstantLook look{
      .times = evaluator.WindowEnds(node, steps),
      .lookback_ms = lookback,
      .what = what,
      .smoothed = node.extension == Extension::kSmoothed && what == Evaluator::Read::kValue,
      .detects_resets = node.detects_resets,
      .range = {},
      .position = node.position};
  look.range = {look.times.front() - lookback + 1,
                look.times.back() + (look.smoothed ? lookback : 0)};
  ASSIGN_OR_RETURN(std::unique_ptr<SeriesSet> set, evaluator.Select(node, steps, look.range));
  SeriesListPtr list = evaluator.ListOf(node, *set);
  return std::unique_ptr<RowSource>(std::make_unique<SelectorRows>(
      evaluator, steps, std::move(look), std::move(set), std::move(list)));
}

Result<Block> Evaluator::ReadInstant(const PlanNode& node, const Steps& steps, Read what) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                   OpenSelectorRows(*this, node, steps, what));
  return rows->ReadAll();
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
  QueryBudget::Looked looked = budget_->BeginPart();
  ASSIGN_OR_RETURN(Block block, Evaluate(node.inputs[0], inner));
  budget_->EndPart(std::move(looked), 0);
  return RangeSource(node, std::move(ends), inner, std::move(block));
}

}  // namespace tocsin::promql
