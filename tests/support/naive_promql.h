// PromQL once more: step by step, sample by sample, written to be obvious and not to be fast.
//
// It knows floats and native histograms, without hints of resets and start timestamps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/model/sample.h"
#include "engine/promql/ast.h"
#include "tests/support/naive_operators.h"

namespace tocsin::testing_support {

struct NaiveSeries {
  struct HistogramAt {
    int64_t t_ms;
    HistogramPtr histogram;
  };
  LabelSet labels;
  std::vector<Sample> samples;          // floats by time; staleness markers included
  std::vector<HistogramAt> histograms;  // by time, never that of a float
};

struct NaiveElement {
  LabelSet labels;
  NaiveNumber number;
};

// The value of an expression at one time.
struct NaiveValue {
  bool is_scalar = false;
  double scalar = 0;
  std::vector<NaiveElement> vector;
};

// The times of the whole query, for start(), end(), range() and step().
struct NaiveQuery {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
  int64_t lookback_ms = 300'000;
  int64_t default_step_ms = 60'000;
};

class NaiveNotes;

// Any failure is an error; its message is not Prometheus'. kInternal: it does not know this.
// Warnings and infos are added to `notes` (tests/support/naive_notes.h).
Result<NaiveValue> EvaluateNaively(const promql::Expr& expr, const std::vector<NaiveSeries>& data,
                                   const NaiveQuery& query, int64_t t_ms, NaiveNotes& notes);

}  // namespace tocsin::testing_support
