// tocsin rules eval: rules now, or at some time, without loading them anywhere.
#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "base/go_float.h"
#include "base/json.h"
#include "cli/alert_routing.h"
#include "cli/commands.h"
#include "cli/features.h"
#include "cli/findings_report.h"
#include "cli/history_source.h"
#include "cli/server_client.h"
#include "cli/temporary_app.h"
#include "cli/terminal.h"
#include "config/alertmanager/routing.h"
#include "engine/model/relabel.h"
#include "engine/promql/result_json.h"
#include "rules/evaluate_once.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--once",
     .help = "A single evaluation: alerts with a `for` are pending. Else the time that `for` needs "
             "is evaluated too."},
    {.name = "--at",
     .value = "TIME",
     .help = "RFC 3339, seconds or -10m (default: now; with --input, its last sample)."},
    {.name = "--collect",
     .value = "DURATION",
     .help =
         "Collect here and now for so long, as --config.file says, instead of asking a server."},
    {.name = "--config.file",
     .value = "FILE",
     .help = "What is collected, external labels and intervals."},
    kReportFormatFlag,
    kAlertmanagerConfigFlag,
    kServerFlag,
    kInputFlag,
    kEnableFeatureFlag,
};

struct Setup {
  promql::EngineOptions engine;
  std::optional<Config> config;
  std::vector<RuleGroupSpec> groups;
  EvaluateOnceOptions options;
};

Result<Setup> Prepare(const Arguments& arguments, CommandContext& context) {
  Setup setup;
  ASSIGN_OR_RETURN(setup.engine, ParseFeatures(arguments.All("--enable-feature")));
  RuleDefaults defaults{.parser = setup.engine.parser};
  if (arguments.Given("--config.file")) {
    ASSIGN_OR_RETURN(setup.config, LoadConfig(context.files, context.environment,
                                              arguments.Text("--config.file")));
    defaults.interval = setup.config->global.evaluation_interval;
    setup.options.external_labels = setup.config->global.external_labels;
  }
  for (const std::string& path : arguments.positional()) {
    ASSIGN_OR_RETURN(const std::string text, context.files.Read(path));
    ASSIGN_OR_RETURN(std::vector<RuleGroupSpec> groups, ParseRuleFile(path, text, defaults));
    std::ranges::move(groups, std::back_inserter(setup.groups));
  }
  setup.options.at = context.clock.Now();
  if (!arguments.Switch("--once")) setup.options.replay = ReplayNeeded(setup.groups);
  return setup;
}

Result<EvaluatedRules> Evaluate(const Arguments& arguments, Setup& setup, CommandContext& context) {
  const promql::Engine engine(setup.engine, context.clock, nullptr);
  const std::unique_ptr<Head> written = EmptyStore(context.clock);
  const WrittenStore store{*written, *written};
  if (arguments.Given("--collect")) {
    ASSIGN_OR_RETURN(const Duration duration, arguments.DurationOf("--collect"));
    ASSIGN_OR_RETURN(const std::unique_ptr<TemporaryApp> app,
                     TemporaryApp::Start(arguments.Text("--config.file"), context));
    context.pause(duration);
    setup.options.at = context.clock.Now();
    return EvaluateOnce(setup.groups, app->querier(), store, engine, setup.options);
  }
  ASSIGN_OR_RETURN(const History history, OpenHistory(arguments, context));
  if (arguments.Given("--input")) setup.options.at = history.last;
  if (arguments.Given("--at")) {
    ASSIGN_OR_RETURN(setup.options.at,
                     ParseTimeArgument(arguments.Text("--at"), context.clock.Now()));
  }
  return EvaluateOnce(setup.groups, *history.querier, store, engine, setup.options);
}

std::string PhaseText(AlertPhase phase, bool colors) {
  switch (phase) {
    case AlertPhase::kFiring:
      return Colored("firing ", Color::kRed, colors);
    case AlertPhase::kPending:
      return Colored("pending", Color::kYellow, colors);
    case AlertPhase::kInactive:
      break;
  }
  return Colored("ok     ", Color::kGreen, colors);
}

