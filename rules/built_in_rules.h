// Rules that follow from settings instead of being written in a file.
#pragma once

#include <string>

#include "config/config.h"

namespace tocsin {

// Stands for a file name where rules are listed.
inline constexpr const char* kBuiltInRulesFile = "(built-in) quantiles";

// One group that records the configured quantiles of histograms, as the text of a rule file; ""
// when none are configured. Prometheus' client for Python, among others, has no quantiles in its
// summaries, and a name cannot be a histogram and a summary on one page: so the series exist in the
// store only.
std::string BuiltInRules(const Config& config);

}  // namespace tocsin
