// --enable-feature: Prometheus' names for what the engine does not do unless told to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "engine/promql/engine.h"

namespace tocsin::cli {

constexpr FlagSpec kEnableFeatureFlag = {
    .name = "--enable-feature",
    .value = "NAME",
    .help = "Switch on what Prometheus hides behind this name; several by commas.",
    .repeated = true};

// Whether one of the values names the feature.
bool HasFeature(const std::vector<std::string>& values, std::string_view name);

// Sets the features in `options`. Each value is one name or several, separated by commas. Names of
// Prometheus that need no switch here are taken and mean nothing.
Result<promql::EngineOptions> ParseFeatures(const std::vector<std::string>& values,
                                            promql::EngineOptions options = {});

}  // namespace tocsin::cli
