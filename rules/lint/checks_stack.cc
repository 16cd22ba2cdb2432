// Rules against what is watched and against the Alertmanager: jobs whose end nobody is told,
// severities that go nowhere, inhibitions that never hold.
#include <fmt/core.h>

#include <algorithm>

#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"

namespace tocsin::lint {
namespace {

struct Watch {
  bool all_jobs = false;         // up == 0 without a job
  bool watchdog = false;         // an alert that always fires
  std::set<std::string> down;    // jobs with up{job=…} == 0
  std::set<std::string> absent;  // jobs with absent(up{job=…})
  std::set<std::string> ups;     // <x>_up metrics
};

bool IsWatchdog(const RuleSpec& rule) {
  const promql::Expr& root = promql::Unwrapped(rule.query->root());
  return CalledFunction(root) == "vector" || root.type == promql::ValueType::kScalar;
}

void AddUp(const promql::VectorSelector& selector, bool absent, Watch& watch) {
  bool any = true;
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() != "job") continue;
    any = false;
    for (const std::string& job : matcher.literals()) {
      (absent ? watch.absent : watch.down).insert(job);
    }
  }
  if (any && !absent) watch.all_jobs = true;
}

Watch WatchOf(const LintInput& input) {
  Watch watch;
  for (const RuleDocument& document : input.documents) {
    for (const RuleGroupSpec& group : document.groups) {
      for (const RuleSpec& rule : group.rules) {
        if (!rule.alerting) continue;
        watch.watchdog |= IsWatchdog(rule);
        Walk(rule.query->root(), [&](const promql::Expr& expr, Ancestors above) {
          const promql::VectorSelector* selector = SelectorOf(expr);
          if (selector == nullptr) return;
          const std::string_view metric = MetricOf(*selector);
          const bool absent = Inside(above, "absent") || Inside(above, "absent_over_time");
          if (metric == "up") AddUp(*selector, absent, watch);
          if (metric.ends_with("_up") || metric == "probe_success") watch.ups.emplace(metric);
        });
      }
    }
  }
  return watch;
}

std::string WordOf(std::string_view source) {
  return std::string(source.substr(source.rfind(' ') + 1));
}

// The jobs that the rules read from: by their matchers, or by the collector that gives the metric.
std::set<std::string> JobsRead(const LintInput& input) {
  std::set<std::string> jobs;
  for (const RuleDocument& document : input.documents) {
    for (const RuleGroupSpec& group : document.groups) {
      for (const RuleSpec& rule : group.rules) {
        for (const FoundSelector& found : SelectorsBelow(rule.query->root())) {
          const std::string_view metric = MetricOf(*found.selector);
          if (metric == "up") continue;
          bool named = false;
          for (const Matcher& matcher : found.selector->matchers) {
            if (matcher.name() != "job") continue;
            named = true;
            jobs.insert(matcher.literals().begin(), matcher.literals().end());
          }
          const MetricShape* known = input.schema.Find(metric);
          if (named || known == nullptr) continue;
          if (known->source.starts_with("the collector ")) jobs.insert(WordOf(known->source));
          if (known->origin == Origin::kConvention) jobs.insert(JobOf(input));
        }
      }
    }
  }
  return jobs;
}

bool IsWatched(const std::string& job, const Watch& watch) {
  if (watch.all_jobs || watch.down.contains(job)) return true;
  const std::string up = (job == "postgres" ? std::string("pg") : job) + "_up";
  return watch.ups.contains(up);
}

std::string Listed(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

const RuleDocument* FirstWithRules(const LintInput& input) {
  for (const RuleDocument& document : input.documents) {
    if (!document.groups.empty() && !document.groups[0].rules.empty()) return &document;
  }
  return nullptr;
}

bool HasAlerts(const LintInput& input) {
  return std::ranges::any_of(input.documents, [](const RuleDocument& document) {
    return std::ranges::any_of(document.groups, [](const RuleGroupSpec& group) {
      return std::ranges::any_of(group.rules, &RuleSpec::alerting);
    });
  });
}

}  // namespace

