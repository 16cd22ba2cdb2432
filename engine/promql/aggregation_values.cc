// Aggregations that give one value per group: sum, avg, count, min, max, group, stddev, stdvar,
// quantile. Rows are taken in their order, so that sums have the same bits as Prometheus'.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/model/histogram.h"
#include "engine/model/kahan.h"
#include "engine/promql/aggregation.h"
#include "engine/promql/quote.h"
#include "engine/promql/range_samples.h"

namespace tocsin::promql {
namespace {

// A group at one step.
struct Cell {
  bool has_float = false;
  bool has_histogram = false;
  bool incompatible = false;  // exponential and custom buckets met
  bool incremental = false;   // avg: the sum of histograms overflowed
  double count = 0;
  double mean = 0;
  KahanSum sum;
  KahanMean float_mean;
  std::unique_ptr<HistogramSum> histogram;
  ResetHints hints;
  std::vector<double> values;  // quantile

  bool empty() const { return !has_float && !has_histogram; }
};

void AddToSum(Cell& cell, double v) {
  if (!cell.has_float) {
    cell.sum.sum = v;
  } else {
    cell.sum.Add(v);
  }
}

// Welford's method.
void AddToVariance(Cell& cell, double v) {
  if (cell.count == 1) {
    cell.mean = v;
    cell.sum.sum = std::isfinite(v) ? 0 : std::numeric_limits<double>::quiet_NaN();
    return;
  }
  const double delta = v - cell.mean;
  cell.mean += delta / cell.count;
  cell.sum.sum += delta * (v - cell.mean);
}

void AddFloat(AggregateOp op, Cell& cell, double v) {
  ++cell.count;
  switch (op) {
    case AggregateOp::kSum:
      AddToSum(cell, v);
      break;
    case AggregateOp::kAvg:
      cell.float_mean.Add(v);
      break;
    case AggregateOp::kMin:
      if (!cell.has_float || cell.sum.sum > v || std::isnan(cell.sum.sum)) cell.sum.sum = v;
      break;
    case AggregateOp::kMax:
      if (!cell.has_float || cell.sum.sum < v || std::isnan(cell.sum.sum)) cell.sum.sum = v;
      break;
    case AggregateOp::kStddev:
    case AggregateOp::kStdvar:
      AddToVariance(cell, v);
      break;
    case AggregateOp::kQuantile:
      cell.values.push_back(v);
      break;
    case AggregateOp::kCount:
    case AggregateOp::kGroup:
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kCountValues:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      break;
  }
  cell.has_float = true;
}

class ValueAggregator {
 public:
  ValueAggregator(const AggregateContext& context, const Block& block)
      : context_(context),
        op_(context.aggregate.op),
        block_(block),
        grouping_(GroupRows(context.evaluator, context.node, block)),
        out_(grouping_->groups, context.steps.count) {}

  Result<Block> Run() {
    for (size_t group = 0; group < grouping_->groups->size(); ++group) {
      out_.set_drop_name(group, grouping_->drop_name[group] != 0);
    }
    // A few steps at a time bound the memory for the cells.
    constexpr size_t kStepsAtOnce = 128;
    for (size_t begin = 0; begin < context_.steps.count; begin += kStepsAtOnce) {
      RETURN_IF_ERROR(RunSteps(begin, std::min(begin + kStepsAtOnce, context_.steps.count)));
    }
    return std::move(out_);
  }

 private:
  Status RunSteps(size_t begin, size_t end) {
    const size_t width = end - begin;
    std::vector<Cell> cells(out_.series() * width);
    for (size_t series = 0; series < block_.series(); ++series) {
      RETURN_IF_ERROR(context_.evaluator.budget().CheckAlive());
      const size_t group = grouping_->group_of[series];
      for (size_t step = begin; step < end; ++step) {
        if (!block_.Has(series, step)) continue;
        Cell& cell = cells[group * width + step - begin];
        if (const HistogramPtr& histogram = block_.Histogram(series, step); histogram != nullptr) {
          AddHistogram(cell, series, *histogram);
        } else {
          AddFloat(op_, cell, block_.Value(series, step));
        }
      }
    }
    for (size_t group = 0; group < out_.series(); ++group) {
      for (size_t step = begin; step < end; ++step) {
        Cell& cell = cells[group * width + step - begin];
        if (!cell.empty()) Finish(cell, group, step);
      }
    }
    return Ok();
  }

  void AddHistogram(Cell& cell, size_t series, const FloatHistogram& histogram) {
    switch (op_) {
      case AggregateOp::kCount:
      case AggregateOp::kGroup:
        ++cell.count;
        cell.has_float = true;
        return;
      case AggregateOp::kSum:
        AddToHistogram(cell, series, histogram);
        break;
      case AggregateOp::kAvg:
        ++cell.count;
        AddToHistogramMean(cell, series, histogram);
        break;
      default:
        context_.evaluator.annotations().Info("PromQL info: ignored histogram in " +
                                                  std::string(AggregateOpText(op_)) +
                                                  " aggregation",
                                              context_.expr_position);
        return;
    }
    cell.has_histogram = true;
    cell.hints.See(histogram);
  }

