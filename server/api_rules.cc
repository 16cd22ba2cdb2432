#include <algorithm>

#include "base/go_float.h"
#include "engine/promql/result_json.h"
#include "rules/state_texts.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"
#include "server/rule_filter.h"

namespace tocsin::server {
namespace {

// What Prometheus does not say.
void WriteMoreOfAlert(JsonWriter& json, const AlertSnapshot& alert) {
  if (alert.hold != AlertHold::kNone) json.Field("heldBy", HoldText(alert.hold));
  if (alert.last_sent_at) json.Field("lastSent", FormatRfc3339(*alert.last_sent_at));
  json.Field("transitionsPerHour", static_cast<uint64_t>(alert.transitions_per_hour));
  if (alert.transitions_per_hour >= kFlappingTransitions) json.Field("flapping", true);
}

std::string_view InputText(const RuleSnapshot& rule) {
  if (rule.no_input) return "no_input";
  return rule.degraded_by.empty() ? "ok" : "degraded";
}

void WriteMoreOfRule(JsonWriter& json, const RuleSnapshot& rule) {
  json.Field("inputHealth", InputText(rule));
  if (!rule.degraded_by.empty()) {
    json.Key("degradedBy").BeginArray();
    for (const std::string& source : rule.degraded_by) json.String(source);
    json.EndArray();
  }
  json.Field("seriesFetched", static_cast<uint64_t>(rule.series_fetched));
  json.Field("consecutiveFailures", rule.consecutive_failures);
  if (rule.failing_since) json.Field("failingSince", FormatRfc3339(*rule.failing_since));
  if (!rule.alerting) return;
  json.Field("transitionsPerHour", static_cast<uint64_t>(rule.transitions_per_hour));
  const bool flapping = std::ranges::any_of(rule.alerts, [](const AlertSnapshot& alert) {
    return alert.transitions_per_hour >= kFlappingTransitions;
  });
  if (flapping) json.Field("flapping", true);
}

void WriteAlert(JsonWriter& json, const AlertSnapshot& alert) {
  json.BeginObject().Key("labels");
  promql::WriteLabels(json, alert.labels);
  json.Key("annotations");
  promql::WriteLabels(json, alert.annotations);
  json.Field("state", PhaseText(alert.phase)).Field("activeAt", FormatRfc3339(alert.active_at));
  if (alert.keep_firing_since) {
    json.Field("keepFiringSince", FormatRfc3339(*alert.keep_firing_since));
  }
  json.Field("value", FormatGoE(alert.value));
  WriteMoreOfAlert(json, alert);
  json.EndObject();
}

void WriteAlerts(JsonWriter& json, const std::vector<AlertSnapshot>& alerts) {
  for (const AlertSnapshot& alert : alerts) {
    if (alert.phase != AlertPhase::kInactive) WriteAlert(json, alert);
  }
}

void WriteEvaluation(JsonWriter& json, const RuleSnapshot& rule) {
  json.Field("health", HealthText(rule.health));
  if (!rule.last_error.empty()) json.Field("lastError", rule.last_error);
  json.Field("evaluationTime", rule.evaluation_seconds);
  json.Field("lastEvaluation", ApiTime(rule.last_evaluation));
  WriteMoreOfRule(json, rule);
}

void WriteAlertingRule(JsonWriter& json, const RuleSnapshot& rule, const RuleFilter& filter,
                       const std::string& verdict) {
  // A rule that was never evaluated has no state yet.
  const bool known = rule.last_evaluation.has_value();
  json.BeginObject().Field("state", known ? PhaseText(rule.phase) : "unknown");
  json.Field("name", rule.name).Field("query", rule.query);
  json.Field("duration", ToSeconds(rule.hold));
  json.Field("keepFiringFor", ToSeconds(rule.keep_firing_for));
  json.Key("labels");
  promql::WriteLabels(json, rule.labels);
  json.Key("annotations");
  promql::WriteLabels(json, rule.annotations);
  json.Key("alerts").BeginArray();
  if (filter.with_alerts) WriteAlerts(json, rule.alerts);
  json.EndArray();
  WriteEvaluation(json, rule);
  if (!verdict.empty()) json.Field("verdict", verdict);
  json.Field("type", "alerting").EndObject();
}

void WriteRecordingRule(JsonWriter& json, const RuleSnapshot& rule) {
  json.BeginObject().Field("name", rule.name).Field("query", rule.query);
  if (!rule.labels.empty()) {
    json.Key("labels");
    promql::WriteLabels(json, rule.labels);
  }
  WriteEvaluation(json, rule);
  json.Field("type", "recording").EndObject();
}

// Why the rule cannot do what it is for, where that is certain.
std::string VerdictOn(const ProcessView& view, const RuleGroupSnapshot& group,
                      const RuleSnapshot& rule) {
  if (!view.verdicts) return "";
  const std::shared_ptr<const CertainVerdicts> verdicts = view.verdicts();
  for (const CertainVerdict& verdict : *verdicts) {
    if (verdict.file == group.file && verdict.group == group.name && verdict.name == rule.name) {
      return (verdict.never ? "never fires: " : "always fires: ") + verdict.reason;
    }
  }
  return "";
}

void WriteGroup(JsonWriter& json, const ProcessView& view, const RuleGroupSnapshot& group,
                const RuleFilter& filter) {
  json.BeginObject().Field("name", group.name).Field("file", group.file);
  json.Key("rules").BeginArray();
  for (const RuleSnapshot& rule : group.rules) {
    if (!Wants(filter, rule)) continue;
    if (rule.alerting) {
      WriteAlertingRule(json, rule, filter, VerdictOn(view, group, rule));
    } else {
      WriteRecordingRule(json, rule);
    }
  }
  json.EndArray();
  json.Field("interval", ToSeconds(group.interval)).Field("limit", group.limit);
  json.Field("evaluationTime", group.evaluation_seconds);
  json.Field("lastEvaluation", ApiTime(group.last_evaluation));
  json.Field("nextEvaluation", FormatRfc3339(group.next_evaluation));
  json.Field("iterations", group.iterations);
  json.Field("missedIterations", group.missed_iterations);
  if (!group.waiting_for.empty()) {
    json.Key("waitingFor").BeginArray();
    for (const std::string& source : group.waiting_for) json.String(source);
    json.EndArray();
  }
  json.EndObject();
}

}  // namespace

HttpServerResponse HandleRules(const ProcessView& view, const HttpServerRequest& request) {
  const Result<RuleFilter> filter = ReadRuleFilter(view, request);
  if (!filter.ok()) return Failure(filter.error());
  const std::shared_ptr<const RulesSnapshot> rules = view.rules();
  const auto groups = SelectGroups(*rules, *filter);
  if (!groups.ok()) return Failure(groups.error());
  const bool more = filter->max_groups > 0 && groups->size() > filter->max_groups;
  const size_t count = more ? filter->max_groups : groups->size();
  JsonWriter json;
  json.BeginObject().Key("groups").BeginArray();
  for (size_t i = 0; i < count; ++i) WriteGroup(json, view, *(*groups)[i], *filter);
  json.EndArray();
  if (more) json.Field("groupNextToken", GroupToken(*(*groups)[count]));
  json.EndObject();
  return Success(json.text());
}

HttpServerResponse HandleAlerts(const ProcessView& view, const HttpServerRequest& /*request*/) {
  const std::shared_ptr<const RulesSnapshot> rules = view.rules();
  JsonWriter json;
  json.BeginObject().Key("alerts").BeginArray();
  for (const RuleGroupSnapshot& group : rules->groups) {
    for (const RuleSnapshot& rule : group.rules) WriteAlerts(json, rule.alerts);
  }
  json.EndArray().EndObject();
  return Success(json.text());
}

}  // namespace tocsin::server
