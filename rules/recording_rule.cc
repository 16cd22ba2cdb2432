#include "rules/recording_rule.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

bool HaveEqualLabels(const RuleSamples& samples) {
  std::vector<const LabelSet*> sorted;
  sorted.reserve(samples.size());
  for (const RuleSample& sample : samples) sorted.push_back(&sample.labels);
  std::ranges::sort(sorted, [](const LabelSet* a, const LabelSet* b) { return *a < *b; });
  return std::ranges::adjacent_find(
             sorted, [](const LabelSet* a, const LabelSet* b) { return *a == *b; }) != sorted.end();
}

}  // namespace

Result<RuleSamples> Record(const RuleSpec& rule, promql::VectorValue vector, int64_t limit) {
  RuleSamples samples;
  samples.reserve(vector.size());
  for (promql::VectorElement& element : vector) {
    LabelSet labels = std::move(element.labels);
    labels.Set(kMetricName, rule.name);
    for (const auto& [name, value] : rule.label_overrides) labels.Set(name, value);
    samples.push_back({std::move(labels), element.point.value, std::move(element.point.histogram)});
  }
  if (HaveEqualLabels(samples)) {
    return ExecutionError(
        "vector contains metrics with the same labelset after applying rule labels");
  }
  if (limit > 0 && std::cmp_greater(samples.size(), limit)) {
    return ResourceExhausted(
        fmt::format("exceeded limit of {} with {} series", limit, samples.size()));
  }
  return samples;
}

}  // namespace tocsin
