#include "engine/promql/query_table.h"

#include <algorithm>
#include <span>

namespace tocsin::promql {
namespace {

// Makes the points of the rows of a block. Rows with values at the same steps share their times.
class PointsMaker {
 public:
  PointsMaker(const Block& block, const Steps& steps) : block_(block), steps_(steps) {}

  Points Of(size_t row) {
    if (times_ == nullptr ||
        !std::ranges::equal(block_.Presence(row), block_.Presence(times_of_))) {
      times_ = TimesOf(row);
      times_of_ = row;
    }
    const std::span<const double> values = block_.Row(row);
    if (times_->size() == values.size() && !block_.has_histograms()) {
      return {times_, {values.begin(), values.end()}};
    }
    std::vector<double> present;
    present.reserve(times_->size());
    std::vector<HistogramPtr> histograms;
    for (size_t step = 0; step < values.size(); ++step) {
      if (!block_.Has(row, step)) continue;
      present.push_back(values[step]);
      if (block_.has_histograms()) histograms.push_back(block_.Histogram(row, step));
    }
    return {times_, std::move(present), std::move(histograms)};
  }

 private:
  Points::Times TimesOf(size_t row) const {
    auto times = std::make_shared<std::vector<int64_t>>();
    times->reserve(block_.CountPresent(row));
    for (size_t step = 0; step < block_.steps(); ++step) {
      if (block_.Has(row, step)) times->push_back(steps_.At(step));
    }
    return times;
  }

  const Block& block_;
  const Steps& steps_;
  Points::Times times_;
  size_t times_of_ = 0;  // the row they were made for
};

MatrixValue MatrixOf(const ResultRows& result, const SymbolTable& symbols) {
  PointsMaker points(result.block, result.steps);
  MatrixValue matrix;
  matrix.reserve(result.rows.size());
  for (const size_t row : result.rows) {
    matrix.push_back({result.block.labels(row).ToLabelSet(symbols), points.Of(row)});
  }
  return matrix;
}

VectorValue VectorOf(const ResultRows& result, const SymbolTable& symbols) {
  const Block& block = result.block;
  VectorValue vector;
  vector.reserve(result.rows.size());
  for (const size_t row : result.rows) {
    vector.push_back({block.labels(row).ToLabelSet(symbols),
                      {result.steps.start_ms, block.Value(row, 0), block.Histogram(row, 0)}});
  }
  return vector;
}

// One of these for each kind of table.
struct ValueMaker {
  const SymbolTable& symbols;
  QueryValue operator()(const ScalarValue& scalar) const { return scalar; }
  QueryValue operator()(const StringValue& string) const { return string; }
  QueryValue operator()(const MatrixValue& matrix) const { return matrix; }
  QueryValue operator()(const ResultRows& result) const {
    if (result.kind == ResultRows::Kind::kMatrix) return MatrixOf(result, symbols);
    return VectorOf(result, symbols);
  }
};

}  // namespace

QueryValue ToValue(const QueryTable& table, const SymbolTable& symbols) {
  return std::visit(ValueMaker{symbols}, table);
}

}  // namespace tocsin::promql
