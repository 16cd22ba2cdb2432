// The backtest as one page: a picture in SVG with a row for each alert, and tables.
#include <fmt/core.h>

#include <algorithm>

#include "base/markup.h"
#include "cli/backtest_report.h"

namespace tocsin::cli {
namespace {

constexpr int kWidth = 1000;
constexpr int kLeft = 320;
constexpr int kRow = 22;
constexpr int kTop = 28;

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --faint: #d0d7de;
  --pending: #d4a72c; --firing: #cf222e; --old: #8c959f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --faint: #30363d; --pending: #d29922; --firing: #f85149;
    --old: #6e7681; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.grid { stroke: var(--faint); } .pending { fill: var(--pending); } .firing { fill: var(--firing); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem;
  border-bottom: 1px solid var(--faint); vertical-align: top; } td.n, th.n { text-align: right; }
.key { display: inline-block; width: .9em; height: .9em; border-radius: 2px; vertical-align: -1px; }
code { font-size: .9em; overflow-wrap: anywhere; }
)";

std::string Seconds(Duration duration) {
  return FormatPrometheusDuration(std::chrono::floor<std::chrono::seconds>(duration));
}

std::string LabelsText(const LabelSet& labels) {
  LabelSet others = labels;
  others.Remove("alertname");
  return others.ToString();
}

struct Row {
  std::string name;
  const BacktestAlert* alert;
};

std::vector<Row> RowsOf(const BacktestResult& result) {
  std::vector<Row> rows;
  for (const BacktestRule& rule : result.rules) {
    for (const BacktestAlert& alert : rule.alerts) rows.push_back({rule.name, &alert});
  }
  return rows;
}

double X(Timestamp at, const BacktestResult& result) {
  const double span = std::max(ToSeconds(result.to - result.from), 1.0);
  return kLeft + ToSeconds(at - result.from) / span * (kWidth - kLeft - 10);
}

std::string Axis(const BacktestResult& result, int height) {
  std::string svg;
  constexpr int kTicks = 5;
  for (int i = 0; i <= kTicks; ++i) {
    const Timestamp at = result.from + (result.to - result.from) / kTicks * i;
    const double x = X(at, result);
    const char* anchor = i == 0 ? "start" : i == kTicks ? "end" : "middle";
    svg += fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>)", x,
                       kTop - 8, height);
    svg += fmt::format(R"(<text x="{:.1f}" y="14" text-anchor="{}">{}</text>)", x, anchor,
                       FormatRfc3339(at).substr(5, 11));
    svg += "\n";
  }
  return svg;
}

std::string Bars(const Row& row, const BacktestResult& result, int y) {
  std::string svg;
  const std::vector<BacktestTransition>& all = row.alert->transitions;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].to == AlertPhase::kInactive) continue;
    const Timestamp end = i + 1 < all.size() ? all[i + 1].at : result.to;
    const double x = X(all[i].at, result);
    const bool firing = all[i].to == AlertPhase::kFiring;
    svg += fmt::format(
        R"(<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2"><title>{} {} for {}</title></rect>)",
        firing ? "firing" : "pending", x, firing ? y : y + 4, std::max(X(end, result) - x, 1.5),
        firing ? 14 : 6, firing ? "firing" : "pending", FormatRfc3339(all[i].at),
        Seconds(end - all[i].at));
    svg += "\n";
  }
  return svg;
}

