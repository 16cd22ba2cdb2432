#include "engine/promql/row_source.h"

#include <algorithm>
#include <utility>

#include "engine/promql/slices.h"

namespace tocsin::promql {
namespace {

// Below this many values to compute, a helper costs more than it brings.
constexpr size_t kWorthHelpers = 60'000;
// What reading a row costs beside its steps.
constexpr size_t kStepsOfReading = 16;
// A slice's values stay in the cache of a core.
constexpr size_t kValuesOfSlice = 16'384;
constexpr size_t kMostRowsOfSlice = 512;

}  // namespace

// What one worker of a source has. Its annotations reach the query when it is done.
class RowSource::Worker {
 public:
  Worker(const RowSource& source, Mutex& mutex)
      : source_(source),
        mutex_(mutex),
        reader_(source.NewReader(annotations_)),
        budget_(source.evaluator_.budget()) {}
  ~Worker() {
    const MutexLock lock(mutex_);
    source_.evaluator_.annotations().Merge(annotations_);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The rows of the slice, from row `to` of `out` on.
  Status Read(const Slice& slice, Block& out, size_t to) {
    for (size_t row = slice.begin; row < slice.end; ++row) {
      RETURN_IF_ERROR(budget_.CheckAlive());
      const size_t out_row = to + row - slice.begin;
      RowWriter writer(out, out_row, histograms_);
      RETURN_IF_ERROR(reader_->Read(row, writer, budget_));
      RETURN_IF_ERROR(budget_.Keep(out.CountPresent(out_row)));
    }
    budget_.Settle();
    return Ok();
  }

  std::vector<HistogramCell>& histograms() { return histograms_; }

 private:
  const RowSource& source_;
  Mutex& mutex_;
  Annotations annotations_;
  const std::unique_ptr<Reader> reader_;
  BudgetShare budget_;
  std::vector<HistogramCell> histograms_;
};

namespace {

void PutHistograms(std::vector<HistogramCell>& cells, Block& block) {
  for (HistogramCell& cell : cells) block.Set(cell.row, cell.step, std::move(cell.histogram));
  cells.clear();
}

}  // namespace

size_t RowSource::SliceSize() const {
  return std::clamp(kValuesOfSlice / steps_.count, size_t{1}, kMostRowsOfSlice);
}

Executor* RowSource::Helpers() const {
  const bool worth = size() * (steps_.count + kStepsOfReading) >= kWorthHelpers;
  return worth ? evaluator_.context().workers : nullptr;
}

Result<Block> RowSource::ReadAll() {
  RETURN_IF_ERROR(evaluator_.budget().HoldBytes(Block::BytesFor(size(), steps_.count)));
  Block block(list(), steps_.count);
  Mutex mutex;
  std::vector<HistogramCell> histograms;
  Slices slices(size(), SliceSize());
  const auto work = [&](SliceSource& mine) -> Status {
    Worker worker(*this, mutex);
    while (const std::optional<Slice> slice = mine.Next()) {
      RETURN_IF_ERROR(worker.Read(*slice, block, slice->begin));
    }
    const MutexLock lock(mutex);
    std::ranges::move(worker.histograms(), std::back_inserter(histograms));
    return Ok();
  };
  RETURN_IF_ERROR(RunSliced(Helpers(), slices, work));
  PutHistograms(histograms, block);
  for (size_t row = 0; row < size(); ++row) block.set_drop_name(row, drop_name(row));
  return block;
}

Status RowSource::ReadInOrder(const std::function<Status(const Batch&)>& use) {
  Mutex mutex;
  Slices slices(size(), SliceSize());
  return RunSliced(Helpers(), slices, [&](SliceSource& mine) -> Status {
    Worker worker(*this, mutex);
    Block rows = Block::Unlabelled(std::min(SliceSize(), size()), steps_.count);
    while (const std::optional<Slice> slice = mine.Next()) {
      rows.ClearValues();
      RETURN_IF_ERROR(worker.Read(*slice, rows, 0));
      PutHistograms(worker.histograms(), rows);
      if (!mine.AwaitTurn(*slice)) break;
      RETURN_IF_ERROR(use({rows, slice->begin, slice->end - slice->begin}));
      mine.EndTurn();
    }
    return Ok();
  });
}

}  // namespace tocsin::promql
