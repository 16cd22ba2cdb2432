// Aggregations that pick rows of each group and leave them as they are: limitk, limit_ratio, and
// topk and bottomk of a block; and count_values.
#include <algorithm>
#include <cmath>

#include "base/go_float.h"
#include "engine/model/histogram.h"
#include "engine/promql/aggregation.h"
#include "engine/promql/quote.h"

namespace tocsin::promql {
namespace {

class Picker {
 public:
  Picker(const AggregateContext& context, const Block& block)
      : context_(context),
        op_(context.aggregate.op),
        block_(block),
        grouping_(GroupRows(context.evaluator, context.node, block)),
        out_(block.list(), context.steps.count) {}

  Result<Block> Run() {
    ASSIGN_OR_RETURN(const bool any, CheckPickParameter(context_));
    if (!any) return Block(context_.steps.count);
    for (size_t series = 0; series < block_.series(); ++series) {
      out_.set_drop_name(series, block_.drop_name(series));
    }
    for (size_t step = 0; step < context_.steps.count; ++step) {
      RETURN_IF_ERROR(context_.evaluator.budget().CheckAlive());
      const double param = context_.param->Value(0, step);
      if (op_ == AggregateOp::kLimitRatio) {
        PickRatio(step, std::clamp(param, -1.0, 1.0));
      } else {
        PickFirst(step, PickCount(param));
      }
    }
    return std::move(out_);
  }

 private:
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

  void PickRatio(size_t step, double ratio) {
    if (ratio == 0) return;
    if (offsets_.empty()) ComputeOffsets();
    for (size_t series = 0; series < block_.series(); ++series) {
      if (!block_.Has(series, step)) continue;
      const double offset = offsets_[series];
      if (ratio >= 0 ? offset < ratio : offset >= 1 + ratio) Take(series, step);
    }
  }

  // A place in [0, 1) by the labels alone: the same share of the series is picked at each step, and
  // the complement by the complementary ratio.
  void ComputeOffsets() {
    for (size_t series = 0; series < block_.series(); ++series) {
      const uint64_t hash = block_.labels(series).ToLabelSet(context_.evaluator.symbols()).Hash();
      offsets_.push_back(static_cast<double>(hash) / 0x1p64);
    }
  }

  const AggregateContext& context_;
  const AggregateOp op_;
  const Block& block_;
  const std::shared_ptr<const Grouping> grouping_;
  Block out_;
  std::vector<double> offsets_;
};

// topk and bottomk of a block.
Result<Block> Best(const AggregateContext& context, const Block& block) {
  BestPicks picks(context, GroupRows(context.evaluator, context.node, block));
  RETURN_IF_ERROR(picks.ReadCounts());
  picks.Add(block, 0, block.series());
  NoteIgnoredHistograms(context, picks);
  BestPicks::Picked picked = picks.Take(*block.list());
  for (size_t row = 0; row < picked.rows.size(); ++row) {
    picked.block.set_drop_name(row, block.drop_name(picked.rows[row]));
  }
  return std::move(picked.block);
}

}  // namespace

void NoteIgnoredHistograms(const AggregateContext& context, const BestPicks& picks) {
  if (!picks.ignored_histograms()) return;
  context.evaluator.annotations().Info("PromQL info: ignored histogram in " +
                                           std::string(AggregateOpText(context.aggregate.op)) +
                                           " aggregation",
                                       context.node.position);
}

Result<bool> CheckPickParameter(const AggregateContext& context) {
  const ParameterBounds bounds(*context.param, context.steps.count);
  if (context.aggregate.op == AggregateOp::kLimitRatio) {
    const auto warn = [&context](double ratio, const char* capped) {
      context.evaluator.annotations().Warn(
          "PromQL warning: ratio value should be between -1 and 1, got " + FormatGoV(ratio) +
              ", capping to " + capped,
          context.param_position);
    };
    if (bounds.any_nan) return ExecutionError("Ratio value is NaN");
    if (bounds.max > 1) warn(bounds.max, "1");
    if (bounds.min < -1) warn(bounds.min, "-1");
    return bounds.min != 0 || bounds.max != 0;
  }
  if (bounds.any_nan) return ExecutionError("Parameter value is NaN");
  if (bounds.max < 1) return false;
  if (bounds.min <= -0x1p63) {
    return ExecutionError("Scalar value " + FormatGoV(bounds.min) + " underflows int64");
  }
  if (bounds.max >= 0x1p63 - 1024) {
    return ExecutionError("Scalar value " + FormatGoV(bounds.max) + " overflows int64");
  }
  return true;
}

Result<Block> AggregatePicks(const AggregateContext& context, const Block& block) {
  const AggregateOp op = context.aggregate.op;
  const auto pick =
      op == AggregateOp::kTopk || op == AggregateOp::kBottomk
          ? Best
          : [](const AggregateContext& c, const Block& b) { return Picker(c, b).Run(); };
  if (block.list() != nullptr) return pick(context, block);
  return pick(context, Block(std::make_shared<const SeriesList>(), context.steps.count));
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
  LabelPicker labels_of = GroupLabels(context.evaluator, grouping);
  Block out(context.steps.count);
  LabelIndex rows;
  for (size_t series = 0; series < block.series(); ++series) {
    RETURN_IF_ERROR(context.evaluator.budget().CheckAlive());
    for (size_t step = 0; step < context.steps.count; ++step) {
      if (!block.Has(series, step)) continue;
      const HistogramPtr& histogram = block.Histogram(series, step);
      Labels labels = block.labels(series);
      labels.Set(label,
                 symbols.Intern(histogram != nullptr ? histogram->ToString()
                                                     : FormatGoF(block.Value(series, step))));
      const std::span<const LabelPair> pairs = labels_of.Of(labels);
      const LabelIndex::Entry entry = rows.Find(pairs);
      if (entry.fresh) out.AddSeries(Labels::FromSortedPairs(pairs));
      const size_t row = entry.number;
      out.Set(row, step, out.Has(row, step) ? out.Value(row, step) + 1 : 1);
    }
  }
  return out;
}

}  // namespace tocsin::promql
