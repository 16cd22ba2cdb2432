// Figures of single rules, beyond Prometheus'.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/time.h"
#include "rules/snapshot.h"

namespace tocsin {

// Series with rule_group, rule and rule_index (from 1, as rules of one name are often several);
// they vanish with the object.
class RuleMetrics {
 public:
  struct Figures {
    double seconds = 0;
    size_t samples = 0;
    size_t series_fetched = 0;
    std::optional<AlertPhase> phase;  // nothing: a recording rule
    std::optional<Duration> since_success;
    uint64_t consecutive_failures = 0;
    bool no_input = false;
    bool degraded = false;
    size_t transitions_per_hour = 0;
  };

  RuleMetrics(Metrics& metrics, const std::string& rule_group, const std::string& rule,
              size_t index);

  void Set(const Figures& figures) const;

 private:
  std::vector<std::shared_ptr<Gauge>> gauges_;  // in the order of the table
};

}  // namespace tocsin
