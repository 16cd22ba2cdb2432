// What an evaluation of a rule gives to the store: all samples of one rule at one time.
#pragma once

#include <vector>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/model/sample.h"
#include "engine/promql/engine.h"

namespace tocsin {

struct RuleSample {
  LabelSet labels;  // with the metric name
  double value = 0;
  HistogramPtr histogram;  // instead of the value when not null
};
using RuleSamples = std::vector<RuleSample>;

// What the query of a rule gave, as a vector: a scalar is one sample without labels. Other types
// are errors.
Result<promql::VectorValue> VectorOf(promql::QueryValue value);

}  // namespace tocsin
