// The functions of PromQL: one row each. Parser, type checker, linter, completion, documentation
// and tests read the row.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/model/labels.h"
#include "engine/promql/annotations.h"
#include "engine/promql/ast.h"
#include "engine/promql/block.h"

namespace tocsin::promql {

class Evaluator;  // engine/promql/evaluator.h
struct PlanNode;  // engine/promql/plan.h

// What a kernel may know about its call.
//
// Annotations take positions from here and never from the tree: equal calls at several places of
// a query, or in several rules, are computed once, with positions relative to the call.
struct CallContext {
  const Call& call;        // string arguments: call.args[i], through parentheses
  PositionRange position;  // of the call
  std::span<const PositionRange> arg_positions;
  Steps steps;
  const Steps& query_steps;  // those of the whole query, also inside a subquery
  int64_t query_end_ms;
  bool range_query;
  int64_t lookback_ms;
  SymbolTable& symbols;  // the query's overlay
  SymbolId metric_name;  // the id of "__name__" in it
  Annotations& annotations;
  bool delayed_name_removal;
  bool use_start_timestamps;
  bool type_and_unit_labels;
};

// The window of one step: samples [first, last) of the series, which lie in (start, end].
struct Window {
  uint32_t first;
  uint32_t last;
  int64_t start_ms;  // exclusive
  int64_t end_ms;    // inclusive; step time less offset
};

// What a kernel remembers of the windows, for all series that have the same ones. Empty for windows
// it has not seen.
struct WindowMemory {
  struct Ends {
    uint32_t first;
    uint32_t last;  // inclusive
  };
  std::vector<uint64_t> present;  // the bits of the steps whose window has enough samples
  std::vector<Ends> ends;         // by step: those of its window; sample 0 when it has too few
  std::vector<double> factors;    // likewise what the change between the two is multiplied by
  size_t longest = 0;             // how many samples the longest window has

  // Not memory but room, by sample.
  std::array<std::vector<double>, 2> columns;

  void Clear() {
    present.clear();
    ends.clear();
    factors.clear();
    longest = 0;
  }
};

// One series of a range vector and its windows, one per step, both ends only ever advancing.
// Staleness markers are removed already.
struct SeriesWindows {
  const Labels& labels;
  std::span<const int64_t> t_ms;
  std::span<const double> values;
  std::span<const HistogramPtr> histograms;  // empty when all samples are floats
  std::span<const int64_t> start_ms;         // empty when no start timestamps are known or used
  std::span<const Window> windows;
  int64_t range_ms;
  bool anchored;  // windows then hold one sample at or before the start when there is one, …
  bool smoothed;  // … and one beyond the end
  WindowMemory& memory;
};

// The other (scalar or string) arguments of a range function, evaluated per step.
struct RangeArguments {
  std::span<const Block* const> blocks;  // by argument index; null at the range argument
  size_t first_step = 0;                 // of the windows of this call
  double Scalar(size_t arg, size_t step) const { return blocks[arg]->Value(0, first_step + step); }
};

// A histogram of a row that was written beside other rows.
struct HistogramCell {
  size_t row;
  size_t step;
  HistogramPtr histogram;
};

// Fills one row that has no values yet: what the function gives for one series at every step. No
// virtual call, lock or allocation per float; Set marks the step present.
//
// Rows of one block may be written at once. What cannot be, the histograms, is put aside for the
// block's owner.
class RowWriter {
 public:
  RowWriter(Block& block, size_t row, std::vector<HistogramCell>& histograms)
      : values_(block.Row(row).data()),
        present_(block.Presence(row).data()),
        row_(row),
        histograms_(histograms) {}

