// The report as one HTML file, and as the simpler HTML that mail programs show.
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "base/markup.h"
#include "delivery/report/report.h"
#include "delivery/report/svg_chart.h"

namespace tocsin::delivery {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2024; --soft: #59626e; --line: #d9dee4;
  --tint: #f5f7f9; --good: #1a6b34; --bad: #b3201f; --gap: #e9ecf0; --mark: #6b4fb3;
  --l0: #0b5cad; --l1: #b3541e; --l2: #1a7a4c; --l3: #8b3d9e; --l4: #7a6a00; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e6e9ec; --soft: #a3acb7;
  --line: #343b43; --tint: #1d2125; --good: #67c987; --bad: #ff8580; --gap: #23282d;
  --mark: #b8a1f5; --l0: #7ab8ff; --l1: #ffab73; --l2: #6fd3a0; --l3: #dd9cf0; --l4: #e0cf5a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, header, footer { max-width: 64rem; margin: 0 auto; padding: 0 1.2rem; }
header { padding-top: 1.6rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 2px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p { margin: .3rem 0; max-width: 46rem; }
.soft, .note { color: var(--soft); }
.summary { margin: 1rem 0; padding: .7rem 1rem .7rem 2rem; background: var(--tint);
  border-left: 4px solid var(--l0); }
nav { margin: .8rem 0; } nav a { margin-right: 1rem; white-space: nowrap; }
a { color: var(--l0); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .8rem;
  margin: 1.2rem 0; padding: 0; list-style: none; }
.tiles li { border: 1px solid var(--line); border-radius: 8px; padding: .7rem .9rem; }
.tiles .name { color: var(--soft); font-size: .86rem; min-height: 2.6em; }
.tiles .value { font-size: 1.6rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.tiles .small { font-size: .86rem; color: var(--soft); overflow-wrap: anywhere; }
.good { color: var(--good); } .bad { color: var(--bad); }
.table { overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 34rem); font-size: .9rem; }
th, td { text-align: left; padding: .34rem .8rem .34rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; }
tbody th { font-weight: 500; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.why { display: block; font-size: .8rem; color: var(--soft); white-space: normal; }
td code { font: .8rem ui-monospace, monospace; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
figcaption { font-weight: 600; }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg .tick { fill: var(--soft); } svg .label { fill: var(--ink); font-size: 12px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .gap { fill: var(--gap); }
svg .limit { stroke: var(--bad); stroke-dasharray: 6 4; }
svg .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.l0 { stroke: var(--l0); } .l1 { stroke: var(--l1); stroke-dasharray: 7 3; }
.l2 { stroke: var(--l2); stroke-dasharray: 2 3; } .l3 { stroke: var(--l3); stroke-dasharray: 9 3 2 3; }
.l4 { stroke: var(--l4); stroke-dasharray: 4 2; }
svg .bar { fill: var(--l1); } svg .bar.bad { fill: var(--bad); }
svg .mark path { fill: var(--mark); } svg .mark.bad path { fill: var(--bad); }
svg .markline { stroke: var(--mark); stroke-opacity: .45; } svg .mark.bad .markline { stroke: var(--bad); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .1rem 0; padding: 0;
  list-style: none; font-size: .86rem; color: var(--soft); }
.legend svg { display: inline-block; width: 34px; height: 8px; vertical-align: middle; }
details { margin: .3rem 0; } summary { cursor: pointer; color: var(--soft); font-size: .86rem; }
footer { color: var(--soft); font-size: .86rem; padding-bottom: 2rem; margin-top: 2rem; }
@media print { nav, details { display: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
)css";

std::string_view ToneClass(ReportTone tone) {
  switch (tone) {
    case ReportTone::kPlain:
      return "";
    case ReportTone::kGood:
      return "good";
    case ReportTone::kBad:
      return "bad";
    case ReportTone::kSoft:
      return "soft";
  }
  return "";
}

// Colors alone say nothing: the tone comes as a word for those who do not see it.
std::string CellHtml(const ReportCell& cell) {
  std::string html = EscapeMarkup(FormatReportCell(cell));
  if (cell.signed_number && cell.tone == ReportTone::kGood) html += " ✓";
  if (cell.signed_number && cell.tone == ReportTone::kBad) html += " ✗";
  return html;
}

void AppendTable(const ReportTable& table, std::string& html) {
  html += "<h3 id=\"" + table.id + "-table\">" + EscapeMarkup(table.title) + "</h3>\n";
  if (table.rows.empty()) {
    html += "<p class=\"soft\">n/a: " + EscapeMarkup(table.missing) + "</p>\n";
    return;
  }
  html += "<div class=\"table\"><table aria-labelledby=\"" + table.id + "-table\"><thead><tr>";
  for (const ReportColumn& column : table.columns) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", column.numeric ? " class=\"n\"" : "",
                        EscapeMarkup(column.title));
  }
  html += "</tr></thead><tbody>\n";
  std::vector<std::string> reasons(table.columns.size());  // the last of each column
  for (const auto& row : table.rows) {
    html += "<tr>";
    // A reason stands once: in the row's note, or below the first cell of the row and of the column
    // that it explains.
    std::string said;
    for (const ReportCell& cell : row) said += cell.text + "\n";
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string_view element = i == 0 ? "th scope=\"row\"" : "td";
      const std::string style =
          std::string(table.columns[i].numeric ? "n " : "") + std::string(ToneClass(row[i].tone));
      const bool query = table.columns[i].id == "query";
      html += fmt::format("<{}{}>{}{}{}", element, style.empty() ? "" : " class=\"" + style + "\"",
                          query ? "<code>" : "", CellHtml(row[i]), query ? "</code>" : "");
      const std::string& why = row[i].missing;
      if (!why.empty() && why != reasons[i] && said.find(why) == std::string::npos) {
        html += "<span class=\"why\">" + EscapeMarkup(why) + "</span>";
        said += why;
        reasons[i] = why;
      }
      html += i == 0 ? "</th>" : "</td>";
    }
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
}

struct DayOfLine {
  double sum = 0;
  double high = 0;
  size_t count = 0;
};

// The figures of a chart by day, for those who do not see it.
void AppendDays(const ReportChart& chart, std::string& html) {
  std::map<int64_t, std::vector<DayOfLine>> days;
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    for (const MetricPoint& point : chart.lines[i].points) {
      const auto day = std::chrono::floor<std::chrono::days>(point.at - Duration(1));
      std::vector<DayOfLine>& lines = days[day.time_since_epoch().count()];
      lines.resize(chart.lines.size());
      DayOfLine& one = lines[i];
      one.high = one.count == 0 ? point.value : std::max(one.high, point.value);
      one.sum += point.value;
      ++one.count;
    }
  }
  html +=
      "<details><summary>By day (UTC): mean and highest</summary><div class=\"table\"><table>"
      "<thead><tr><th scope=\"col\">Day</th>";
  for (const ReportLine& line : chart.lines) {
    html += "<th scope=\"col\" class=\"n\">" + EscapeMarkup(line.name) + "</th>";
  }
  html += "</tr></thead><tbody>\n";
  for (const auto& [day, lines] : days) {
    const Timestamp at{std::chrono::days(day)};
    const std::string name = FormatReportTime(at);
    html += "<tr><th scope=\"row\">" + name.substr(0, name.find(',')) + "</th>";
    for (const DayOfLine& one : lines) {
      html += one.count == 0
                  ? std::string("<td class=\"n soft\">n/a</td>")
                  : fmt::format(
                        "<td class=\"n\">{} / {}</td>",
                        FormatReportNumber(one.sum / static_cast<double>(one.count), chart.unit),
                        FormatReportNumber(one.high, chart.unit));
    }
    html += "</tr>\n";
  }
  html += "</tbody></table></div></details>\n";
}

void AppendChart(const ReportChart& chart, const Report& report, std::string& html) {
  html += "<figure><figcaption>" + EscapeMarkup(chart.title) + "</figcaption>\n";
  if (chart.lines.empty() && chart.rows.empty()) {
    html += "<p class=\"soft\">n/a: " + EscapeMarkup(chart.missing) + "</p></figure>\n";
    return;
  }
  if (chart.lines.size() > 1) {
    html += "<ul class=\"legend\">";
    for (size_t i = 0; i < chart.lines.size(); ++i) {
      html += fmt::format(
          "<li><svg aria-hidden=\"true\" viewBox=\"0 0 34 8\"><path class=\"line l{}\" "
          "d=\"M1 4H33\"/></svg> {}</li>",
          i % 5, EscapeMarkup(chart.lines[i].name));
    }
    html += "</ul>\n";
  }
  html += RenderSvgChart(chart, report.period, report.marks);
  if (!chart.lines.empty()) AppendDays(chart, html);
  html += "</figure>\n";
}

void AppendTiles(const Report& report, std::string& html) {
  html += "<ul class=\"tiles\">\n";
  for (const ReportTile& tile : report.tiles) {
    html += fmt::format("<li><div class=\"name\">{}</div><div class=\"value{}\">{}</div>",
                        EscapeMarkup(tile.title), tile.value.missing.empty() ? "" : " soft",
                        CellHtml(tile.value));
    if (tile.change.number) {
      html += fmt::format("<div class=\"small\"><span class=\"{}\">{}</span> against before</div>",
                          ToneClass(tile.change.tone), CellHtml(tile.change));
    }
    if (!tile.note.empty()) html += "<div class=\"small\">" + EscapeMarkup(tile.note) + "</div>";
    html += "</li>\n";
  }
  html += "</ul>\n";
}

// A bar of character cells, which every mail program shows.
std::string MailBar(double share) {
  const auto width = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * 100));
  return fmt::format(
      "<table cellpadding=\"0\" cellspacing=\"0\" width=\"100\" style=\"border-collapse:collapse\">"
      "<tr><td width=\"{}\" height=\"8\" bgcolor=\"#0b5cad\" style=\"font-size:0\"></td>"
      "<td width=\"{}\" height=\"8\" bgcolor=\"#d9dee4\" style=\"font-size:0\"></td></tr></table>",
      width, 100 - width);
}

std::string MailColor(ReportTone tone) {
  if (tone == ReportTone::kGood) return "#1a6b34";
  if (tone == ReportTone::kBad) return "#b3201f";
  return tone == ReportTone::kSoft ? "#59626e" : "#1c2024";
}

void AppendMailTable(const ReportTable& table, std::string& html) {
  html += "<h3 style=\"font-size:15px;margin:16px 0 4px\">" + EscapeMarkup(table.title) + "</h3>\n";
  if (table.rows.empty()) {
    html += "<p style=\"color:#59626e\">n/a: " + EscapeMarkup(table.missing) + "</p>\n";
    return;
  }
  html +=
      "<table cellpadding=\"4\" cellspacing=\"0\" "
      "style=\"border-collapse:collapse;font-size:13px\">"
      "<tr>";
  for (const ReportColumn& column : table.columns) {
    html += fmt::format(
        "<th align=\"{}\" style=\"color:#59626e;border-bottom:1px solid #d9dee4\">{}</th>",
        column.numeric ? "right" : "left", EscapeMarkup(column.title));
  }
  html += "</tr>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      const bool bar = table.columns[i].id == "coverage" && row[i].number.has_value();
      html += fmt::format(
          "<td align=\"{}\" style=\"color:{};border-bottom:1px solid #d9dee4\">{}{}</td>",
          table.columns[i].numeric ? "right" : "left", MailColor(row[i].tone), CellHtml(row[i]),
          bar ? MailBar(*row[i].number) : "");
    }
    html += "</tr>\n";
  }
  html += "</table>\n";
}

}  // namespace

