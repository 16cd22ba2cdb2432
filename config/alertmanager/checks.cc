#include "config/alertmanager/checks.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace tocsin::alertmanager {
namespace {

Finding Warning(const Configuration& configuration, Place place, std::string_view check,
                std::string message) {
  return {.severity = Severity::kWarning,
          .check = std::string(check),
          .file = configuration.path,
          .line = place.line,
          .column = place.column,
          .message = std::move(message)};
}

void Collect(const Route& route, std::set<std::string>& receivers) {
  receivers.insert(route.receiver);
  for (const Route& child : route.routes) Collect(child, receivers);
}

// "a, b and 3 more"
std::string Some(const std::set<std::string>& names) {
  constexpr size_t kShown = 4;
  std::string text;
  size_t shown = 0;
  for (const std::string& name : names) {
    if (shown == kShown) return text + fmt::format(" and {} more", names.size() - kShown);
    text += (shown++ == 0 ? "" : ", ") + name;
  }
  return text;
}

// Receivers nobody hears the end of an alert from.
void CheckSendResolved(const Configuration& configuration, std::vector<Finding>& findings) {
  for (const Receiver& receiver : configuration.receivers) {
    const bool all_off = !receiver.integrations.empty() &&
                         std::ranges::none_of(receiver.integrations, &Integration::send_resolved);
    if (!all_off) continue;
    Finding finding =
        Warning(configuration, receiver.integrations.front().place, "alertmanager/send_resolved",
                fmt::format("receiver \"{}\" never tells that an alert is over", receiver.name));
    finding.explanation =
        "send_resolved is false for all it has; that is the default of email, "
        "Slack, WeChat and Rocket.Chat";
    finding.fix =
        fmt::format("{}: [{{send_resolved: true, …}}]", receiver.integrations.front().field);
    findings.push_back(std::move(finding));
  }
}

void CheckUnused(const Configuration& configuration, const std::vector<AlertShape>& alerts,
                 std::vector<Finding>& findings) {
  std::set<std::string> routed;
  Collect(configuration.root, routed);
  std::set<std::string> reached;
  for (const AlertShape& alert : alerts) {
    for (const std::string& name : ReceiversOf(PossibleRoutes(configuration.root, alert))) {
      reached.insert(name);
    }
  }
  for (const Receiver& receiver : configuration.receivers) {
    if (!routed.contains(receiver.name)) {
      Finding finding = Warning(configuration, receiver.place, "alertmanager/unused_receiver",
                                fmt::format("no route leads to receiver \"{}\"", receiver.name));
      finding.fix = "add a route, or remove the receiver";
      findings.push_back(std::move(finding));
    } else if (!alerts.empty() && !reached.contains(receiver.name)) {
      Finding finding =
          Warning(configuration, receiver.place, "alertmanager/unreachable_receiver",
                  fmt::format("no alert of the rules can reach receiver \"{}\"", receiver.name));
      finding.explanation =
          fmt::format("all {} alerts take other routes; it is kept only for alerts without a rule",
                      alerts.size());
      finding.fix = "leave it as a net for what nobody thought of, or route something to it";
      findings.push_back(std::move(finding));
    }
  }
}

// Alerts whose severity no route names go to the default, which is rarely what was meant.
void CheckUnrouted(const Configuration& configuration, const std::vector<AlertShape>& alerts,
                   std::vector<Finding>& findings) {
  if (configuration.root.routes.empty()) return;
  std::set<std::string> names;
  for (const AlertShape& alert : alerts) {
    const std::vector<RoutePath> routes = PossibleRoutes(configuration.root, alert);
    if (routes.size() == 1 && routes.front().size() == 1 && alert.known.Has("severity")) {
      names.insert(fmt::format("{} (severity={})", alert.name, alert.known.Get("severity")));
    }
  }
  if (names.empty()) return;
  Finding finding = Warning(configuration, configuration.root.place, "alertmanager/unrouted",
                            "alerts that only the default route takes: " + Some(names));
  finding.explanation = "no route names their severity";
  finding.fix = "add a route for that severity, or correct the label in the rules";
  findings.push_back(std::move(finding));
}

std::set<std::string> NamesThatFit(const std::vector<Matcher>& matchers,
                                   const std::vector<AlertShape>& alerts) {
  std::set<std::string> names;
  for (const AlertShape& alert : alerts) {
    if (FitOf(matchers, alert) != Fit::kNever) names.insert(alert.name);
  }
  return names;
}

std::string WhyNever(const InhibitRule& rule, const std::vector<AlertShape>& alerts) {
  const std::set<std::string> sources = NamesThatFit(rule.source, alerts);
  const std::set<std::string> targets = NamesThatFit(rule.target, alerts);
  if (sources.empty()) return "no alert is a source: " + MatchersText(rule.source);
  if (targets.empty()) return "no alert is a target: " + MatchersText(rule.target);
  std::string equal;
  for (const std::string& label : rule.equal) equal += (equal.empty() ? "" : ", ") + label;
  return fmt::format("sources: {}; targets: {}; but no source and target agree in all of: {}",
                     Some(sources), Some(targets), equal);
}

void CheckInhibition(const Configuration& configuration, const std::vector<AlertShape>& alerts,
                     std::vector<Finding>& findings) {
  if (alerts.empty()) return;
  for (const InhibitRule& rule : configuration.inhibit_rules) {
    const bool possible = std::ranges::any_of(alerts, [&](const AlertShape& source) {
      return std::ranges::any_of(
          alerts, [&](const AlertShape& target) { return MayInhibit(rule, source, target); });
    });
    if (possible) continue;
    Finding finding = Warning(configuration, rule.place, "alertmanager/impossible_inhibition",
                              "this inhibit rule can never silence an alert");
    finding.explanation = WhyNever(rule, alerts);
    finding.fix = std::ranges::find(rule.equal, "alertname") != rule.equal.end()
                      ? "leave alertname out of `equal`, or give the alert a second rule with the "
                        "other severity"
                      : "correct the matchers";
    findings.push_back(std::move(finding));
  }
}

}  // namespace

std::vector<Finding> CheckConfiguration(const Configuration& configuration,
                                        const std::vector<AlertShape>& alerts) {
  std::vector<Finding> findings;
  CheckSendResolved(configuration, findings);
  CheckUnused(configuration, alerts, findings);
  CheckUnrouted(configuration, alerts, findings);
  CheckInhibition(configuration, alerts, findings);
  std::ranges::stable_sort(findings, {}, &Finding::line);
  return findings;
}

}  // namespace tocsin::alertmanager