std::string LabelsText(const AlertSnapshot& alert) {
  LabelSet labels = alert.labels;
  labels.Remove("alertname");
  return labels.ToString();
}

std::string AlertText(const AlertSnapshot& alert, const EvaluateOnceOptions& options, bool colors) {
  std::string text = "  " + PhaseText(alert.phase, colors) + " " + LabelsText(alert) + " value " +
                     FormatGoV(alert.value);
  const Duration since = std::chrono::floor<std::chrono::seconds>(options.at - alert.active_at);
  if (since > Duration::zero()) text += ", for " + FormatPrometheusDuration(since);
  text += "\n";
  for (const auto& [name, value] : alert.annotations) {
    text += Colored(fmt::format("          {}: {}", name, value), Color::kDim, colors) + "\n";
  }
  return text;
}

std::string RulesText(const EvaluatedRules& evaluated, const EvaluateOnceOptions& options,
                      bool colors) {
  std::string text = "at " + FormatRfc3339(options.at) + "\n";
  size_t firing = 0;
  size_t pending = 0;
  for (const RuleGroupSnapshot& group : evaluated.rules.groups) {
    for (const RuleSnapshot& rule : group.rules) {
      if (!rule.last_error.empty()) {
        text += rule.name + ": " + Colored(rule.last_error, Color::kRed, colors) + "\n";
        continue;
      }
      if (!rule.alerting) continue;
      text += PhaseText(rule.phase, colors) + " " + Colored(rule.name, Color::kBold, colors) + "\n";
      for (const AlertSnapshot& alert : rule.alerts) {
        if (alert.phase == AlertPhase::kInactive) continue;
        ++(alert.phase == AlertPhase::kFiring ? firing : pending);
        text += AlertText(alert, options, colors);
      }
    }
  }
  return text + fmt::format("{} firing, {} pending\n", firing, pending);
}

// The body of POST /api/v2/alerts.
std::string PayloadJson(const std::vector<Notification>& payload) {
  JsonWriter json;
  json.BeginArray();
  for (const Notification& alert : payload) {
    json.BeginObject();
    if (!alert.annotations.empty()) promql::WriteLabels(json.Key("annotations"), alert.annotations);
    json.Field("endsAt", FormatRfc3339(alert.ends_at));
    json.Field("startsAt", FormatRfc3339(alert.starts_at));
    json.Field("generatorURL", alert.generator_url);
    promql::WriteLabels(json.Key("labels"), alert.labels);
    json.EndObject();
  }
  json.EndArray();
  return json.Take();
}

// The labels that Alertmanagers see; none when alert_relabel_configs drop the alert.
std::optional<LabelSet> LabelsOutside(LabelSet labels, const Setup& setup) {
  for (const auto& [name, value] : setup.options.external_labels) {
    if (!labels.Has(name)) labels.Set(name, value);
  }
  if (!setup.config) return labels;
  return Relabel(std::move(labels), setup.config->alert_relabel_configs);
}

std::vector<Notification> Relabelled(std::vector<Notification> payload, const Setup& setup) {
  std::vector<Notification> kept;
  for (Notification& alert : payload) {
    std::optional<LabelSet> labels = LabelsOutside(std::move(alert.labels), setup);
    if (!labels) continue;
    alert.labels = *std::move(labels);
    kept.push_back(std::move(alert));
  }
  return kept;
}

// Who is told of an alert, or would be if it fired, in which group, and what silences it.
struct Destination {
  LabelSet labels;
  bool fires = true;
  struct Receiver {
    std::string name;
    std::string group;
  };
  std::vector<Receiver> receivers;
  std::vector<std::string> silenced_by;
};

// The firing alerts of the payload, then the pending ones.
std::vector<Destination> ActiveAlerts(const EvaluatedRules& evaluated, const Setup& setup) {
  std::vector<Destination> alerts;
  for (const Notification& alert : evaluated.payload) alerts.push_back({.labels = alert.labels});
  for (const RuleGroupSnapshot& group : evaluated.rules.groups) {
    for (const RuleSnapshot& rule : group.rules) {
      for (const AlertSnapshot& alert : rule.alerts) {
        if (alert.phase != AlertPhase::kPending) continue;
        std::optional<LabelSet> labels = LabelsOutside(alert.labels, setup);
        if (labels) alerts.push_back({.labels = *std::move(labels), .fires = false});
      }
    }
  }
  return alerts;
}

