// The table of built-in collectors: what /metrics, the documentation, `collectors list` and the
// target manager know of each.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/scheduler.h"
#include "config/config.h"
#include "exporters/collector.h"

namespace tocsin {

class Metrics;  // base/metrics.h

// What collectors are made of. All outlive the collector.
struct CollectorDependencies {
  const Clock& clock;
  Scheduler& scheduler;  // for watchdogs
  HttpClient& http;
  FileSystem& files;
  Logger& log;
  Metrics& metrics;
  // For what goes on between collections (an event stream); tasks must be short.
  Executor& io;
  // Where a collector may keep what it must know after a restart; "": nowhere.
  std::string state_folder;
};

// One thing that the configuration asks a collector to watch.
struct CollectorTarget {
  // Of the collector's own type; `job` and `instance` filled in.
  std::shared_ptr<const CollectorConfig> config;
  // "tocsin://postgres/db:5432": without secrets.
  std::string url;
};

struct CollectorSpec {
  std::string_view name;  // also the section under `collectors:` and the default job
  std::string_view help;
  std::string_view up;  // the family that says whether it worked ("pg_up"), or ""
  std::span<const FamilySpec> families;
  // What the configuration asks it to watch; `own_instance` is for the process itself.
  std::vector<CollectorTarget> (*targets)(const Config& config, const std::string& own_instance);
  // The functions below are given one of `targets`' configurations.
  std::unique_ptr<Collector> (*make)(const CollectorConfig& config,
                                     const CollectorDependencies& dependencies);
  // Equal configurations, secrets included, keep their loop over a reload.
  bool (*equal)(const CollectorConfig& a, const CollectorConfig& b);
  // What the configuration's reader cannot know to be wrong; null: nothing.
  Status (*check)(const CollectorConfig& config) = nullptr;
};

// For CollectorSpec::equal.
template <typename T>
bool SameConfig(const CollectorConfig& a, const CollectorConfig& b) {
  return static_cast<const T&>(a) == static_cast<const T&>(b);
}

// Sorted by name.
std::span<const CollectorSpec> Collectors();
// Null when there is none of that name.
const CollectorSpec* FindCollector(std::string_view name);
// What is wrong with what the configuration asks of collectors, beyond what its reader could see.
Status CheckCollectors(const Config& config);
// The row of that name in any collector's table, wildcard rows included; null when no built-in
// collector gives it.
const FamilySpec* FindFamily(std::string_view metric_name);

}  // namespace tocsin