  void Set(size_t step, double value) {
    step += first_step_;
    values_[step] = value;
    present_[step / 64] |= uint64_t{1} << (step % 64);
  }
  // The whole row: at the steps of these bits, which are words as a block has them, the value of
  // each step's index. The others' indices must be good too.
  void SetSteps(std::span<const uint64_t> present, std::span<const uint32_t> index_at,
                std::span<const double> values) {
    for (size_t step = 0; step < index_at.size(); ++step) values_[step] = values[index_at[step]];
    std::copy(present.begin(), present.end(), present_);
  }
  // At the steps of these bits what `value_of(step)` gives, which may be called for others too.
  template <typename ValueOf>
  void SetAll(std::span<const uint64_t> present, size_t steps, const ValueOf& value_of) {
    if (first_step_ == 0) {
      for (size_t step = 0; step < steps; ++step) values_[step] = value_of(step);
      std::copy(present.begin(), present.end(), present_);
      return;
    }
    for (size_t step = 0; step < steps; ++step) {
      if ((present[step / 64] >> (step % 64)) & 1) Set(step, value_of(step));
    }
  }
  void Set(size_t step, HistogramPtr histogram) {
    histograms_.push_back({row_, first_step_ + step, std::move(histogram)});
  }
  // From now on steps count from there.
  void StartAt(size_t step) { first_step_ = step; }

 private:
  double* const values_;
  uint64_t* const present_;
  const size_t row_;
  std::vector<HistogramCell>& histograms_;
  size_t first_step_ = 0;
};

// Called once per series, or several times with some of its windows each, so that nobody waits long
// for the end of a query that is to end. Steps count from the first of those windows. Errors end
// the query.
using RangeKernel = Status (*)(const CallContext& context, const RangeArguments& args,
                               const SeriesWindows& in, RowWriter& out);
// Called once per query with every argument evaluated; the block of a string argument is empty.
// The evaluator drops metric names afterwards (or marks them) unless keeps_name, and refuses equal
// label sets.
using VectorKernel = Result<Block> (*)(const CallContext& context, std::vector<Block> args);
// A function that looks at its argument's expression and not only at its value, or that does not
// work series by series: it evaluates its arguments itself (engine/promql/special_functions.h).
using SpecialKernel = Result<Block> (*)(Evaluator& evaluator, const PlanNode& node,
                                        const Steps& steps);
// A float per sample, histograms dropped: the fast path of abs, ceil, ln, …
using SampleKernel = double (*)(double value);

// The argument types of a function, in order.
class ArgTypes {
 public:
  constexpr ArgTypes(std::initializer_list<ValueType> types) : size_(types.size()) {
    std::copy(types.begin(), types.end(), types_.begin());
  }
  constexpr size_t size() const { return size_; }
  constexpr ValueType operator[](size_t i) const { return types_[i]; }
  constexpr auto begin() const { return types_.begin(); }
  constexpr auto end() const { return types_.begin() + size_; }

 private:
  std::array<ValueType, 5> types_{};
  size_t size_;
};

// The row of a function; the table is in function_table.cc. Kernels are free functions that
// functions.h declares, grouped by the file that defines them.
struct FunctionSpec {
  std::string_view name;
  ArgTypes args;
  // 0: exactly the arguments listed. Otherwise the last one is optional and may stand n times
  // in all, or, with -1, any number of times.
  int variadic = 0;
  ValueType returns = ValueType::kVector;
  bool experimental = false;
  bool keeps_name = false;
  // Depends on the evaluation time even when every selector is fixed by @: time, predict_linear, …
  bool depends_on_time = false;
  // May stand around an anchored or a smoothed range.
  bool anchored = false;
  bool smoothed = false;
  // Gives an instant vector in an order of its own.
  bool orders = false;
  // Asks for the count or the sum of histograms alone; or for their buckets.
  bool histogram_figure = false;
  bool histogram_buckets = false;
  std::string_view help;
  std::string_view example;
  // Exactly one of these is set.
  RangeKernel range = nullptr;
  VectorKernel vector = nullptr;
  SampleKernel sample = nullptr;
  SpecialKernel special = nullptr;
};

// All rows, sorted by name.
std::span<const FunctionSpec> Functions();
// Null when there is none of that name.
const FunctionSpec* FindFunction(std::string_view name);

}  // namespace tocsin::promql
