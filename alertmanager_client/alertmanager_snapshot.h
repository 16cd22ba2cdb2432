// What the outside sees of the Alertmanagers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace tocsin {

struct AlertmanagerSnapshot {
  std::string url;       // …/api/v2/alerts, without secrets
  uint64_t sent = 0;     // alerts acknowledged with 2xx
  uint64_t failed = 0;   // requests that were not
  uint64_t refused = 0;  // alerts that the Alertmanager will never take (4xx)
  size_t queued = 0;
  std::string last_error;
  std::optional<Timestamp> last_success;
  std::optional<Timestamp> last_failure;
};

struct AlertmanagersSnapshot {
  std::vector<AlertmanagerSnapshot> active;
  std::vector<std::string> dropped;
  // Why nobody is told, when nobody is.
  std::string nobody_because = "no Alertmanagers are configured";
};

}  // namespace tocsin
