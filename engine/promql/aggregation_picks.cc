// Aggregations that pick rows of each group and leave them as they are: topk, bottomk, limitk,
// limit_ratio; and count_values.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/go_float.h"
#include "engine/model/histogram.h"
#include "engine/promql/aggregation.h"
#include "engine/promql/quote.h"

namespace tocsin::promql {
namespace {

struct Candidate {
  size_t series;
  double value;
};

// Go's container/heap, move by move: which of equal values stays depends on it.
class GoHeap {
 public:
  explicit GoHeap(bool largest) : largest_(largest) {}

  // The worst of the kept stands in front.
  bool Less(const Candidate& a, const Candidate& b) const {
    if (std::isnan(a.value)) return true;
    return largest_ ? a.value < b.value : a.value > b.value;
  }
  bool IsBetter(double value) const {
    const double worst = items_.front().value;
    if (std::isnan(worst)) return !std::isnan(value);
    return largest_ ? worst < value : worst > value;
  }
  void Push(Candidate item) {
    items_.push_back(item);
    size_t j = items_.size() - 1;
    while (j > 0) {
      const size_t parent = (j - 1) / 2;
      if (!Less(items_[j], items_[parent])) break;
      std::swap(items_[j], items_[parent]);
      j = parent;
    }
  }
  void ReplaceFront(Candidate item) {
    items_.front() = item;
    size_t i = 0;
    while (2 * i + 1 < items_.size()) {
      size_t child = 2 * i + 1;
      if (child + 1 < items_.size() && Less(items_[child + 1], items_[child])) ++child;
      if (!Less(items_[child], items_[i])) break;
      std::swap(items_[i], items_[child]);
      i = child;
    }
  }
  size_t size() const { return items_.size(); }
  // Best first.
  std::vector<Candidate> Sorted() const {
    std::vector<Candidate> sorted = items_;
    // An insertion sort, as Go's for a few items: Less is no order among NaNs.
    for (size_t i = 1; i < sorted.size(); ++i) {
      for (size_t j = i; j > 0 && Less(sorted[j - 1], sorted[j]); --j) {
        std::swap(sorted[j], sorted[j - 1]);
      }
    }
    return sorted;
  }

 private:
  const bool largest_;
  std::vector<Candidate> items_;
};

class Picker {
 public:
  Picker(const AggregateContext& context, const Block& block)
      : context_(context),
        op_(context.aggregate.op),
        block_(block),
        grouping_(GroupRows(context.evaluator, context.node, block)),
        out_(block.list(), context.steps.count) {}

  Result<Block> Run() {
    for (size_t series = 0; series < block_.series(); ++series) {
      out_.set_drop_name(series, block_.drop_name(series));
    }
    for (size_t step = 0; step < context_.steps.count; ++step) {
      RETURN_IF_ERROR(context_.evaluator.budget().CheckAlive());
      const double param = context_.param->Value(0, step);
      if (op_ == AggregateOp::kLimitRatio) {
        RETURN_IF_ERROR(PickRatio(step, param));
        continue;
      }
      ASSIGN_OR_RETURN(const int64_t k, Count(param));
      if (k < 1) continue;
      if (op_ == AggregateOp::kLimitk) {
        PickFirst(step, static_cast<size_t>(k));
      } else {
        PickBest(step, static_cast<size_t>(k));
      }
    }
    if (order_.empty()) return std::move(out_);
    return InOrder();
  }

 private:
  static Result<int64_t> Count(double param) {
    if (std::isnan(param)) return ExecutionError("Parameter value is NaN");
    if (!(param >= -0x1p63 && param < 0x1p63)) {
      return ExecutionError("Scalar value " + FormatGoV(param) + " overflows int64");
    }
    return static_cast<int64_t>(param);
  }

  void Take(size_t series, size_t step) {
    if (const HistogramPtr& histogram = block_.Histogram(series, step); histogram != nullptr) {
      out_.Set(series, step, histogram);
    } else {
      out_.Set(series, step, block_.Value(series, step));
    }
  }

  void PickFirst(size_t step, size_t k) {
    std::vector<size_t> taken(grouping_->groups->size());
    for (size_t series = 0; series < block_.series(); ++series) {
      if (block_.Has(series, step) && taken[grouping_->group_of[series]]++ < k) Take(series, step);
    }
  }

