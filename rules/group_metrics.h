// The figures that the rules keep about themselves, named as Prometheus names them.
#pragma once

#include <memory>
#include <string>

#include "base/metrics.h"

namespace tocsin {

// Of one group: series with rule_group="file;name", which vanish with the struct.
struct GroupMetrics {
  GroupMetrics(Metrics& metrics, const std::string& rule_group);

  std::shared_ptr<Counter> evaluations;
  std::shared_ptr<Counter> evaluation_failures;
  std::shared_ptr<Counter> iterations;
  std::shared_ptr<Counter> iterations_missed;
  std::shared_ptr<Gauge> interval;
  std::shared_ptr<Gauge> rules;
  std::shared_ptr<Gauge> last_evaluation_timestamp;
  std::shared_ptr<Gauge> last_duration;
  std::shared_ptr<Gauge> last_rule_duration_sum;
  std::shared_ptr<Gauge> last_restore_duration;
  std::shared_ptr<Gauge> last_evaluation_samples;
  // Of all groups together.
  std::shared_ptr<Distribution> rule_duration;
  std::shared_ptr<Distribution> rule_duration_histogram;
  std::shared_ptr<Distribution> group_duration;
  std::shared_ptr<Distribution> group_duration_histogram;
  std::shared_ptr<Counter> template_expansions;
  std::shared_ptr<Counter> template_failures;
};

}  // namespace tocsin