// What does not fit into the column of names is cut.
std::string Shortened(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string Picture(const BacktestResult& result) {
  const std::vector<Row> rows = RowsOf(result);
  const int height = kTop + kRow * static_cast<int>(std::max<size_t>(rows.size(), 1)) + 6;
  std::string svg = fmt::format(
      R"(<svg viewBox="0 0 {} {}" role="img" aria-label="When each alert was pending and firing">)",
      kWidth, height);
  svg += "\n" + Axis(result, height);
  int y = kTop;
  for (const Row& row : rows) {
    const std::string name = row.name + " " + LabelsText(row.alert->labels);
    svg += fmt::format(R"(<text x="0" y="{}">{}<title>{}</title></text>)", y + 11,
                       EscapeMarkup(Shortened(name, 50)), EscapeMarkup(name));
    svg += "\n" + Bars(row, result, y);
    y += kRow;
  }
  if (rows.empty())
    svg += fmt::format(R"(<text x="0" y="{}">no alert in this time</text>)", y + 11);
  return svg + "</svg>\n";
}

std::string RuleTable(const BacktestResult& result) {
  std::string html =
      "<table><thead><tr><th>rule</th><th class=\"n\">pages</th><th class=\"n\">firing</th>"
      "<th class=\"n\">flaps</th><th class=\"n\">alerts</th><th></th></tr></thead><tbody>\n";
  for (const BacktestRule& rule : result.rules) {
    if (!rule.alerting) continue;
    const std::string failed = rule.failures == 0
                                   ? ""
                                   : fmt::format("{} of {} evaluations failed: {}", rule.failures,
                                                 rule.evaluations, rule.first_error);
    html += fmt::format(
        "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td><td>{}</td></tr>\n",
        EscapeMarkup(rule.name), rule.pages, Seconds(rule.firing), rule.flaps, rule.alerts.size(),
        EscapeMarkup(failed));
  }
  return html + "</tbody></table>\n";
}

std::string PageTable(const BacktestResult& result) {
  std::string html =
      "<table><thead><tr><th>fired</th><th class=\"n\">for</th><th>alert</th><th>text</th></tr>"
      "</thead><tbody>\n";
  struct Page {
    Timestamp at;
    Duration length;
    Row row;
  };
  std::vector<Page> pages;
  for (const Row& row : RowsOf(result)) {
    const auto& all = row.alert->transitions;
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].to != AlertPhase::kFiring) continue;
      const Timestamp end = i + 1 < all.size() ? all[i + 1].at : result.to;
      pages.push_back({all[i].at, end - all[i].at, row});
    }
  }
  std::ranges::stable_sort(pages, {}, &Page::at);
  constexpr size_t kMaxPages = 500;
  const size_t shown = std::min(pages.size(), kMaxPages);
  for (size_t i = 0; i < shown; ++i) {
    const Page& page = pages[i];
    std::string text;
    for (const auto& [name, value] : page.row.alert->annotations) {
      if (name == "summary" || name == "description") text += (text.empty() ? "" : " — ") + value;
    }
    html += fmt::format(
        "<tr><td>{}</td><td class=\"n\">{}</td><td>{} <code>{}</code></td><td>{}</td></tr>\n",
        FormatRfc3339(page.at).substr(0, 19), Seconds(page.length), EscapeMarkup(page.row.name),
        EscapeMarkup(LabelsText(page.row.alert->labels)), EscapeMarkup(text));
  }
  html += "</tbody></table>\n";
  if (shown < pages.size()) html += fmt::format("<p>… and {} more</p>\n", pages.size() - shown);
  return html;
}

std::string SweepTable(const std::vector<SweepRow>& sweep) {
  if (sweep.empty()) return "";
  std::string html =
      "<h2>What if</h2>\n<table><thead><tr><th>change</th><th class=\"n\">pages</th>"
      "<th class=\"n\">flaps</th><th class=\"n\">firing</th></tr></thead><tbody>\n";
  for (const SweepRow& row : sweep) {
    html += fmt::format(
        "<tr><td><code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td></tr>\n",
        EscapeMarkup(row.change.ToString()), row.pages, row.flaps, Seconds(row.firing));
  }
  return html + "</tbody></table>\n";
}

std::string DifferenceTable(const BacktestReport& report) {
  if (!report.old) return "";
  std::string html = "<h2>Against the old file</h2>\n";
  if (report.differences.empty()) return html + "<p>Both do the same over this time.</p>\n";
  html +=
      "<table><thead><tr><th>alert</th><th class=\"n\">old pages</th><th class=\"n\">new pages</th>"
      "<th class=\"n\">old firing</th><th class=\"n\">new firing</th></tr></thead><tbody>\n";
  for (const BacktestDifference& difference : report.differences) {
    const auto pages = [](const BacktestAlert* a) { return a == nullptr ? 0 : a->pages; };
    const auto firing = [](const BacktestAlert* a) {
      return Seconds(a == nullptr ? Duration::zero() : a->firing);
    };
    html += fmt::format(
        "<tr><td>{} <code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td>"
        "<td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
        EscapeMarkup(difference.rule), EscapeMarkup(LabelsText(difference.labels)),
        pages(difference.before), pages(difference.after), firing(difference.before),
        firing(difference.after));
  }
  html += "</tbody></table>\n<h2>The old file</h2>\n";
  return html + Picture(*report.old);
}

}  // namespace

std::string RenderBacktestHtml(const BacktestReport& report) {
  const BacktestResult& result = report.result;
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n";
  html += "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Backtest</title>\n";
  html += fmt::format("<style>{}</style></head>\n<body>\n<h1>Backtest</h1>\n", kStyle);
  html += fmt::format("<p>{} to {}", FormatRfc3339(result.from), FormatRfc3339(result.to));
  for (const RuleChange& change : report.changes) {
    html += fmt::format("<br>with <code>{}</code>", EscapeMarkup(change.ToString()));
  }
  html +=
      "</p>\n<p><span class=\"key\" style=\"background: var(--pending)\"></span> pending &nbsp; "
      "<span class=\"key\" style=\"background: var(--firing)\"></span> firing</p>\n";
  html += Picture(result) + "<h2>Rules</h2>\n" + RuleTable(result);
  html += SweepTable(report.sweep) + DifferenceTable(report);
  html += "<h2>Pages</h2>\n" + PageTable(result) + "</body>\n</html>\n";
  return html;
}

}  // namespace tocsin::cli
