// Groups and files as a whole.
#include <fmt/core.h>

#include <algorithm>

#include "engine/promql/function_table.h"
#include "engine/promql/parser.h"
#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"

namespace tocsin::lint {
namespace {

std::string Text(Duration duration) { return FormatPrometheusDuration(duration); }

// Calls `visit` with every rule and its places.
template <typename Visit>
void ForEachRule(const LintInput& input, const Visit& visit) {
  for (const RuleDocument& document : input.documents) {
    for (size_t g = 0; g < document.groups.size() && g < document.places.size(); ++g) {
      const GroupPlaces& places = document.places[g];
      for (size_t r = 0; r < document.groups[g].rules.size() && r < places.rules.size(); ++r) {
        visit(document, document.groups[g], document.groups[g].rules[r], places.rules[r]);
      }
    }
  }
}

TextPlace NamePlace(const RuleSpec& rule, const RulePlaces& places) {
  const auto found = places.fields.find(rule.alerting ? "alert" : "record");
  return found == places.fields.end() ? places.rule : found->second;
}

}  // namespace

void CheckComments(const LintInput& input, Reporter& report) {
  for (const RuleDocument& document : input.documents) {
    for (const ControlComment& comment : document.comments) {
      std::string message = comment.error;
      if (message.empty() && !comment.check.empty() && FindCheck(comment.check) == nullptr) {
        message = fmt::format("no check is called \"{}\"", comment.check);
      }
      if (message.empty()) continue;
      report.SayOf(document, {comment.line, 1}, nullptr,
                   {.message = std::move(message), .explanation = "The comment has no effect."});
    }
  }
}

void CheckGroupInterval(const LintInput& input, Reporter& report) {
  for (const RuleDocument& document : input.documents) {
    for (size_t g = 0; g < document.groups.size() && g < document.places.size(); ++g) {
      const RuleGroupSpec& group = document.groups[g];
      if (group.interval <= input.settings.lookback) continue;
      report.SayOf(
          document, document.places[g].interval, nullptr,
          {.message = fmt::format("group {}: an interval of {} is longer than the "
                                  "lookback of {}",
                                  group.name, Text(group.interval), Text(input.settings.lookback)),
           .explanation = "What its rules write goes stale before it is written again: "
                          "recorded series and ALERTS have gaps.",
           .write = "interval: " + Text(input.settings.lookback)});
    }
  }
}

void CheckDuplicates(const LintInput& input, Reporter& report) {
  struct First {
    const RuleDocument* document;
    TextPlace place;
    std::string query;
  };
  std::map<std::tuple<bool, std::string, LabelSet>, First> seen;
  ForEachRule(input, [&](const RuleDocument& document, const RuleGroupSpec&, const RuleSpec& rule,
                         const RulePlaces& places) {
    const TextPlace place = NamePlace(rule, places);
    const std::string query = promql::Print(rule.query->root());
    const auto [found, fresh] =
        seen.try_emplace({rule.alerting, rule.name, rule.labels}, First{&document, place, query});
    if (fresh) return;
    const First& first = found->second;
    // Two alerts of one name and label set may well mean two conditions; equal queries never do.
    const bool same = first.query == query;
    report.SayOf(document, place, &places,
                 {.message = fmt::format("{} is defined at {}:{} already, with the same labels{}",
                                         rule.name, first.document->file, first.place.line,
                                         same ? " and the same expression" : ""),
                  .explanation = rule.alerting
                                     ? "The Alertmanager cannot tell their alerts apart: each ends "
                                       "and changes the other's."
                                     : "Both write the same series, sample by sample in turn.",
                  .severity = same || !rule.alerting ? Severity::kError : Severity::kWarning});
  });
}

namespace {

// What the documents record, or alert on.
std::set<std::string> NamesOf(const std::vector<RuleDocument>& documents, bool alerting) {
  std::set<std::string> names;
  for (const RuleDocument& document : documents) {
    for (const RuleGroupSpec& group : document.groups) {
      for (const RuleSpec& rule : group.rules) {
        if (rule.alerting == alerting) names.insert(rule.name);
      }
    }
  }
  return names;
}

std::string_view AlertAskedFor(const promql::VectorSelector& selector) {
  if (!MetricOf(selector).starts_with("ALERTS")) return {};
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() == "alertname" && matcher.op() == MatchOp::kEqual) return matcher.value();
  }
  return {};
}

}  // namespace

void CheckDependency(const LintInput& input, Reporter& report) {
  if (input.base == nullptr) return;
  const std::set<std::string> recorded_before = NamesOf(*input.base, false);
  const std::set<std::string> alerts_before = NamesOf(*input.base, true);
  const std::set<std::string> recorded = NamesOf(input.documents, false);
  const std::set<std::string> alerts = NamesOf(input.documents, true);
  ForEachRule(input, [&](const RuleDocument& document, const RuleGroupSpec&, const RuleSpec& rule,
                         const RulePlaces& places) {
    for (const FoundSelector& found : SelectorsBelow(rule.query->root())) {
      const std::string metric(MetricOf(*found.selector));
      const std::string alert(AlertAskedFor(*found.selector));
      const bool lost_metric = recorded_before.contains(metric) && !recorded.contains(metric);
      const bool lost_alert = alerts_before.contains(alert) && !alerts.contains(alert);
      if (!lost_metric && !lost_alert) continue;
      report.SayOf(document, document.PlaceOf(places, *rule.query, found.expr->position.begin),
                   &places,
                   {.message = fmt::format("{} reads {}, which this change removes", rule.name,
                                           lost_metric ? metric : "ALERTS of " + alert),
                    .explanation = "It gives nothing any more, without any message.",
                    .subject = metric});
    }
  });
}

