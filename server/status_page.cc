#include <fmt/core.h>

#include <algorithm>

#include "base/go_float.h"
#include "base/markup.h"
#include "rules/state_texts.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"
#include "server/html.h"

namespace tocsin::server {
namespace {

struct Counts {
  size_t firing = 0;
  size_t pending = 0;
  size_t rules = 0;
  size_t broken_rules = 0;
  size_t targets = 0;
  size_t down = 0;
};

std::string State(std::string_view name) {
  return fmt::format("<span class=\"state {0}\">{0}</span>", name);
}

// Why the alert is in its state, and what happens next.
std::string Reason(const ProcessView& view, const RuleSnapshot& rule, const AlertSnapshot& alert) {
  std::string text = "condition holds since " + Ago(view, alert.active_at);
  if (alert.phase == AlertPhase::kPending) {
    text += ", fires after " + FormatPrometheusDuration(rule.hold);
  } else if (alert.keep_firing_since) {
    text = "condition ended " + Ago(view, *alert.keep_firing_since) + ", kept firing for " +
           FormatPrometheusDuration(rule.keep_firing_for);
  } else if (alert.fired_at) {
    text += ", fires since " + Ago(view, *alert.fired_at);
  }
  text += alert.last_sent_at ? ", last told the Alertmanagers " + Ago(view, *alert.last_sent_at)
                             : std::string();
  return text;
}

void AddAlertRows(const ProcessView& view, const RuleSnapshot& rule, AlertPhase phase,
                  std::string& out) {
  for (const AlertSnapshot& alert : rule.alerts) {
    if (alert.phase != phase) continue;
    out += fmt::format("<tr><td>{}</td><td>{}<p class=\"note\"><code>{}</code></p></td><td>{}</td>",
                       State(PhaseText(alert.phase)), EscapeMarkup(rule.name),
                       EscapeMarkup(alert.labels.ToString()), EscapeMarkup(FormatGoV(alert.value)));
    out += "<td>" + EscapeMarkup(Reason(view, rule, alert));
    for (const auto& [name, value] : alert.annotations) {
      out += fmt::format("<p class=\"note\">{}: {}</p>", EscapeMarkup(name), EscapeMarkup(value));
    }
    out += "</td></tr>\n";
  }
}

std::string AlertsSection(const ProcessView& view, const RulesSnapshot& rules) {
  std::string rows;
  for (const AlertPhase phase : {AlertPhase::kFiring, AlertPhase::kPending}) {
    for (const RuleGroupSnapshot& group : rules.groups) {
      for (const RuleSnapshot& rule : group.rules) AddAlertRows(view, rule, phase, rows);
    }
  }
  if (rows.empty()) return "<h2>Alerts</h2>\n<p>No alert is pending or firing.</p>\n";
  return "<h2>Alerts</h2>\n<div class=\"table\"><table><thead><tr><th scope=\"col\">State</th>"
         "<th scope=\"col\">Alert</th><th scope=\"col\">Value</th><th scope=\"col\">Why</th></tr>"
         "</thead>\n<tbody>\n" +
         rows + "</tbody></table></div>\n";
}

std::string RuleState(const RuleSnapshot& rule) {
  if (rule.health == RuleHealth::kError) return State("err");
  if (rule.health == RuleHealth::kUnknown) return State("unknown");
  return rule.alerting ? State(PhaseText(rule.phase)) : State("ok");
}

void AddRuleRow(const ProcessView& view, const RuleSnapshot& rule, std::string& out) {
  out += fmt::format("<tr><td>{}</td><td>{}<p class=\"note\"><code>{}</code></p>", RuleState(rule),
                     EscapeMarkup(rule.name), EscapeMarkup(rule.query));
  if (!rule.last_error.empty()) {
    out += fmt::format("<p class=\"problem\">{}</p>", EscapeMarkup(rule.last_error));
  }
  out += fmt::format("</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                     rule.alerting ? FormatPrometheusDuration(rule.hold) : "",
                     EscapeMarkup(Ago(view, rule.last_evaluation)), rule.samples);
}

std::string RulesSection(const ProcessView& view, const RulesSnapshot& rules) {
  std::string out = "<h2>Rules</h2>\n";
  if (rules.groups.empty()) return out + "<p>There are no rules.</p>\n";
  for (const RuleGroupSnapshot& group : rules.groups) {
    out += fmt::format(
        "<div class=\"table\"><table><caption>{} in {}, every {}</caption>\n"
        "<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Rule</th>"
        "<th scope=\"col\">For</th><th scope=\"col\">Evaluated</th><th scope=\"col\">Results</th>"
        "</tr></thead>\n<tbody>\n",
        EscapeMarkup(group.name), EscapeMarkup(group.file),
        FormatPrometheusDuration(group.interval));
    for (const RuleSnapshot& rule : group.rules) AddRuleRow(view, rule, out);
    out += "</tbody></table></div>\n";
  }
  return out;
}

std::string TargetsSection(const ProcessView& view, const TargetsSnapshot& targets) {
  std::string out = "<h2>Targets</h2>\n";
  if (targets.active.empty()) return out + "<p>Nothing is watched.</p>\n";
  out +=
      "<div class=\"table\"><table><thead><tr><th scope=\"col\">State</th>"
      "<th scope=\"col\">Target</th><th scope=\"col\">Job</th><th scope=\"col\">Collected</th>"
      "<th scope=\"col\">Took</th><th scope=\"col\">Samples</th></tr></thead>\n<tbody>\n";
  for (const TargetSnapshot& target : targets.active) {
    out += fmt::format("<tr><td>{}</td><td><code>{}</code>", State(HealthText(target.health)),
                       EscapeMarkup(target.scrape_url));
    if (!target.last_error.empty()) {
      out += fmt::format("<p class=\"problem\">{}</p>", EscapeMarkup(target.last_error));
    }
    out += fmt::format("</td><td>{}</td><td>{}, every {}</td><td>{} ms</td><td>{}</td></tr>\n",
                       EscapeMarkup(target.labels.Get("job")),
                       EscapeMarkup(Ago(view, target.last_scrape)),
                       FormatPrometheusDuration(target.interval), target.last_duration.count(),
                       target.last_samples);
  }
  return out + "</tbody></table></div>\n";
}

std::string AlertmanagersSection(const ProcessView& view) {
  const AlertmanagersSnapshot snapshot = view.alertmanagers();
  std::string out = "<h2>Alertmanagers</h2>\n";
  if (snapshot.active.empty()) {
    return out + fmt::format("<p>Nobody is told of alerts: {}.</p>\n",
                             EscapeMarkup(snapshot.nobody_because));
  }
  out +=
      "<div class=\"table\"><table><thead><tr><th scope=\"col\">Address</th>"
      "<th scope=\"col\">Delivered</th><th scope=\"col\">Failed requests</th>"
      "<th scope=\"col\">Waiting</th><th scope=\"col\">Last success</th></tr></thead>\n<tbody>\n";
  for (const AlertmanagerSnapshot& one : snapshot.active) {
    out += fmt::format("<tr><td><code>{}</code>", EscapeMarkup(one.url));
    if (!one.last_error.empty()) {
      out += fmt::format("<p class=\"problem\">{}</p>", EscapeMarkup(one.last_error));
    }
    out += fmt::format("</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", one.sent,
                       one.failed, one.queued, EscapeMarkup(Ago(view, one.last_success)));
  }
  return out + "</tbody></table></div>\n";
}

Counts Count(const RulesSnapshot& rules, const TargetsSnapshot& targets) {
  Counts counts;
  for (const RuleGroupSnapshot& group : rules.groups) {
    for (const RuleSnapshot& rule : group.rules) {
      ++counts.rules;
      counts.broken_rules += rule.health == RuleHealth::kError ? 1 : 0;
      for (const AlertSnapshot& alert : rule.alerts) {
        counts.firing += alert.phase == AlertPhase::kFiring ? 1 : 0;
        counts.pending += alert.phase == AlertPhase::kPending ? 1 : 0;
      }
    }
  }
  counts.targets = targets.active.size();
  counts.down = static_cast<size_t>(
      std::ranges::count(targets.active, TargetHealth::kDown, &TargetSnapshot::health));
  return counts;
}

std::string Summary(const ProcessView& view, const Counts& counts) {
  std::string out = fmt::format(
      "<h1>{}</h1>\n<div class=\"summary\">\n<p>{} firing, {} pending</p>\n"
      "<p>{} rules, {} with errors</p>\n<p>{} targets, {} down</p>\n",
      counts.firing > 0 ? "Alerts are firing" : "Status", counts.firing, counts.pending,
      counts.rules, counts.broken_rules, counts.targets, counts.down);
  const RuntimeInfo info = view.runtime();
  out += fmt::format("<p>{} series</p>\n<p>running since {}</p>\n", info.series,
                     EscapeMarkup(Ago(view, info.start_time)));
  if (!info.last_reload_ok) {
    out += fmt::format(
        "<p class=\"problem\">The last reload failed, the configuration before it is in force: "
        "{}</p>\n",
        EscapeMarkup(info.last_reload_error));
  }
  return out + "</div>\n";
}

}  // namespace

HttpServerResponse HandleStatusPage(const ProcessView& view, const HttpServerRequest& /*request*/) {
  const std::shared_ptr<const RulesSnapshot> rules = view.rules();
  const TargetsSnapshot targets = view.targets();
  const Counts counts = Count(*rules, targets);
  const std::string title =
      counts.firing > 0 ? fmt::format("({} firing) tocsin", counts.firing) : "tocsin";
  return HtmlPage(view, title,
                  Summary(view, counts) + AlertsSection(view, *rules) +
                      TargetsSection(view, targets) + RulesSection(view, *rules) +
                      AlertmanagersSection(view));
}

}  // namespace tocsin::server
