#include "cli/backtest_report.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/json.h"
#include "cli/terminal.h"
#include "engine/promql/result_json.h"
#include "rules/backtest/backtest_json.h"

namespace tocsin::cli {
namespace {

// A span of time in one state.
struct Bar {
  AlertPhase phase;
  Timestamp begin;
  Timestamp end;
  bool over = true;
};

std::vector<Bar> BarsOf(const BacktestAlert& alert, Timestamp end) {
  std::vector<Bar> bars;
  for (size_t i = 0; i < alert.transitions.size(); ++i) {
    const BacktestTransition& transition = alert.transitions[i];
    if (transition.to == AlertPhase::kInactive) continue;
    const bool last = i + 1 == alert.transitions.size();
    bars.push_back({transition.to, transition.at, last ? end : alert.transitions[i + 1].at, !last});
  }
  return bars;
}

std::string Text(Duration duration) {
  return FormatPrometheusDuration(std::chrono::floor<std::chrono::seconds>(duration));
}

std::string LabelsText(const LabelSet& labels) {
  LabelSet others = labels;
  others.Remove("alertname");
  return others.ToString();
}

// --- text ------------------------------------------------------------------------------------

std::string BarText(const BacktestAlert& alert, const BacktestResult& result, int width,
                    bool colors) {
  std::vector<AlertPhase> cells(static_cast<size_t>(width), AlertPhase::kInactive);
  const double span = std::max(ToSeconds(result.to - result.from), 1.0);
  for (const Bar& bar : BarsOf(alert, result.to)) {
    const auto cell = [&](Timestamp at) {
      const double part = ToSeconds(at - result.from) / span;
      return std::clamp(static_cast<int>(part * width), 0, width - 1);
    };
    for (int i = cell(bar.begin); i <= cell(bar.end); ++i) {
      AlertPhase& phase = cells[static_cast<size_t>(i)];
      phase = std::max(phase, bar.phase);
    }
  }
  std::string text;
  for (const AlertPhase phase : cells) {
    switch (phase) {
      case AlertPhase::kInactive:
        text += "·";
        break;
      case AlertPhase::kPending:
        text += Colored("░", Color::kYellow, colors);
        break;
      case AlertPhase::kFiring:
        text += Colored("█", Color::kRed, colors);
        break;
    }
  }
  return text;
}

std::string Figures(size_t pages, Duration firing, size_t flaps) {
  return fmt::format("{} page{}, firing for {}, {} flap{}", pages, pages == 1 ? "" : "s",
                     Text(firing), flaps, flaps == 1 ? "" : "s");
}

std::string RuleText(const BacktestRule& rule, const BacktestResult& result, int width,
                     bool colors) {
  std::string text = Colored(rule.name, Color::kBold, colors) + ": " +
                     Figures(rule.pages, rule.firing, rule.flaps) + "\n";
  if (rule.failures > 0) {
    text += fmt::format("  {} of {} evaluations failed: {}\n", rule.failures, rule.evaluations,
                        rule.first_error);
  }
  for (const BacktestAlert& alert : rule.alerts) {
    text += "  " + BarText(alert, result, width, colors) + " " + LabelsText(alert.labels) + "\n";
    for (const Bar& bar : BarsOf(alert, result.to)) {
      if (bar.phase != AlertPhase::kFiring) continue;
      text += Colored(fmt::format("    {} fires for {}{}", FormatRfc3339(bar.begin).substr(0, 19),
                                  Text(bar.end - bar.begin), bar.over ? "" : ", still at the end"),
                      Color::kDim, colors) +
              "\n";
    }
  }
  return text;
}

std::string SweepText(const std::vector<SweepRow>& sweep) {
  if (sweep.empty()) return "";
  std::string text =
      fmt::format("\n{:<40} {:>6} {:>6} {:>12}\n", "change", "pages", "flaps", "firing");
  for (const SweepRow& row : sweep) {
    text += fmt::format("{:<40} {:>6} {:>6} {:>12}\n", row.change.ToString(), row.pages, row.flaps,
                        Text(row.firing));
  }
  return text;
}

std::string SideText(const BacktestAlert* alert) {
  return alert == nullptr ? "nothing" : Figures(alert->pages, alert->firing, alert->flaps);
}

std::string DifferencesText(const BacktestReport& report) {
  if (!report.old) return "";
  if (report.differences.empty()) return "\nboth files do the same over this time\n";
  std::string text = fmt::format("\n{} alerts differ:\n", report.differences.size());
  for (const BacktestDifference& difference : report.differences) {
    text += fmt::format("  {} {}\n    old: {}\n    new: {}\n", difference.rule,
                        LabelsText(difference.labels), SideText(difference.before),
                        SideText(difference.after));
  }
  return text;
}

}  // namespace

std::string RenderBacktestText(const BacktestReport& report, int width, bool colors) {
  const BacktestResult& result = report.result;
  size_t pages = 0;
  size_t rules = 0;
  std::string quiet;
  std::string text =
      fmt::format("{} to {}\n", FormatRfc3339(result.from), FormatRfc3339(result.to));
  for (const RuleChange& change : report.changes) text += "with " + change.ToString() + "\n";
  text += "\n";
  for (const BacktestRule& rule : result.rules) {
    if (rule.alerting) ++rules;
    pages += rule.pages;
    if (rule.alerts.empty() && rule.failures == 0) {
      if (rule.alerting) quiet += (quiet.empty() ? "" : ", ") + rule.name;
      continue;
    }
    text += RuleText(rule, result, width, colors);
  }
  if (!quiet.empty()) text += "quiet: " + quiet + "\n";
  text += fmt::format("{} alerting rules, {} pages, {} evaluations\n", rules, pages,
                      result.evaluations);
  return text + SweepText(report.sweep) + DifferencesText(report);
}

// --- findings --------------------------------------------------------------------------------

namespace {

std::string AlertLines(const BacktestRule& rule) {
  constexpr size_t kMost = 10;
  std::string lines;
  size_t paging = 0;
  for (const BacktestAlert& alert : rule.alerts) {
    if (alert.pages == 0 || ++paging > kMost) continue;
    lines += (lines.empty() ? "" : "\n") + LabelsText(alert.labels) + ": " +
             Figures(alert.pages, alert.firing, alert.flaps);
  }
  if (paging > kMost) lines += fmt::format("\nand {} more", paging - kMost);
  return lines;
}

const BacktestRule* RuleNamed(const BacktestResult& result, std::string_view name) {
  const auto found = std::ranges::find(result.rules, name, &BacktestRule::name);
  return found == result.rules.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Finding> BacktestFindings(const BacktestReport& report) {
  std::vector<Finding> findings;
  for (const BacktestRule& rule : report.result.rules) {
    Finding finding{.severity = Severity::kNote, .file = rule.file, .line = rule.line};
    if (rule.failures > 0) {
      finding.severity = Severity::kWarning;
      finding.check = "backtest/failures";
      finding.message = fmt::format("{}: {} of {} evaluations failed: {}", rule.name, rule.failures,
                                    rule.evaluations, rule.first_error);
    } else if (rule.pages > 0) {
      finding.check = "backtest/pages";
      finding.message = rule.name + ": " + Figures(rule.pages, rule.firing, rule.flaps);
      finding.explanation = AlertLines(rule);
    } else {
      continue;
    }
    findings.push_back(std::move(finding));
  }
  for (const BacktestDifference& difference : report.differences) {
    const BacktestRule* const rule = RuleNamed(report.result, difference.rule);
    findings.push_back(
        {.severity = Severity::kNote,
         .check = "backtest/difference",
         .file = rule == nullptr ? "" : rule->file,
         .line = rule == nullptr ? 0 : rule->line,
         .message =
             fmt::format("{} {}: old: {}; new: {}", difference.rule, LabelsText(difference.labels),
                         SideText(difference.before), SideText(difference.after))});
  }
  return findings;
}

// --- JSON ------------------------------------------------------------------------------------

namespace {

void WriteSide(JsonWriter& json, std::string_view key, const BacktestAlert* alert) {
  json.Key(key);
  if (alert == nullptr) {
    json.Null();
  } else {
    WriteBacktestAlert(json, *alert);
  }
}

}  // namespace

std::string RenderBacktestJson(const BacktestReport& report) {
  JsonWriter json;
  json.BeginObject();
  WriteBacktestResult(json, report.result);
  json.Key("changes").BeginArray();
  for (const RuleChange& change : report.changes) json.String(change.ToString());
  json.EndArray().Key("sweep").BeginArray();
  for (const SweepRow& row : report.sweep) {
    json.BeginObject().Field("change", row.change.ToString());
    json.Field("pages", static_cast<uint64_t>(row.pages));
    json.Field("flaps", static_cast<uint64_t>(row.flaps));
    json.Field("alerts", static_cast<uint64_t>(row.alerts));
    json.Field("firingSeconds", ToSeconds(row.firing)).EndObject();
  }
  json.EndArray();
  if (report.old) {
    json.Key("differences").BeginArray();
    for (const BacktestDifference& difference : report.differences) {
      json.BeginObject().Field("rule", difference.rule).Key("labels");
      promql::WriteLabels(json, difference.labels);
      WriteSide(json, "old", difference.before);
      WriteSide(json, "new", difference.after);
      json.EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
  return json.Take() + "\n";
}

}  // namespace tocsin::cli