void CheckLiveness(const LintInput& input, Reporter& report) {
  const RuleDocument* document = FirstWithRules(input);
  if (document == nullptr || !HasAlerts(input)) return;
  const Watch watch = WatchOf(input);
  std::set<std::string> unwatched;
  for (const std::string& job : JobsRead(input)) {
    if (!IsWatched(job, watch)) unwatched.insert(job);
  }
  if (unwatched.empty()) return;
  const std::string job = *unwatched.begin();
  std::string missing = "up == 0";
  if (watch.absent.empty()) missing += fmt::format(", absent(up{{job=\"{}\"}})", job);
  if (!watch.watchdog) missing += ", a Watchdog";
  report.SayOf(
      *document, document->places.front().group, nullptr,
      {.message = fmt::format("no alert tells that a target of {} is down: there is no {}",
                              Listed(unwatched), missing),
       .explanation = "A target that does not answer has no samples, and rules over nothing are "
                      "silent: the whole file goes quiet when it is needed most. A Watchdog is an "
                      "alert that always fires, so that somebody notices when alerting itself "
                      "stops.",
       .write = fmt::format("- alert: TargetDown\n  expr: up == 0\n  for: 2m\n"
                            "- alert: TargetMissing\n  expr: absent(up{{job=\"{}\"}})\n  for: 5m\n"
                            "- alert: Watchdog\n  expr: vector(1)",
                            job)});
}

void CheckUnwatched(const LintInput& input, Reporter& report) {
  const RuleDocument* document = FirstWithRules(input);
  if (document == nullptr || input.config == nullptr || !HasAlerts(input)) return;
  const std::set<std::string> read = JobsRead(input);
  std::set<std::string> idle;
  const auto add = [&](const std::string& job) {
    if (!read.contains(job)) idle.insert(job);
  };
  for (const ScrapeConfig& job : input.config->scrape_configs) add(job.job_name);
  const CollectorsConfig& collectors = input.config->collectors;
  if (!collectors.postgres.empty()) add("postgres");
  if (!collectors.redis.empty()) add("redis");
  if (!collectors.celery.empty()) add("celery");
  if (!collectors.nginx.empty()) add("nginx");
  if (collectors.node) add("node");
  if (idle.empty()) return;
  report.SayOf(*document, document->places.front().group, nullptr,
               {.message = fmt::format("jobs that no rule reads: {}", Listed(idle)),
                .explanation = "They are watched and nobody is told anything about them. "
                               "RedisDown, DiskFull and NginxDown are what one usually wants.",
                .write = "- alert: RedisDown\n  expr: redis_up == 0\n  for: 1m\n"
                         "- alert: NginxDown\n  expr: nginx_up == 0\n  for: 1m\n"
                         "- alert: DiskFull\n  expr: node_filesystem_avail_bytes / "
                         "node_filesystem_size_bytes < 0.1\n  for: 10m",
                .severity = Severity::kNote});
}

void CheckBlueGreen(const LintInput& input, Reporter& report) {
  const RuleDocument* document = FirstWithRules(input);
  if (document == nullptr || input.config == nullptr) return;
  for (const ScrapeConfig& job : input.config->scrape_configs) {
    bool blue = false;
    bool green = false;
    bool coloured = false;
    for (const StaticTargets& group : job.static_configs) {
      coloured |= group.labels.Has("color") || group.labels.Has("colour");
      for (const std::string& target : group.targets) {
        blue |= target.find("blue") != std::string::npos;
        green |= target.find("green") != std::string::npos;
      }
    }
    if (!blue || !green || coloured) continue;
    report.SayOf(*document, document->places.front().group, nullptr,
                 {.message = fmt::format("job {} has a blue and a green target without a label for "
                                         "the colour",
                                         job.job_name),
                  .explanation = "After a deployment one colour is stopped on purpose: it is down "
                                 "for ever, and up == 0 rings for it. Say which is which, and ask "
                                 "for at least one that is up.",
                  .write = fmt::format("expr: sum by (job) (up{{job=\"{}\"}}) == 0", job.job_name),
                  .severity = Severity::kNote});
  }
}

namespace {

// The labels that the rule's alerts have for sure.
LabelSet StaticLabels(const RuleContext& context) {
  LabelSet labels;
  for (const auto& [name, fact] : context.flow.root().labels) labels.Set(name, fact.value);
  for (const auto& [name, value] : context.rule.labels) {
    if (value.find("{{") == std::string::npos) labels.Set(name, value);
  }
  labels.Set("alertname", context.rule.name);
  return labels;
}

}  // namespace