std::vector<Destination> DestinationsOf(std::vector<Destination> alerts,
                                        const std::vector<Notification>& payload,
                                        const alertmanager::Configuration& manager) {
  for (Destination& to : alerts) {
    for (const alertmanager::RoutePath& path : alertmanager::RoutesFor(manager.root, to.labels)) {
      to.receivers.push_back({path.back()->receiver, alertmanager::GroupKey(path, to.labels)});
    }
    for (const Notification& other : payload) {
      const bool silences =
          std::ranges::any_of(manager.inhibit_rules, [&](const alertmanager::InhibitRule& rule) {
            return alertmanager::Inhibits(rule, other.labels, to.labels);
          });
      if (silences) to.silenced_by.push_back(other.labels.ToString());
    }
  }
  return alerts;
}

std::string RoutesText(const std::vector<Destination>& destinations) {
  std::string text;
  for (const Destination& to : destinations) {
    text += to.labels.ToString() + (to.fires ? "\n" : ", once it fires\n");
    for (const auto& [name, group] : to.receivers) {
      text += fmt::format("  to {}, in the group {}\n", name, group);
    }
    for (const std::string& other : to.silenced_by) text += "  silenced by " + other + "\n";
  }
  return text;
}

std::string RoutesJson(const std::vector<Destination>& destinations) {
  JsonWriter json;
  json.BeginArray();
  for (const Destination& to : destinations) {
    json.BeginObject();
    promql::WriteLabels(json.Key("labels"), to.labels);
    json.Field("state", to.fires ? "firing" : "pending");
    json.Key("receivers").BeginArray();
    for (const auto& [name, group] : to.receivers) {
      json.BeginObject().Field("receiver", name).Field("group", group).EndObject();
    }
    json.EndArray().Key("silencedBy").BeginArray();
    for (const std::string& other : to.silenced_by) json.String(other);
    json.EndArray().EndObject();
  }
  json.EndArray();
  return json.Take();
}

// Calls visit(rule, place) for each rule; the place is a finding without anything else.
void ForEachRule(const RulesSnapshot& rules, const std::vector<RuleGroupSpec>& groups,
                 const std::function<void(const RuleSnapshot&, const Finding&)>& visit) {
  for (const RuleGroupSnapshot& group : rules.groups) {
    const auto spec = std::ranges::find_if(groups, [&](const RuleGroupSpec& each) {
      return each.file == group.file && each.name == group.name;
    });
    for (size_t i = 0; i < group.rules.size(); ++i) {
      Finding place{.file = group.file};
      if (spec != groups.end()) {
        place.line = spec->rules[i].line;
        place.column = spec->rules[i].column;
      }
      visit(group.rules[i], place);
    }
  }
}

std::string AlertsJson(const RulesSnapshot& rules, const std::vector<RuleGroupSpec>& groups) {
  JsonWriter json;
  json.BeginArray();
  ForEachRule(rules, groups, [&](const RuleSnapshot& rule, const Finding& place) {
    for (const AlertSnapshot& alert : rule.alerts) {
      if (alert.phase == AlertPhase::kInactive) continue;
      json.BeginObject().Field("rule", rule.name).Field("file", place.file);
      json.Field("line", place.line);
      json.Field("state", alert.phase == AlertPhase::kFiring ? "firing" : "pending");
      promql::WriteLabels(json.Key("labels"), alert.labels);
      promql::WriteLabels(json.Key("annotations"), alert.annotations);
      json.Field("value", FormatGoV(alert.value));
      json.Field("activeAt", FormatRfc3339(alert.active_at)).EndObject();
    }
  });
  json.EndArray();
  return json.Take();
}