  Status PickRatio(size_t step, double ratio) {
    if (std::isnan(ratio)) return ExecutionError("Ratio value is NaN");
    if (std::fabs(ratio) > 1) {
      const double capped = ratio > 0 ? 1 : -1;
      context_.evaluator.annotations().Warn(
          "PromQL warning: ratio value should be between -1 and 1, got " + FormatGoV(ratio) +
              ", capping to " + FormatGoV(capped),
          context_.param_position);
      ratio = capped;
    }
    if (ratio == 0) return Ok();
    if (offsets_.empty()) ComputeOffsets();
    for (size_t series = 0; series < block_.series(); ++series) {
      if (!block_.Has(series, step)) continue;
      const double offset = offsets_[series];
      if (ratio >= 0 ? offset < ratio : offset >= 1 + ratio) Take(series, step);
    }
    return Ok();
  }

  // A place in [0, 1) by the labels alone: the same share of the series is picked at each step, and
  // the complement by the complementary ratio.
  void ComputeOffsets() {
    for (size_t series = 0; series < block_.series(); ++series) {
      const uint64_t hash = block_.labels(series).ToLabelSet(context_.evaluator.symbols()).Hash();
      offsets_.push_back(static_cast<double>(hash) / 0x1p64);
    }
  }

  void PickBest(size_t step, size_t k) {
    std::vector<GoHeap> heaps(grouping_->groups->size(), GoHeap(op_ == AggregateOp::kTopk));
    for (size_t series = 0; series < block_.series(); ++series) {
      if (!block_.Has(series, step)) continue;
      if (block_.Histogram(series, step) != nullptr) {
        context_.evaluator.annotations().Info("PromQL info: ignored histogram in " +
                                                  std::string(AggregateOpText(op_)) +
                                                  " aggregation",
                                              context_.expr_position);
        continue;
      }
      GoHeap& heap = heaps[grouping_->group_of[series]];
      const double value = block_.Value(series, step);
      if (heap.size() < k) {
        heap.Push({series, value});
      } else if (heap.IsBetter(value)) {
        heap.ReplaceFront({series, value});
      }
    }
    const bool instant = !context_.evaluator.context().range_query;
    for (const GoHeap& heap : heaps) {
      for (const Candidate& candidate : heap.Sorted()) {
        Take(candidate.series, step);
        if (instant && context_.steps.count == 1) order_.push_back(candidate.series);
      }
    }
  }

  // Of an instant query the picked rows, best first within their group.
  Block InOrder() const {
    Block ordered(1);
    for (const size_t series : order_) {
      const size_t row = ordered.AddSeries(out_.labels(series), out_.drop_name(series));
      ordered.Set(row, 0, out_.Value(series, 0));
    }
    return ordered;
  }

  const AggregateContext& context_;
  const AggregateOp op_;
  const Block& block_;
  const std::shared_ptr<const Grouping> grouping_;
  Block out_;
  std::vector<size_t> order_;
  std::vector<double> offsets_;
};

}  // namespace

Result<Block> AggregatePicks(const AggregateContext& context, const Block& block) {
  if (block.list() != nullptr) return Picker(context, block).Run();
  Block none(std::make_shared<const SeriesList>(), context.steps.count);
  return Picker(context, none).Run();
}

Result<Block> CountValues(const AggregateContext& context, const Block& block) {
  const std::string& name = Unwrapped(*context.aggregate.param).As<StringLiteral>()->value;
  if (name.empty() || !IsValidUtf8(name)) {
    return ExecutionError("invalid label name " + Quote(name));
  }
  SymbolTable& symbols = context.evaluator.symbols();
  const SymbolId label = symbols.Intern(name);
  Aggregate grouping = context.aggregate;
  if (!grouping.without) grouping.grouping.push_back(name);
  const GroupLabels labels_of(context.evaluator, grouping);
  Block out(context.steps.count);
  std::unordered_map<Labels, size_t, LabelsHash> rows;
  for (size_t series = 0; series < block.series(); ++series) {
    RETURN_IF_ERROR(context.evaluator.budget().CheckAlive());
    for (size_t step = 0; step < context.steps.count; ++step) {
      if (!block.Has(series, step)) continue;
      const HistogramPtr& histogram = block.Histogram(series, step);
      Labels labels = block.labels(series);
      labels.Set(label,
                 symbols.Intern(histogram != nullptr ? histogram->ToString()
                                                     : FormatGoF(block.Value(series, step))));
      const auto [entry, fresh] = rows.try_emplace(labels_of.Of(labels), out.series());
      if (fresh) out.AddSeries(entry->first, block.drop_name(series));
      const size_t row = entry->second;
      if (block.drop_name(series)) out.set_drop_name(row, true);
      out.Set(row, step, out.Has(row, step) ? out.Value(row, step) + 1 : 1);
    }
  }
  return out;
}

}  // namespace tocsin::promql
