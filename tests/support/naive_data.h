// What selectors find in the data, for the naive evaluator.
#pragma once

#include <optional>
#include <vector>

#include "tests/support/naive_extended.h"
#include "tests/support/naive_promql.h"

namespace tocsin::testing_support {

void NaiveAddSample(NaiveWindow& window, int64_t t_ms, NaiveNumber number);

// Of an anchored or smoothed range selector; nothing of other expressions.
std::optional<NaiveEdge> NaiveEdgeOf(const promql::Expr& expr);

class NaiveData {
 public:
  // Both outlive this.
  NaiveData(const std::vector<NaiveSeries>& series, const NaiveQuery& query)
      : series_(series), query_(query) {}

  // When a selector or subquery with these modifiers looks, asked at `t_ms`.
  int64_t Look(const promql::TimeModifiers& time, int64_t t_ms) const;

  // The newest sample within lookback that is no staleness marker.
  struct Seen {
    LabelSet labels;
    NaiveWindow::At at;
  };
  std::vector<Seen> Newest(const promql::VectorSelector& selector, int64_t t_ms) const;
  // An instant vector.
  NaiveValue Values(const promql::VectorSelector& selector, int64_t t_ms, NaiveNotes& notes) const;
  // A range vector, without staleness markers.
  std::vector<NaiveWindow> Windows(const promql::MatrixSelector& matrix, int64_t t_ms) const;

 private:
  // Of every series that matches, also where it has no sample in (start, end].
  std::vector<NaiveWindow> Samples(const promql::VectorSelector& selector, int64_t start_ms,
                                   int64_t end_ms) const;
  NaiveValue Smoothed(const promql::VectorSelector& selector, int64_t at_ms,
                      NaiveNotes& notes) const;

  const std::vector<NaiveSeries>& series_;
  const NaiveQuery& query_;
};

}  // namespace tocsin::testing_support
