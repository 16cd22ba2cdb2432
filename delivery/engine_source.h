// Figures out of samples that are here, by the engine itself: of a file, or of any Querier.
#pragma once

#include <string>
#include <vector>

#include "delivery/metric_source.h"
#include "engine/promql/engine.h"
#include "engine/storage/querier.h"

namespace tocsin::delivery {

// Both arguments outlive the source. Errors: kExecution for what the engine refuses.
class EngineMetricSource final : public MetricSource {
 public:
  EngineMetricSource(const promql::Engine& engine, const Querier& querier)
      : engine_(engine), querier_(querier) {}
  Result<std::vector<MetricSample>> Query(const std::string& expr, Timestamp at) override;
  Result<std::vector<MetricSeries>> QueryRange(const std::string& expr,
                                               const MetricSteps& steps) override;

 private:
  const promql::Engine& engine_;
  const Querier& querier_;
};

}  // namespace tocsin::delivery
