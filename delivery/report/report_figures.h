// The figures of a report: one row each, with the question that gives it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "delivery/report/report.h"

namespace tocsin::delivery {

enum class Better { kNeither, kLower, kHigher };

// In `expr`, `present` and `count`, ${…} is filled in: ${job} (a regular expression), ${window}
// (the period, "1w"), ${hours} (its length).
struct FigureSpec {
  std::string_view id;
  std::string_view title;
  std::string_view group;  // the table that shows it
  ReportUnit unit = ReportUnit::kCount;
  Better better = Better::kNeither;
  std::string_view expr;
  // What has to be there at a time for that time to be covered.
  std::string_view present;
  // Of a share: how many it is a share of, so that a change can be told from chance.
  std::string_view count = {};
  std::string_view help = {};
};

// One chart, a line per row of these.
struct SeriesSpec {
  std::string_view chart;  // id
  std::string_view title;  // of the chart; on its first row
  std::string_view section;
  ReportUnit unit = ReportUnit::kCount;
  std::string_view line;  // name; "" when `by` names the lines
  std::string_view by;    // the label whose values name the lines
  std::string_view expr;
};

std::span<const FigureSpec> ReportFigures();
std::span<const SeriesSpec> ReportSeries();

// ${name} for each name of `variables`.
std::string FillIn(std::string_view text, const std::map<std::string, std::string>& variables);

}  // namespace tocsin::delivery