Finding FindingOf(const RuleSnapshot& rule, const AlertSnapshot& alert, Finding finding) {
  const bool fires = alert.phase == AlertPhase::kFiring;
  finding.severity = fires ? Severity::kWarning : Severity::kNote;
  finding.check = fires ? "eval/firing" : "eval/pending";
  finding.message = fmt::format("{} is {}: {}, value {}", rule.name, fires ? "firing" : "pending",
                                LabelsText(alert), FormatGoV(alert.value));
  for (const auto& [name, value] : alert.annotations) {
    finding.explanation += (finding.explanation.empty() ? "" : "\n") + name + ": " + value;
  }
  return finding;
}

// An error for each rule that fails, a warning for each alert that fires, a note for each that is
// pending; at the place of the rule.
std::vector<Finding> FindingsOfRules(const RulesSnapshot& rules,
                                     const std::vector<RuleGroupSpec>& groups) {
  std::vector<Finding> findings;
  ForEachRule(rules, groups, [&](const RuleSnapshot& rule, Finding finding) {
    if (!rule.last_error.empty()) {
      finding.check = "eval/error";
      finding.message = rule.name + ": " + rule.last_error;
      findings.push_back(std::move(finding));
      return;
    }
    for (const AlertSnapshot& alert : rule.alerts) {
      if (alert.phase != AlertPhase::kInactive) findings.push_back(FindingOf(rule, alert, finding));
    }
  });
  return findings;
}

void Show(const EvaluatedRules& evaluated, const alertmanager::Configuration* manager,
          const Setup& setup, bool colors, FindingsReport& report) {
  const std::string payload = PayloadJson(evaluated.payload);
  report.Say(RulesText(evaluated, setup.options, colors));
  if (!evaluated.payload.empty()) report.Say("the Alertmanager would be sent:\n" + payload + "\n");
  for (Finding& finding : FindingsOfRules(evaluated.rules, setup.groups)) {
    report.AddAs(std::move(finding), "");
  }
  report.AddMember("at", JsonWriter().String(FormatRfc3339(setup.options.at)).Take());
  report.AddMember("alerts", AlertsJson(evaluated.rules, setup.groups));
  report.AddMember("payload", payload);
  if (manager == nullptr) return;
  const std::vector<Destination> destinations =
      DestinationsOf(ActiveAlerts(evaluated, setup), evaluated.payload, *manager);
  report.Say(RoutesText(destinations));
  report.AddMember("routes", RoutesJson(destinations));
}

int RunEval(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("rules eval", arguments, context);
  if (!report.ok()) return kExitUsage;
  const auto fail = [&](const Error& error) {
    context.err("tocsin rules eval: " + error.message + "\n");
    return kExitUsage;
  };
  AlertmanagerFile manager;
  if (arguments.Given("--alertmanager.config")) {
    manager = ReadAlertmanagerFile(context.files, arguments.Text("--alertmanager.config"));
  }
  Result<Setup> setup = Prepare(arguments, context);
  if (!setup.ok()) return fail(setup.error());
  Result<EvaluatedRules> evaluated = Evaluate(arguments, *setup, context);
  if (!evaluated.ok()) return fail(evaluated.error());
  evaluated->payload = Relabelled(std::move(evaluated->payload), *setup);
  Show(*evaluated, manager.configuration.get(), *setup, context.colors, *report);
  report->Add(std::move(manager.errors));
  return report->Finish();
}

}  // namespace

const CommandSpec kRulesEvalCommand = {
    .name = "rules eval",
    .summary = "Evaluate rules over the data of a server, a file, or of here and now.",
    .positional = "FILE...",
    .flags = kFlags,
    .examples =
        "tocsin rules eval --once alert_rules.yml\n"
        "tocsin rules eval --server=http://prometheus:9090 --at=-1h alert_rules.yml\n"
        "tocsin rules eval --input=metrics.prom alert_rules.yml\n"
        "tocsin rules eval --collect=1m --config.file=tocsin.yml alert_rules.yml\n"
        "tocsin rules eval --alertmanager.config=alertmanager.yml --format=json alert_rules.yml",
    .run = &RunEval,
};

}  // namespace tocsin::cli
