// What an expression reads, and whether it is there.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/promql/ast.h"
#include "engine/storage/querier.h"

namespace tocsin {

// A selector of the expression and how far around it the expression looks.
struct QueryInput {
  const promql::VectorSelector* selector = nullptr;
  int64_t range_ms = 0;        // of range selectors and subqueries around it, together
  int64_t offset_ms = 0;       // how far back the newest sample may be
  bool tells_absence = false;  // inside absent() or absent_over_time()
};
// In the order of the text; pointers into `expr`. Durations that are arithmetic expressions count
// as nothing.
std::vector<QueryInput> InputsOf(const promql::Expr& expr);

// Whether the series that one element of a result is computed from have samples, told from the
// labels of that element:
//
//   errors / requests > 0.05     both sides are needed
//   a > 1 or b > 1               one is enough
//   a > 1 unless maintenance     only the left is needed
//   absent(a)                    nothing is: what is missing is what it tells
//
// A series may have carried the element when every label that both have is equal; labels that an
// aggregation or a matching drops are not compared.
//
// Not thread-safe; for one evaluation, as it remembers what it has read.
class InputPresence {
 public:
  // Looks at `t_ms`; a sample counts for `lookback_ms`. All must outlive the object.
  InputPresence(const Querier& querier, int64_t t_ms, int64_t lookback_ms);

  Result<bool> Has(const promql::Expr& expr, const LabelSet& element);

 private:
  struct Shift {
    int64_t range_ms = 0;
    int64_t offset_ms = 0;
    friend auto operator<=>(const Shift&, const Shift&) = default;
  };
  struct Visitor;

  // The labels of the series of a selector that have not ended.
  Result<const std::vector<LabelSet>*> Live(const promql::VectorSelector& selector, Shift shift);

  const Querier& querier_;
  const int64_t t_ms_;
  const int64_t lookback_ms_;
  std::map<std::pair<const promql::VectorSelector*, Shift>, std::vector<LabelSet>> live_;
};

}  // namespace tocsin