  // False when the sum overflowed and nothing was added.
  void AddToHistogram(Cell& cell, size_t series, const FloatHistogram& histogram) {
    if (cell.incompatible) return;
    if (cell.histogram == nullptr) {
      cell.histogram = std::make_unique<HistogramSum>(histogram);
      return;
    }
    Note(cell, series, cell.histogram->Add(histogram));
  }

  void AddToHistogramMean(Cell& cell, size_t series, const FloatHistogram& histogram) {
    if (cell.incompatible) return;
    if (cell.histogram == nullptr) {
      cell.histogram = std::make_unique<HistogramSum>(histogram);
      return;
    }
    if (!cell.incremental) {
      HistogramSum next = *cell.histogram;
      const HistogramMerge merge = next.Add(histogram);
      if (!merge.compatible || !next.HasOverflow()) {
        Note(cell, series, merge);
        *cell.histogram = std::move(next);
        return;
      }
      cell.incremental = true;
      cell.histogram->Div(cell.count - 1);
    }
    FloatHistogram part = histogram;
    part.Div(cell.count);
    cell.histogram->Mul((cell.count - 1) / cell.count);
    Note(cell, series, cell.histogram->Add(part));
  }

  void Note(Cell& cell, size_t series, const HistogramMerge& merge) {
    Annotations& annotations = context_.evaluator.annotations();
    if (!merge.compatible) {
      cell.incompatible = true;
      annotations.Warn(
          "PromQL warning: vector contains a mix of histograms with exponential and custom buckets "
          "schemas for metric name " +
              Quote(NameOf(series)),
          context_.expr_position);
    }
    if (merge.bounds_reconciled) {
      annotations.Info("PromQL info: mismatched custom buckets were reconciled during aggregation",
                       context_.expr_position);
    }
  }

  void Finish(Cell& cell, size_t group, size_t step) {
    Annotations& annotations = context_.evaluator.annotations();
    if (cell.has_float && cell.has_histogram) {
      annotations.Warn("PromQL warning: encountered a mix of histograms and floats for aggregation",
                       context_.expr_position);
      return;
    }
    if (cell.incompatible) return;
    if (cell.has_histogram) {
      if (cell.hints.Collide()) {
        annotations.Warn("PromQL warning: conflicting counter resets during histogram aggregation",
                         context_.expr_position);
      }
      if (op_ == AggregateOp::kAvg && !cell.incremental) cell.histogram->Div(cell.count);
      FloatHistogram total = cell.histogram->Total();
      total.Compact();
      out_.Set(group, step, std::make_shared<const FloatHistogram>(std::move(total)));
      return;
    }
    out_.Set(group, step, ValueOf(cell, step));
  }

  double ValueOf(Cell& cell, size_t step) const {
    switch (op_) {
      case AggregateOp::kSum:
        return cell.sum.Total();
      case AggregateOp::kAvg:
        return cell.float_mean.Value();
      case AggregateOp::kCount:
        return cell.count;
      case AggregateOp::kGroup:
        return 1;
      case AggregateOp::kStddev:
        return std::sqrt(cell.sum.sum / cell.count);
      case AggregateOp::kStdvar:
        return cell.sum.sum / cell.count;
      case AggregateOp::kQuantile:
        return Quantile(context_.param->Value(0, step), cell.values);
      default:
        return cell.sum.sum;
    }
  }

  std::string_view NameOf(size_t series) const {
    return context_.evaluator.symbols().Text(
        block_.labels(series).Get(context_.evaluator.metric_name()));
  }

  const AggregateContext& context_;
  const AggregateOp op_;
  const Block& block_;
  const std::shared_ptr<const Grouping> grouping_;
  Block out_;
};

}  // namespace

Result<Block> AggregateValues(const AggregateContext& context, const Block& block) {
  if (block.has_histograms() || !FloatAggregation::Knows(context.aggregate.op)) {
    return ValueAggregator(context, block).Run();
  }
  FloatAggregation floats(context.aggregate.op, GroupRows(context.evaluator, context.node, block),
                          context.steps.count);
  floats.Add(block, 0, block.series());
  return floats.Take();
}

double Quantile(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  if (q < 0) return -std::numeric_limits<double>::infinity();
  if (q > 1) return std::numeric_limits<double>::infinity();
  std::ranges::sort(values,
                    [](double a, double b) { return std::isnan(a) ? !std::isnan(b) : a < b; });
  const auto n = static_cast<double>(values.size());
  const double rank = q * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(n - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[static_cast<size_t>(lower)] * (1 - weight) +
         values[static_cast<size_t>(upper)] * weight;
}

}  // namespace tocsin::promql
