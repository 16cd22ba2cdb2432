#include "delivery/engine_source.h"

#include <algorithm>

namespace tocsin::delivery {

Result<std::vector<MetricSample>> EngineMetricSource::Query(const std::string& expr, Timestamp at) {
  ASSIGN_OR_RETURN(const auto query, engine_.Parse(expr));
  ASSIGN_OR_RETURN(const promql::QueryResult result, engine_.Instant(*query, querier_, ToMs(at)));
  std::vector<MetricSample> samples;
  if (const auto* scalar = std::get_if<promql::ScalarValue>(&result.value)) {
    samples.push_back({.labels = {}, .value = scalar->value});
    return samples;
  }
  const auto* vector = std::get_if<promql::VectorValue>(&result.value);
  if (vector == nullptr) return ExecutionError("the answer is neither a vector nor a scalar");
  for (const promql::VectorElement& element : *vector) {
    if (element.point.histogram != nullptr) return ExecutionError("the answer is a histogram");
    samples.push_back({.labels = element.labels, .value = element.point.value});
  }
  return samples;
}

Result<std::vector<MetricSeries>> EngineMetricSource::QueryRange(const std::string& expr,
                                                                 const MetricSteps& steps) {
  ASSIGN_OR_RETURN(const auto query, engine_.Parse(expr));
  ASSIGN_OR_RETURN(
      const promql::QueryResult result,
      engine_.Range(*query, querier_, ToMs(steps.from), ToMs(steps.to), steps.step.count()));
  const auto* matrix = std::get_if<promql::MatrixValue>(&result.value);
  if (matrix == nullptr) return ExecutionError("the answer is no matrix");
  std::vector<MetricSeries> all;
  for (const promql::MatrixElement& element : *matrix) {
    MetricSeries series{.labels = element.labels, .points = {}};
    for (const promql::Point& point : element.points) {
      series.points.push_back({.at = FromMs(point.t_ms), .value = point.value});
    }
    all.push_back(std::move(series));
  }
  return all;
}

}  // namespace tocsin::delivery
