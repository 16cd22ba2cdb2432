// What the outside sees of the things that are watched: scrape targets and built-in collectors.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "engine/model/label_set.h"
#include "exporters/collector.h"

namespace tocsin {

struct FamilyText;  // exporters/series_writer.h

enum class TargetHealth { kUnknown, kUp, kDown };

struct TargetSnapshot {
  LabelSet discovered_labels;  // before relabelling
  LabelSet labels;             // job, instance, …
  std::string scrape_pool;     // the job's name in the configuration
  std::string scrape_url;      // without secrets; "tocsin://postgres/db:5432" for a collector
  bool built_in = false;
  TargetHealth health = TargetHealth::kUnknown;
  std::string last_error;  // without secrets
  std::optional<Timestamp> last_scrape;
  Duration last_duration{};
  Duration interval{};
  Duration timeout{};
  size_t last_samples = 0;
  uint64_t collections = 0;  // that are over, failed ones too
  // What the last collection asked; null when it told nothing of it.
  std::shared_ptr<const std::vector<CollectContext::CollectStep>> steps;
  // Type and help of what the last collection brought; never null, each once.
  std::vector<std::shared_ptr<const FamilyText>> families;
};

struct TargetsSnapshot {
  std::vector<TargetSnapshot> active;
  std::vector<TargetSnapshot> dropped;  // by relabelling
};

}  // namespace tocsin
