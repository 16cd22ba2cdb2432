// What a backtest found, as text for the terminal, as a page with a picture, and as JSON.
#pragma once

#include <string>
#include <vector>

#include "base/finding.h"
#include "rules/backtest/backtest.h"

namespace tocsin::cli {

// The same rules with one thing changed, and what came of it.
struct SweepRow {
  RuleChange change;
  size_t pages = 0;
  size_t flaps = 0;
  size_t alerts = 0;
  Duration firing{};
};

struct BacktestReport {
  BacktestResult result;
  std::vector<RuleChange> changes;  // those of --set
  std::vector<SweepRow> sweep;
  // With --compare: the run of the old file, and where it differs.
  std::optional<BacktestResult> old;
  std::vector<BacktestDifference> differences;
};

// Bars of `width` characters: pending ░, firing █.
std::string RenderBacktestText(const BacktestReport& report, int width, bool colors);
// One file without scripts or links; light and dark.
std::string RenderBacktestHtml(const BacktestReport& report);
// For code hosts and editors: a note for each rule that pages and for each alert that differs from
// the old file's, a warning for each rule whose evaluations fail.
std::vector<Finding> BacktestFindings(const BacktestReport& report);
std::string RenderBacktestJson(const BacktestReport& report);

}  // namespace tocsin::cli