void CheckRestart(const LintInput& input, Reporter& report) {
  if (input.settings.target == RuleTarget::kTocsin) return;
  constexpr Duration kGracePeriod = std::chrono::minutes(10);
  for (const RuleDocument& document : input.documents) {
    for (size_t g = 0; g < document.groups.size() && g < document.places.size(); ++g) {
      const RuleGroupSpec& group = document.groups[g];
      const Duration interval = input.config == nullptr ? Duration(15000) : group.interval;
      const Duration held = 4 * std::max(interval, input.settings.resend_delay);
      std::string lost;
      std::string resolved;
      for (const RuleSpec& rule : group.rules) {
        if (!rule.alerting || rule.hold == Duration::zero() || rule.hold >= kGracePeriod) continue;
        lost += (lost.empty() ? "" : ", ") + rule.name;
        if (rule.hold >= held) resolved += (resolved.empty() ? "" : ", ") + rule.name;
      }
      if (lost.empty()) continue;
      Remark remark{
          .message = fmt::format("group {}: a restart of Prometheus forgets that these fire, as "
                                 "their `for` is below 10m: {}",
                                 group.name, lost),
          .explanation =
              "Prometheus restores only alerts with a `for` of at least "
              "--rules.alert.for-grace-period: a firing alert is pending again and "
              "starts anew.",
          .severity = Severity::kNote};
      if (!resolved.empty()) {
        remark.severity = Severity::kWarning;
        remark.explanation += fmt::format(
            "\nThe Alertmanager holds an alert for {}, so these are declared resolved and page "
            "once more, at every restart: {}.",
            Text(held), resolved);
      }
      remark.explanation +=
          "\ntocsin keeps all states over restarts: say `target: tocsin` in the "
          "lint configuration when only tocsin runs these rules.";
      report.SayOf(document, document.places[g].group, nullptr, std::move(remark));
    }
  }
}

void CheckRunbooks(const LintInput& input, Reporter& report) {
  for (const RuleDocument& document : input.documents) {
    size_t alerts = 0;
    size_t linked = 0;
    size_t owned = 0;
    for (const RuleGroupSpec& group : document.groups) {
      for (const RuleSpec& rule : group.rules) {
        if (!rule.alerting) continue;
        ++alerts;
        linked += std::ranges::any_of(rule.annotations, [](const LabelSet::Pair& annotation) {
          return annotation.first.find("runbook") != std::string::npos ||
                 annotation.first.find("dashboard") != std::string::npos;
        });
        owned +=
            rule.labels.Has("team") || rule.labels.Has("owner") || rule.annotations.Has("team");
      }
    }
    if (alerts == 0 || linked > 0) continue;
    report.SayOf(
        document, document.places.front().group, nullptr,
        {.message = fmt::format("none of the {} alerts has a runbook_url or a dashboard{}", alerts,
                                owned == 0 ? ", or says which team it is for" : ""),
         .explanation = "Who is woken by it does not know what to do.",
         .write = "annotations: {runbook_url: \"https://…\"}\nlabels: {team: …}",
         .severity = Severity::kNote});
  }
}

namespace {

struct Bar {
  const RuleDocument* document;
  const RuleSpec* rule;
  const RulePlaces* places;
  std::string what;  // metric and matchers
  bool change = false;
  double limit = 0;
};

std::vector<Bar> BarsOf(const LintInput& input) {
  std::vector<Bar> bars;
  ForEachRule(input, [&](const RuleDocument& document, const RuleGroupSpec&, const RuleSpec& rule,
                         const RulePlaces& places) {
    if (!rule.alerting) return;
    const std::vector<Threshold> thresholds = ThresholdsOf(rule.query->root());
    if (thresholds.size() != 1 || thresholds[0].op != promql::BinaryOp::kGreater) return;
    const std::string_view function = CalledFunction(*thresholds[0].value);
    const bool plain =
        promql::Unwrapped(*thresholds[0].value).As<promql::VectorSelector>() != nullptr;
    if (!plain && function != "increase" && function != "delta") return;
    const std::vector<FoundSelector> read = SelectorsBelow(*thresholds[0].value);
    if (read.size() != 1) return;
    bars.push_back({.document = &document,
                    .rule = &rule,
                    .places = &places,
                    .what = std::string(MetricOf(*read[0].selector)) + "{" +
                            MatcherText(*read[0].selector) + "}",
                    .change = read[0].expr->As<promql::MatrixSelector>() != nullptr,
                    .limit = thresholds[0].limit});
  });
  return bars;
}

}  // namespace

void CheckSeverityOrder(const LintInput& input, Reporter& report) {
  const std::vector<Bar> bars = BarsOf(input);
  for (const Bar& critical : bars) {
    if (critical.rule->labels.Get("severity") != "critical") continue;
    for (const Bar& warning : bars) {
      if (warning.rule->labels.Get("severity") != "warning" || warning.what != critical.what) {
        continue;
      }
      if (critical.limit > warning.limit || (warning.change && !critical.change)) continue;
      report.SayOf(
          *critical.document, NamePlace(*critical.rule, *critical.places), critical.places,
          {.message = fmt::format("{} is critical from {}{}, {} only a warning from {}",
                                  critical.rule->name, critical.change ? "a change of " : "",
                                  critical.limit, warning.rule->name, warning.limit),
           .explanation =
               fmt::format("Both read {}. What is less bad pages more loudly.", critical.what),
           .write = "labels: {severity: warning}",
           .severity = Severity::kNote});
    }
  }
}

}  // namespace tocsin::lint
