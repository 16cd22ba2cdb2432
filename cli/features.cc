#include "cli/features.h"

#include <algorithm>

namespace tocsin::cli {
namespace {

struct EngineFeature {
  std::string_view name;
  bool promql::EngineOptions::*flag;
};
constexpr EngineFeature kEngineFeatures[] = {
    {"promql-delayed-name-removal", &promql::EngineOptions::delayed_name_removal},
    {"type-and-unit-labels", &promql::EngineOptions::type_and_unit_labels},
    {"promql-per-step-stats", &promql::EngineOptions::per_step_stats},
    {"use-start-timestamps", &promql::EngineOptions::use_start_timestamps},
};

constexpr std::string_view kWithoutMeaning[] = {
    "promql-at-modifier",      // always on
    "promql-negative-offset",  // always on
    "native-histograms",       // always on
    "extra-scrape-metrics",    // always on
    "concurrent-rule-eval",    // always on
    "auto-reload-config",      // read by serve itself
    "auto-gomaxprocs",         // of Go's runtime
    "auto-gomemlimit",         // of Go's runtime
    "use-uncached-io",         // there are no blocks
    "memory-snapshot-on-shutdown",
    "delayed-compaction",      // there are no blocks
    "fast-startup",            // there is no block to look at
    "st-storage",              // always on
    "xor2-encoding",           // the store has chunks of its own
    "metadata-wal-records",    // metadata are kept by target
    "expand-external-labels",  // always on
    "old-ui",                  // there is one
    "exemplar-storage",
};

Status Enable(std::string_view name, promql::EngineOptions& options) {
  if (promql::EnableFeature(name, options.parser)) return Ok();
  const auto* const feature = std::ranges::find(kEngineFeatures, name, &EngineFeature::name);
  if (feature != std::end(kEngineFeatures)) {
    options.*(feature->flag) = true;
    return Ok();
  }
  if (std::ranges::find(kWithoutMeaning, name) != std::end(kWithoutMeaning)) return Ok();
  return InvalidArgument("--enable-feature: there is no feature \"" + std::string(name) + "\"");
}

}  // namespace

bool HasFeature(const std::vector<std::string>& values, std::string_view name) {
  return std::ranges::any_of(values, [name](const std::string& names) {
    return ("," + names + ",").find("," + std::string(name) + ",") != std::string::npos;
  });
}

Result<promql::EngineOptions> ParseFeatures(const std::vector<std::string>& values,
                                            promql::EngineOptions options) {
  for (std::string_view names : values) {
    while (!names.empty()) {
      const size_t comma = std::min(names.find(','), names.size());
      RETURN_IF_ERROR(Enable(names.substr(0, comma), options));
      names.remove_prefix(std::min(comma + 1, names.size()));
    }
  }
  return options;
}

}  // namespace tocsin::cli
