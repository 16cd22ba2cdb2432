// What the files of the binary operators share.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/promql/evaluator.h"

namespace tocsin::promql {

// One side's value: a float, or a histogram when that is not null.
struct Operand {
  double value = 0;
  const FloatHistogram* histogram = nullptr;
};

// A binary operator on two values.
//
// binary_values.cc
class ValueOperator {
 public:
  ValueOperator(BinaryOp op, bool return_bool, PositionRange position, Annotations& annotations)
      : op_(op), return_bool_(return_bool), position_(position), annotations_(annotations) {}

  struct Answer {
    bool keep = false;
    double value = 0;
    HistogramPtr histogram;
    bool incompatible = false;  // the operator does not know these types: no result, also with bool
  };
  // The result, or nothing to keep. A comparison keeps the left value; with bool it gives 0 or 1.
  Answer Apply(const Operand& lhs, const Operand& rhs);
  // Both floats. True when there is a result.
  bool ApplyFloats(double lhs, double rhs, double& result) const;

 private:
  Answer Histograms(const FloatHistogram& lhs, const FloatHistogram& rhs);
  Answer HistogramAndFloat(const Operand& lhs, const Operand& rhs);
  Answer Incompatible(const Operand& lhs, const Operand& rhs);

  const BinaryOp op_;
  const bool return_bool_;
  const PositionRange position_;
  Annotations& annotations_;
};

// Arithmetic changes what a series measures: its name goes.
bool DropsName(BinaryOp op);

// binary_matching.cc: how the rows of two vectors match, remembered while they stay the same.
std::shared_ptr<const Matching> MatchRows(Evaluator& evaluator, const PlanNode& node,
                                          const Block& lhs, const Block& rhs);

// The labels of what two rows give.
class ResultLabels {
 public:
  ResultLabels(Evaluator& evaluator, const Binary& binary);
  // `many` is the left side unless the matching is one-to-many. Good until the next call.
  std::span<const LabelPair> PairsOf(const Labels& many, const Labels& one);
  Labels Of(const Labels& many, const Labels& one) {
    return Labels::FromSortedPairs(PairsOf(many, one));
  }

 private:
  // In the place of one with its name; an empty value takes that away.
  void Include(LabelPair pair);

  const bool one_to_one_;
  const bool on_;
  std::vector<SymbolId> dropped_;
  std::vector<SymbolId> names_;  // of on() or ignoring()
  std::vector<SymbolId> included_;
  std::vector<LabelPair> pairs_;
};

// binary_vectors.cc
Result<Block> CombineVectors(Evaluator& evaluator, const PlanNode& node, const Block& lhs,
                             const Block& rhs);
Result<Block> CombineSets(Evaluator& evaluator, const PlanNode& node, const Block& lhs,
                          const Block& rhs);

}  // namespace tocsin::promql