std::string RenderReportHtml(const Report& report) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'\">\n<title>{}: {}</title>\n<style>{}</style></head>\n<body>\n",
      EscapeMarkup(report.title), FormatReportPeriod(report.period), kStyle);
  html += "<header><h1>" + EscapeMarkup(report.title) + "</h1>\n<p>" +
          FormatReportPeriod(report.period) + "</p>\n";
  if (report.before) {
    html += "<p class=\"soft\">Compared with " + FormatReportPeriod(*report.before) + "</p>\n";
  }
  html += "<ul class=\"summary\">";
  for (const std::string& sentence : report.summary)
    html += "<li>" + EscapeMarkup(sentence) + "</li>";
  html += "</ul>\n<nav aria-label=\"Sections\">";
  for (const ReportSection& section : report.sections) {
    html += "<a href=\"#" + section.id + "\">" + EscapeMarkup(section.title) + "</a> ";
  }
  html += "</nav></header>\n<main>\n";
  AppendTiles(report, html);
  html +=
      "<p class=\"note\">In the charts: ▲ a deployment, ▼ one that did not last; grey ground: no "
      "samples.</p>\n";
  for (const ReportSection& section : report.sections) {
    html += fmt::format("<section aria-labelledby=\"{}\"><h2 id=\"{}\">{}</h2>\n", section.id,
                        section.id, EscapeMarkup(section.title));
    for (const std::string& note : section.notes) {
      html += "<p class=\"note\">" + EscapeMarkup(note) + "</p>\n";
    }
    for (const ReportTable& table : section.tables) AppendTable(table, html);
    for (const ReportChart& chart : section.charts) AppendChart(chart, report, html);
    html += "</section>\n";
  }
  return html + "</main>\n<footer><p>Figures from " + EscapeMarkup(report.source) +
         ". Times are UTC.</p></footer>\n"
         "</body></html>\n";
}

std::string RenderReportMailHtml(const Report& report) {
  std::string html =
      "<html><body style=\"font-family:sans-serif;color:#1c2024\">\n<h2 style=\"margin:0\">" +
      EscapeMarkup(report.title) + "</h2>\n<p>" + FormatReportPeriod(report.period) + "</p>\n<ul>";
  for (const std::string& sentence : report.summary)
    html += "<li>" + EscapeMarkup(sentence) + "</li>";
  html += "</ul>\n<p style=\"color:#59626e\">The charts are in the attached page.</p>\n";
  for (const ReportSection& section : report.sections) {
    if (section.id == "data") continue;
    for (const ReportTable& table : section.tables) AppendMailTable(table, html);
  }
  return html + "</body></html>\n";
}

}  // namespace tocsin::delivery
