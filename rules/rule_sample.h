// What an evaluation of a rule gives to the store: all samples of one rule at one time.
#pragma once

#include <vector>

#include "engine/model/label_set.h"
#include "engine/model/sample.h"

namespace tocsin {

struct RuleSample {
  LabelSet labels;  // with the metric name
  double value = 0;
  HistogramPtr histogram;  // instead of the value when not null
};
using RuleSamples = std::vector<RuleSample>;

}  // namespace tocsin
