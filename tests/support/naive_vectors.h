// What the naive evaluator makes of two vectors, or of a vector and a number.
#pragma once

#include <string>
#include <vector>

#include "tests/support/naive_promql.h"

namespace tocsin::testing_support {

using NaiveVector = std::vector<NaiveElement>;

LabelSet WithoutName(LabelSet labels);
// Only the named labels.
LabelSet Kept(const LabelSet& labels, const std::vector<std::string>& names);
// All but the named labels.
LabelSet Removed(LabelSet labels, const std::vector<std::string>& names);

// An error when two elements have the same labels.
Result<NaiveValue> NaiveUnique(NaiveVector vector);
// One of both is a scalar.
Result<NaiveValue> NaiveWithScalar(const promql::Binary& binary, const NaiveValue& lhs,
                                   const NaiveValue& rhs, NaiveNotes& notes);
// and, or, unless.
Result<NaiveValue> NaiveSets(const promql::Binary& binary, const NaiveVector& lhs,
                             const NaiveVector& rhs);
Result<NaiveValue> NaiveMatched(const promql::Binary& binary, const NaiveVector& lhs,
                                const NaiveVector& rhs, NaiveNotes& notes);

// naive_picks.cc: topk, bottomk, limitk and limit_ratio add the members of a group that they pick.
bool IsNaivePick(promql::AggregateOp op);
Status NaivePick(promql::AggregateOp op, double parameter, const NaiveVector& members,
                 NaiveVector& out);

// info(): which info metrics count, and which of their labels.
struct NaiveInfoQuery {
  std::vector<Matcher> name_matchers;
  std::vector<Matcher> data_matchers;
};
// The newest sample of a series.
struct NaiveInfoSample {
  LabelSet labels;
  int64_t t_ms;
};
Result<NaiveValue> NaiveInfo(const NaiveVector& base, const NaiveInfoQuery& query,
                             const std::vector<NaiveInfoSample>& samples);

}  // namespace tocsin::testing_support
