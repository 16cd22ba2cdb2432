// topk and bottomk.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/promql/aggregation.h"

namespace tocsin::promql {

// Go's container/heap, move by move: which of equal values stays depends on it.
class BestPicks::Heap {
 public:
  // Of at most `k` picks. Returns what the next one must be better than; NaN when it need not be.
  double Offer(Pick item, size_t k, bool largest) {
    if (items_.size() < k) {
      Push(item, largest);
    } else if (IsBetter(item.value, largest)) {
      ReplaceFront(item, largest);
    }
    return items_.size() < k ? std::numeric_limits<double>::quiet_NaN() : items_.front().value;
  }

  // Best first.
  void Sort(bool largest) {
    // An insertion sort, as Go's for a few items: Less is no order among NaNs.
    for (size_t i = 1; i < items_.size(); ++i) {
      for (size_t j = i; j > 0 && Less(items_[j - 1], items_[j], largest); --j) {
        std::swap(items_[j], items_[j - 1]);
      }
    }
  }
  const std::vector<Pick>& items() const { return items_; }

 private:
  // The worst of the kept stands in front.
  static bool Less(const Pick& a, const Pick& b, bool largest) {
    if (std::isnan(a.value)) return true;
    return largest ? a.value < b.value : a.value > b.value;
  }
  bool IsBetter(double value, bool largest) const {
    const double worst = items_.front().value;
    if (std::isnan(worst)) return !std::isnan(value);
    return largest ? worst < value : worst > value;
  }
  void Push(Pick item, bool largest) {
    items_.push_back(item);
    size_t j = items_.size() - 1;
    while (j > 0) {
      const size_t parent = (j - 1) / 2;
      if (!Less(items_[j], items_[parent], largest)) break;
      std::swap(items_[j], items_[parent]);
      j = parent;
    }
  }
  void ReplaceFront(Pick item, bool largest) {
    items_.front() = item;
    size_t i = 0;
    while (2 * i + 1 < items_.size()) {
      size_t child = 2 * i + 1;
      if (child + 1 < items_.size() && Less(items_[child + 1], items_[child], largest)) ++child;
      if (!Less(items_[child], items_[i], largest)) break;
      std::swap(items_[i], items_[child]);
      i = child;
    }
  }

  std::vector<Pick> items_;
};

BestPicks::BestPicks(const AggregateContext& context, std::shared_ptr<const Grouping> grouping)
    : context_(context),
      grouping_(std::move(grouping)),
      heaps_(grouping_->groups->size() * context.steps.count),
      bars_(heaps_.size(), std::numeric_limits<double>::quiet_NaN()) {}

BestPicks::~BestPicks() = default;

Status BestPicks::ReadCounts() {
  ASSIGN_OR_RETURN(const bool any, CheckPickParameter(context_));
  for (size_t step = 0; step < context_.steps.count; ++step) {
    counts_.push_back(any ? PickCount(context_.param->Value(0, step)) : 0);
  }
  return Ok();
}

void BestPicks::Add(const Block& rows, size_t first, size_t count) {
  const bool largest = context_.aggregate.op == AggregateOp::kTopk;
  const bool histograms = rows.has_histograms();
  const size_t steps = context_.steps.count;
  for (size_t i = 0; i < count; ++i) {
    Heap* const heaps = heaps_.data() + grouping_->group_of[first + i] * steps;
    double* const bars = bars_.data() + grouping_->group_of[first + i] * steps;
    const std::span<const double> row = rows.Row(i);
    for (size_t step = 0; step < steps; ++step) {
      // Nearly all values fail here. A histogram's is NaN, which does not.
      double& bar = bars[step];
      if (largest ? row[step] <= bar : row[step] >= bar) continue;
      if (counts_[step] == 0 || !rows.Has(i, step)) continue;
      if (histograms && rows.Histogram(i, step) != nullptr) {
        ignored_histograms_ = true;
        continue;
      }
      bar = heaps[step].Offer({first + i, row[step]}, counts_[step], largest);
    }
  }
}

BestPicks::Picked BestPicks::Take(const SeriesList& list) {
  const size_t steps = context_.steps.count;
  Picked picked{Block(steps), {}};
  // By row of the list: its row in the result.
  constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> row_of(list.size(), kNone);
  const auto pick = [&](size_t row) {
    if (row_of[row] != kNone) return;
    row_of[row] = picked.block.AddSeries(list[row]);
    picked.rows.push_back(row);
  };
  for (Heap& heap : heaps_) heap.Sort(context_.aggregate.op == AggregateOp::kTopk);
  if (context_.evaluator.context().range_query || steps > 1) {
    std::vector<bool> wanted(list.size());
    for (const Heap& heap : heaps_) {
      for (const Pick& item : heap.items()) wanted[item.row] = true;
    }
    for (size_t row = 0; row < list.size(); ++row) {
      if (wanted[row]) pick(row);
    }
  }
  for (size_t i = 0; i < heaps_.size(); ++i) {
    for (const Pick& item : heaps_[i].items()) {
      pick(item.row);
      picked.block.Set(row_of[item.row], i % steps, item.value);
    }
  }
  return picked;
}

}  // namespace tocsin::promql
