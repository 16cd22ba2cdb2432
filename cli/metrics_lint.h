// The checks of metrics pages that `promtool check metrics` makes: promlint.
//
// Source of the checks and their words: client_golang's prometheus/testutil/promlint.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/result.h"
#include "engine/model/metric_type.h"

namespace tocsin::cli {

struct LintedFamily {
  std::string name;
  MetricType type = MetricType::kUntyped;
  bool has_help = false;
  size_t line = 0;  // where it begins
  size_t samples = 0;
  std::vector<std::string> label_names;  // each once
};

// In the order of the page. Errors say what the text format does not allow.
Result<std::vector<LintedFamily>> ReadFamilies(std::string_view page);

// Sorted by metric, then by text. `file` is what the findings name.
std::vector<Finding> LintMetrics(const std::vector<LintedFamily>& families, std::string_view file);

// The name of the metric that a finding of LintMetrics is about, and promlint's words:
// "app_requests counter metrics should have "_total" suffix".
std::string PromlintLine(const Finding& finding);

// How many series each family has, most first.
std::string CardinalityTable(const std::vector<LintedFamily>& families);

}  // namespace tocsin::cli
