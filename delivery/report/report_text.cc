// The report for terminals and for the plain part of mails, and as Markdown.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "delivery/report/report.h"

namespace tocsin::delivery {
namespace {

constexpr size_t kSparkWidth = 56;

// Code points, which is what a terminal advances by for the letters that reports have.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & '\xc0') != '\x80'; }));
}

std::string Padded(const std::string& text, size_t width, bool right) {
  const std::string space(width - std::min(width, Width(text)), ' ');
  return right ? space + text : text + space;
}

std::string Colored(const std::string& text, ReportTone tone, bool colors) {
  if (!colors || tone == ReportTone::kPlain) return text;
  const char* const code = tone == ReportTone::kGood  ? "\x1b[32m"
                           : tone == ReportTone::kBad ? "\x1b[31m"
                                                      : "\x1b[2m";
  return code + text + "\x1b[0m";
}

// What explains a cell and is written nowhere else in its row: the last column often repeats it.
std::vector<std::string> Reasons(const ReportTable& table) {
  std::vector<std::string> reasons;
  for (const auto& row : table.rows) {
    for (size_t i = 1; i < row.size(); ++i) {
      if (row[i].missing.empty()) continue;
      const bool said = std::ranges::any_of(row, [&](const ReportCell& other) {
        return other.text.find(row[i].missing) != std::string::npos;
      });
      const std::string reason =
          FormatReportCell(row[0]) + ", " + table.columns[i].title + ": " + row[i].missing;
      if (!said) reasons.push_back(reason);
    }
  }
  return reasons;
}

void AppendTable(const ReportTable& table, bool colors, std::string& out) {
  out += "\n" + table.title + "\n";
  if (table.rows.empty()) {
    out += "  n/a: " + table.missing + "\n";
    return;
  }
  std::vector<size_t> widths;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    size_t width = Width(table.columns[i].title);
    for (const auto& row : table.rows) width = std::max(width, Width(FormatReportCell(row[i])));
    widths.push_back(width);
  }
  const auto line = [&](const auto& text_of, const auto& tone_of) {
    std::string text;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const bool last = i + 1 == table.columns.size();
      const std::string cell = last && !table.columns[i].numeric
                                   ? text_of(i)
                                   : Padded(text_of(i), widths[i], table.columns[i].numeric);
      text += "  " + Colored(cell, tone_of(i), colors);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line([&](size_t i) { return table.columns[i].title; }, [](size_t) { return ReportTone::kSoft; });
  for (const auto& row : table.rows) {
    line([&](size_t i) { return FormatReportCell(row[i]); }, [&](size_t i) { return row[i].tone; });
  }
  for (const std::string& reason : Reasons(table)) out += "  n/a: " + reason + "\n";
}

struct Extent {
  double low = 0;
  double high = 0;
};

Extent ExtentOf(const ReportLine& line) {
  const auto [low, high] = std::ranges::minmax_element(line.points, {}, &MetricPoint::value);
  return {low->value, high->value};
}

// One character for each part of the period: the highest of its values between 0 and the line's
// highest; a space where there are no samples.
std::string Sparkline(const ReportLine& line, const ReportPeriod& period) {
  constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<double> parts(kSparkWidth, NAN);
  const double length = ToSeconds(period.to - period.from);
  for (const MetricPoint& point : line.points) {
    // A point speaks for the step before it.
    const double place = std::ceil(ToSeconds(point.at - period.from) / length * kSparkWidth) - 1;
    double& part = parts[static_cast<size_t>(std::clamp(place, 0.0, kSparkWidth - 1.0))];
    if (std::isnan(part) || point.value > part) part = point.value;
  }
  const double high = ExtentOf(line).high;
  std::string text;
  for (const double part : parts) {
    if (std::isnan(part)) {
      text += " ";
      continue;
    }
    const double level = high > 0 ? std::floor(part / high * 7.999) : 0;
    text += kBlocks[static_cast<size_t>(std::clamp(level, 0.0, 7.0))];
  }
  return text;
}

void AppendChart(const ReportChart& chart, const ReportPeriod& period, std::string& out) {
  out += "\n" + chart.title + "\n";
  if (chart.lines.empty() && chart.rows.empty()) {
    out += "  n/a: " + chart.missing + "\n";
    return;
  }
  size_t width = 0;
  for (const ReportLine& line : chart.lines) width = std::max(width, Width(line.name));
  for (const ReportLine& line : chart.lines) {
    const Extent extent = ExtentOf(line);
    out += fmt::format("  {}  {}  {} to {}\n", Padded(line.name, width, false),
                       Sparkline(line, period), FormatReportNumber(extent.low, chart.unit),
                       FormatReportNumber(extent.high, chart.unit));
  }
  for (const ReportBarRow& row : chart.rows) {
    for (const ReportBar& bar : row.bars) {
      out += fmt::format("  {}  {}  for {}\n", row.name, FormatReportTime(bar.from),
                         FormatReportNumber(ToSeconds(bar.to - bar.from), ReportUnit::kSpan));
    }
  }
}

std::string MarkdownEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '*' || c == '_' || c == '<' || c == '`') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

void AppendMarkdownTable(const ReportTable& table, std::string& out) {
  out += "\n### " + table.title + "\n\n";
  if (table.rows.empty()) {
    out += "n/a: " + MarkdownEscaped(table.missing) + "\n";
    return;
  }
  std::string rule = "|";
  out += "|";
  for (const ReportColumn& column : table.columns) {
    out += " " + column.title + " |";
    rule += column.numeric ? " ---: |" : " --- |";
  }
  out += "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    out += "|";
    for (const ReportCell& cell : row) out += " " + MarkdownEscaped(FormatReportCell(cell)) + " |";
    out += "\n";
  }
  const std::vector<std::string> reasons = Reasons(table);
  if (!reasons.empty()) out += "\n";
  for (const std::string& reason : reasons) out += "- n/a: " + MarkdownEscaped(reason) + "\n";
}

}  // namespace

std::string RenderReportText(const Report& report, bool colors) {
  std::string out = report.title + "\n" + FormatReportPeriod(report.period) + "\n";
  if (report.before) out += "compared with " + FormatReportPeriod(*report.before) + "\n";
  out += "from " + report.source + "\n\n";
  for (const std::string& sentence : report.summary) out += sentence + "\n";
  for (const ReportSection& section : report.sections) {
    out += "\n" + std::string(3, '=') + " " + section.title + " " +
           std::string(std::max<size_t>(72 - std::min<size_t>(Width(section.title), 68), 4), '=') +
           "\n";
    for (const std::string& note : section.notes) out += note + "\n";
    for (const ReportTable& table : section.tables) AppendTable(table, colors, out);
    for (const ReportChart& chart : section.charts) AppendChart(chart, report.period, out);
  }
  return out;
}

std::string RenderReportMarkdown(const Report& report) {
  std::string out = "# " + MarkdownEscaped(report.title) + "\n\n" +
                    FormatReportPeriod(report.period) + ", from " + MarkdownEscaped(report.source) +
                    "\n";
  if (report.before) out += "\nCompared with " + FormatReportPeriod(*report.before) + "\n";
  out += "\n";
  for (const std::string& sentence : report.summary) out += "- " + MarkdownEscaped(sentence) + "\n";
  for (const ReportSection& section : report.sections) {
    out += "\n## " + section.title + "\n";
    for (const std::string& note : section.notes) out += "\n" + MarkdownEscaped(note) + "\n";
    for (const ReportTable& table : section.tables) AppendMarkdownTable(table, out);
  }
  return out;
}

}  // namespace tocsin::delivery
