// sum, avg, count, min, max and group of floats: one number or two for each group and step, and no
// look at a value that is not there. Rows are taken in their order, so that sums have the same bits
// as Prometheus'.
#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/promql/aggregation.h"

namespace tocsin::promql {

bool FloatAggregation::Knows(AggregateOp op) {
  switch (op) {
    case AggregateOp::kSum:
    case AggregateOp::kAvg:
    case AggregateOp::kCount:
    case AggregateOp::kMin:
    case AggregateOp::kMax:
    case AggregateOp::kGroup:
      return true;
    case AggregateOp::kStddev:
    case AggregateOp::kStdvar:
    case AggregateOp::kQuantile:
    case AggregateOp::kTopk:
    case AggregateOp::kBottomk:
    case AggregateOp::kCountValues:
    case AggregateOp::kLimitk:
    case AggregateOp::kLimitRatio:
      return false;
  }
  return false;
}

FloatAggregation::FloatAggregation(AggregateOp op, std::shared_ptr<const Grouping> grouping,
                                   size_t steps)
    : op_(op), grouping_(std::move(grouping)), out_(grouping_->groups, steps) {
  const size_t cells = out_.series() * steps;
  if (op_ == AggregateOp::kSum) compensation_.resize(cells);
  if (op_ == AggregateOp::kAvg) means_.resize(cells);
}

// Calls `fold(step, fresh)` for the steps at which the row has a value; `fresh` where its group had
// none yet.
template <typename Fold>
void FloatAggregation::FoldRow(std::span<const uint64_t> presence, std::span<uint64_t> seen,
                               Fold fold) const {
  const size_t steps = out_.steps();
  for (size_t word = 0; word < presence.size(); ++word) {
    uint64_t bits = presence[word];
    const uint64_t had = std::exchange(seen[word], seen[word] | bits);
    const size_t begin = word * 64;
    const size_t end = std::min(begin + 64, steps);
    const uint64_t all = end - begin == 64 ? ~uint64_t{0} : (uint64_t{1} << (end - begin)) - 1;
    if (bits == all && had == all) {
      for (size_t step = begin; step < end; ++step) fold(step, false);
      continue;
    }
    for (; bits != 0; bits &= bits - 1) {
      const auto bit = static_cast<size_t>(std::countr_zero(bits));
      fold(begin + bit, ((had >> bit) & 1) == 0);
    }
  }
}

void FloatAggregation::Add(const Block& rows, size_t first, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const size_t group = grouping_->group_of[first + i];
    AddRow(rows.Row(i).data(), rows.Presence(i), group);
  }
}

void FloatAggregation::AddRow(const double* row, std::span<const uint64_t> presence, size_t group) {
  double* const to = out_.Row(group).data();
  const std::span<uint64_t> seen = out_.Presence(group);
  const size_t cell = group * out_.steps();
  switch (op_) {
    case AggregateOp::kSum:
      return FoldRow(presence, seen,
                     [to, row, lost = compensation_.data() + cell](size_t s, bool fresh) {
                       if (fresh) {
                         to[s] = row[s];
                         return;
                       }
                       // KahanSum::Add without its branches.
                       const double a = to[s];
                       const double b = row[s];
                       const double total = a + b;
                       const bool a_larger = std::fabs(a) >= std::fabs(b);
                       const double rest = ((a_larger ? a : b) - total) + (a_larger ? b : a);
                       lost[s] = std::isinf(total) ? 0 : lost[s] + rest;
                       to[s] = total;
                     });
    case AggregateOp::kAvg:
      return FoldRow(presence, seen,
                     [row, mean = means_.data() + cell](size_t s, bool) { mean[s].Add(row[s]); });
    case AggregateOp::kCount:
      return FoldRow(presence, seen, [to](size_t s, bool fresh) { to[s] = fresh ? 1 : to[s] + 1; });
    case AggregateOp::kMin:
      return FoldRow(presence, seen, [to, row](size_t s, bool fresh) {
        if (fresh || std::isnan(to[s]) || to[s] > row[s]) to[s] = row[s];
      });
    case AggregateOp::kMax:
      return FoldRow(presence, seen, [to, row](size_t s, bool fresh) {
        if (fresh || std::isnan(to[s]) || to[s] < row[s]) to[s] = row[s];
      });
    default:
      return FoldRow(presence, seen, [to](size_t s, bool) { to[s] = 1; });
  }
}

Block FloatAggregation::Take() {
  const size_t steps = out_.steps();
  for (size_t group = 0; group < out_.series(); ++group) {
    out_.set_drop_name(group, grouping_->drop_name[group] != 0);
    const std::span<double> row = out_.Row(group);
    for (size_t step = 0; step < steps; ++step) {
      const size_t cell = group * steps + step;
      if (op_ == AggregateOp::kSum) row[step] = KahanSum{row[step], compensation_[cell]}.Total();
      if (op_ == AggregateOp::kAvg && out_.Has(group, step)) row[step] = means_[cell].Value();
    }
  }
  return std::move(out_);
}

}  // namespace tocsin::promql
