// tocsin rules eval: rules now, or at some time, without loading them anywhere.
#include <fmt/core.h>

#include <algorithm>

#include "base/go_float.h"
#include "base/json.h"
#include "cli/alert_routing.h"
#include "cli/commands.h"
#include "cli/features.h"
#include "cli/history_source.h"
#include "cli/server_client.h"
#include "cli/temporary_app.h"
#include "cli/terminal.h"
#include "config/alertmanager/routing.h"
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
    {.name = "--format",
     .value = "text|json",
     .fallback = "text",
     .help = "How the result is printed; json is what the Alertmanager would be sent."},
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

std::string AlertText(const AlertSnapshot& alert, const EvaluateOnceOptions& options, bool colors) {
  LabelSet labels = alert.labels;
  labels.Remove("alertname");
  std::string text = "  " + PhaseText(alert.phase, colors) + " " + labels.ToString() + " value " +
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

void WriteLabelSet(JsonWriter& json, std::string_view key, const LabelSet& labels) {
  json.Key(key).BeginObject();
  for (const auto& [name, value] : labels) json.Field(name, value);
  json.EndObject();
}

// The body of POST /api/v2/alerts.
std::string PayloadJson(const std::vector<Notification>& payload) {
  JsonWriter json;
  json.BeginArray();
  for (const Notification& alert : payload) {
    json.BeginObject();
    if (!alert.annotations.empty()) WriteLabelSet(json, "annotations", alert.annotations);
    json.Field("endsAt", FormatRfc3339(alert.ends_at));
    json.Field("startsAt", FormatRfc3339(alert.starts_at));
    json.Field("generatorURL", alert.generator_url);
    WriteLabelSet(json, "labels", alert.labels);
    json.EndObject();
  }
  json.EndArray();
  return json.Take() + "\n";
}

// Who would be told of each alert of the payload, in which group, and what silences it.
std::string RoutesText(const std::vector<Notification>& payload,
                       const alertmanager::Configuration& manager) {
  std::string text;
  for (const Notification& alert : payload) {
    text += alert.labels.ToString() + "\n";
    for (const alertmanager::RoutePath& path :
         alertmanager::RoutesFor(manager.root, alert.labels)) {
      text += fmt::format("  to {}, in the group {}\n", path.back()->receiver,
                          alertmanager::GroupKey(path, alert.labels));
    }
    for (const Notification& other : payload) {
      const bool silenced =
          std::ranges::any_of(manager.inhibit_rules, [&](const alertmanager::InhibitRule& rule) {
            return alertmanager::Inhibits(rule, other.labels, alert.labels);
          });
      if (silenced) text += "  silenced by " + other.labels.ToString() + "\n";
    }
  }
  return text;
}

int RunEval(const Arguments& arguments, CommandContext& context) {
  Result<Setup> setup = Prepare(arguments, context);
  const Result<EvaluatedRules> evaluated =
      setup.ok() ? Evaluate(arguments, *setup, context) : Result<EvaluatedRules>(setup.error());
  if (!evaluated.ok()) {
    context.err("tocsin rules eval: " + evaluated.error().message + "\n");
    return kExitUsage;
  }
  if (arguments.Text("--format") == "json") {
    context.out(PayloadJson(evaluated->payload));
  } else {
    std::shared_ptr<const alertmanager::Configuration> manager;
    if (arguments.Given("--alertmanager.config")) {
      auto read = ReadAlertmanagerConfig(context.files, arguments.Text("--alertmanager.config"));
      if (!read.ok()) {
        context.err("tocsin rules eval: " + read.error().message + "\n");
        return kExitUsage;
      }
      manager = *std::move(read);
    }
    context.out(RulesText(*evaluated, setup->options, context.colors));
    if (!evaluated->payload.empty()) {
      context.out("the Alertmanager would be sent:\n" + PayloadJson(evaluated->payload));
      if (manager != nullptr) context.out(RoutesText(evaluated->payload, *manager));
    }
  }
  bool failed = false;
  for (const RuleGroupSnapshot& group : evaluated->rules.groups) {
    failed |= std::ranges::any_of(
        group.rules, [](const RuleSnapshot& rule) { return !rule.last_error.empty(); });
  }
  return failed ? kExitNo : kExitOk;
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
        "tocsin rules eval --collect=1m --config.file=tocsin.yml alert_rules.yml",
    .run = &RunEval,
};

}  // namespace tocsin::cli
