// A report as plain tables and charts: what is measured puts them together (report_run.h), what
// renders (report_text.cc, …) knows nothing of where they come from.
//
// Nothing here is ever a default figure: a cell has a number, a text, or the reason why it has
// neither.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "delivery/metric_source.h"

namespace tocsin::delivery {

enum class ReportUnit {
  kCount,    // 1,234
  kScore,    // 0.947
  kRatio,    // 0.05 is 5%
  kPoints,   // a difference of ratios: 0.05 is 5 points
  kSeconds,  // a latency
  kSpan,     // a length of time: hours and days
  kBytes,
  kPerHour,
  kPerSecond,
  kMoney,  // of whatever currency the constants are in
};

// How a cell is to be looked at; always said in words or signs too, never by color alone.
enum class ReportTone { kPlain, kGood, kBad, kSoft };

struct ReportCell {
  std::optional<double> number;
  ReportUnit unit = ReportUnit::kCount;
  std::string text;     // without a number
  std::string missing;  // why there is neither; shown as "n/a"
  ReportTone tone = ReportTone::kPlain;
  bool signed_number = false;  // a change: +5%
};

ReportCell NumberCell(double number, ReportUnit unit);
ReportCell TextCell(std::string text, ReportTone tone = ReportTone::kPlain);
ReportCell MissingCell(std::string why);

struct ReportColumn {
  std::string id;     // in JSON and CSV
  std::string title;  // for people
  bool numeric = false;
};

struct ReportTable {
  std::string id;
  std::string title;
  std::string missing;  // why it has no rows; shown in their place
  std::vector<ReportColumn> columns;
  std::vector<std::vector<ReportCell>> rows;
};

struct ReportLine {
  std::string name;
  std::vector<MetricPoint> points;
};

// A vertical mark at a time: a deployment.
struct ReportMark {
  Timestamp at{};
  std::string text;
  bool bad = false;
};

struct ReportBar {
  Timestamp from{};
  Timestamp to{};
};

struct ReportBarRow {
  std::string name;
  ReportTone tone = ReportTone::kPlain;
  std::vector<ReportBar> bars;
};

// Either lines over time, or rows of bars.
struct ReportChart {
  std::string id;
  std::string title;
  std::string missing;  // why there is nothing to draw
  ReportUnit unit = ReportUnit::kCount;
  Duration step{};  // between points; a longer way between two is a gap
  std::vector<ReportLine> lines;
  std::optional<double> limit;
  std::string limit_name;
  std::vector<ReportBarRow> rows;
};

struct ReportSection {
  std::string id;
  std::string title;
  std::vector<std::string> notes;
  std::vector<ReportTable> tables;
  std::vector<ReportChart> charts;
};

// One of the large figures at the top.
struct ReportTile {
  std::string title;
  ReportCell value;
  ReportCell change;  // against the period before
  std::string note;
};

struct ReportPeriod {
  Timestamp from{};
  Timestamp to{};
};

struct Report {
  std::string title;
  std::string source;  // where the figures come from, without secrets
  ReportPeriod period;
  std::optional<ReportPeriod> before;  // what it is compared with
  std::vector<std::string> summary;    // sentences, the most important first
  std::vector<ReportTile> tiles;
  std::vector<ReportSection> sections;
  std::vector<ReportMark> marks;
};

// "99.95%", "212ms", "3h 12m", "n/a".
std::string FormatReportNumber(double number, ReportUnit unit);
std::string FormatReportCell(const ReportCell& cell);
// "Mon 16 Nov 2026, 00:00 UTC"
std::string FormatReportTime(Timestamp at);
std::string FormatReportPeriod(const ReportPeriod& period);

// Each is the whole report and the same bytes for the same report.
std::string RenderReportText(const Report& report, bool colors);
std::string RenderReportMarkdown(const Report& report);
std::string RenderReportJson(const Report& report);
// One line per figure, then one per point of each chart.
std::string RenderReportCsv(const Report& report);
// One file without scripts and without anything from elsewhere; light and dark.
std::string RenderReportHtml(const Report& report);
// For mail programs: tables without pictures and without style sheets of their own.
std::string RenderReportMailHtml(const Report& report);
// Slack's JSON for an incoming webhook: the summary and the figures at the top.
std::string RenderReportSlack(const Report& report);

}  // namespace tocsin::delivery