void CheckRouting(const RuleContext& context, Reporter& report) {
  const AlertRouting* routing = context.input.routing;
  if (!context.rule.alerting || routing == nullptr || !routing->receivers) return;
  const std::string_view severity = context.rule.labels.Get("severity");
  const std::vector<std::string> receivers = routing->receivers(StaticLabels(context));
  const bool only_default = receivers.size() == 1 && receivers.front() == routing->default_receiver;
  if (!only_default) return;
  LabelSet other = StaticLabels(context);
  bool severities_are_routed = false;
  for (const char* value : {"critical", "warning", "info"}) {
    other.Set("severity", value);
    severities_are_routed |= routing->receivers(other) != receivers;
  }
  if (!severities_are_routed) return;
  report.Say({.label = "severity",
              .message = severity.empty()
                             ? fmt::format("no severity: goes to the receiver \"{}\"",
                                           routing->default_receiver)
                             : fmt::format("severity {} is not routed: goes to the receiver \"{}\"",
                                           severity, routing->default_receiver),
              .explanation = fmt::format("{} routes by severity, but no route takes this one.",
                                         routing->file)});
}

namespace {

struct KnownAlert {
  LabelSet labels;
  std::set<std::string> open;  // names whose value is not known before it fires
};

// Whether some alert of these labels matches all.
bool MayMatch(const KnownAlert& alert, const std::vector<Matcher>& matchers) {
  return std::ranges::all_of(matchers, [&](const Matcher& matcher) {
    return alert.open.contains(matcher.name()) || matcher.Matches(alert.labels.Get(matcher.name()));
  });
}

bool MayBeEqual(const KnownAlert& a, const KnownAlert& b, const std::vector<std::string>& names) {
  return std::ranges::all_of(names, [&](const std::string& name) {
    return a.open.contains(name) || b.open.contains(name) ||
           a.labels.Get(name) == b.labels.Get(name);
  });
}

std::vector<KnownAlert> AlertsOf(const LintInput& input) {
  std::vector<KnownAlert> alerts;
  for (const RuleDocument& document : input.documents) {
    for (const RuleGroupSpec& group : document.groups) {
      for (const RuleSpec& rule : group.rules) {
        if (!rule.alerting) continue;
        const LabelFlow flow(*rule.query, input.schema);
        KnownAlert alert;
        for (const auto& [name, fact] : flow.root().labels) {
          if (fact.value.empty()) alert.open.insert(name);
          alert.labels.Set(name, fact.value);
        }
        for (const auto& [name, value] : rule.labels) {
          alert.open.erase(name);
          alert.labels.Set(name, value);
        }
        alert.labels.Set("alertname", rule.name);
        alerts.push_back(std::move(alert));
      }
    }
  }
  return alerts;
}

}  // namespace

void CheckInhibitions(const LintInput& input, Reporter& report) {
  if (input.routing == nullptr || !HasAlerts(input)) return;
  const std::vector<KnownAlert> alerts = AlertsOf(input);
  RuleDocument document;
  document.file = input.routing->file;
  for (const AlertRouting::Inhibition& rule : input.routing->inhibitions) {
    const bool possible = std::ranges::any_of(alerts, [&](const KnownAlert& source) {
      return MayMatch(source, rule.source) &&
             std::ranges::any_of(alerts, [&](const KnownAlert& target) {
               return MayMatch(target, rule.target) && MayBeEqual(source, target, rule.equal);
             });
    });
    if (possible) continue;
    std::string equal;
    for (const std::string& name : rule.equal) equal += (equal.empty() ? "" : ", ") + name;
    report.SayOf(document, {rule.line, 1}, nullptr,
                 {.message = fmt::format("this inhibition never holds: no two alerts of the rules "
                                         "match it with equal {}",
                                         equal.empty() ? "labels" : equal),
                  .explanation = "Each alert of the rules has one severity, so that a critical and "
                                 "a warning one never have the same alertname.",
                  .write = "equal: [job, instance]"});
  }
}

}  // namespace tocsin::lint
