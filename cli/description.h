// What `tocsin serve` has found, on one screen.
#pragma once

#include <string>

#include "alertmanager_client/alertmanager_snapshot.h"
#include "config/config.h"
#include "exporters/target_snapshot.h"
#include "rules/snapshot.h"

namespace tocsin::cli {

struct Findings {
  std::string url;  // where the own pages are
  const Config& config;
  const TargetsSnapshot& targets;
  const RulesSnapshot& rules;
  const AlertmanagersSnapshot& alertmanagers;
  Duration retention{};
};

// At most 40 lines, without secrets.
std::string DescribeFindings(const Findings& findings);

}  // namespace tocsin::cli
