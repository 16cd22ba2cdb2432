#include <algorithm>

#include "base/go_float.h"
#include "engine/promql/result_json.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

std::string_view PhaseText(AlertPhase phase) {
  switch (phase) {
    case AlertPhase::kInactive:
      return "inactive";
    case AlertPhase::kPending:
      return "pending";
    case AlertPhase::kFiring:
      return "firing";
  }
  return "";
}

std::string_view HealthText(RuleHealth health) {
  switch (health) {
    case RuleHealth::kUnknown:
      return "unknown";
    case RuleHealth::kOk:
      return "ok";
    case RuleHealth::kError:
      return "err";
  }
  return "";
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
  json.Field("value", FormatGoE(alert.value)).EndObject();
}

void WriteAlerts(JsonWriter& json, const std::vector<AlertSnapshot>& alerts) {
  for (const AlertSnapshot& alert : alerts) {
    if (alert.phase != AlertPhase::kInactive) WriteAlert(json, alert);
  }
}

void WriteEvaluation(JsonWriter& json, const RuleSnapshot& rule) {
  json.Field("health", HealthText(rule.health));
  if (!rule.last_error.empty()) json.Field("lastError", rule.last_error);
  json.Field("evaluationTime", ToSeconds(rule.evaluation_time));
  json.Field("lastEvaluation", ApiTime(rule.last_evaluation));
}

struct RuleFilter {
  bool alerting = true;
  bool recording = true;
  bool with_alerts = true;
  std::vector<std::string> names;
  std::vector<std::string> groups;
  std::vector<std::string> files;
};

bool Allows(const std::vector<std::string>& allowed, const std::string& value) {
  return allowed.empty() || std::ranges::find(allowed, value) != allowed.end();
}

bool Wants(const RuleFilter& filter, const RuleSnapshot& rule) {
  return (rule.alerting ? filter.alerting : filter.recording) && Allows(filter.names, rule.name);
}

void WriteAlertingRule(JsonWriter& json, const RuleSnapshot& rule, const RuleFilter& filter) {
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

void WriteGroup(JsonWriter& json, const RuleGroupSnapshot& group, const RuleFilter& filter) {
  json.BeginObject().Field("name", group.name).Field("file", group.file);
  json.Key("rules").BeginArray();
  for (const RuleSnapshot& rule : group.rules) {
    if (!Wants(filter, rule)) continue;
    if (rule.alerting) {
      WriteAlertingRule(json, rule, filter);
    } else {
      WriteRecordingRule(json, rule);
    }
  }
  json.EndArray();
  json.Field("interval", ToSeconds(group.interval)).Field("limit", group.limit);
  json.Field("evaluationTime", ToSeconds(group.evaluation_time));
  json.Field("lastEvaluation", ApiTime(group.last_evaluation)).EndObject();
}

Result<RuleFilter> ReadFilter(const HttpServerRequest& request) {
  RuleFilter filter;
  const std::string_view type = request.parameters.Get("type");
  if (!type.empty() && type != "alert" && type != "record") {
    return InvalidArgument("invalid parameter \"type\": not supported value \"" +
                           std::string(type) + "\"");
  }
  filter.alerting = type != "record";
  filter.recording = type != "alert";
  const Result<bool> without = ParseApiBool(request.parameters.Get("exclude_alerts"));
  if (!without.ok()) return Prefixed("invalid parameter \"exclude_alerts\": ", without.error());
  filter.with_alerts = !*without;
  filter.names = request.parameters.All("rule_name[]");
  filter.groups = request.parameters.All("rule_group[]");
  filter.files = request.parameters.All("file[]");
  return filter;
}

}  // namespace

HttpServerResponse HandleRules(const ProcessView& view, const HttpServerRequest& request) {
  const Result<RuleFilter> filter = ReadFilter(request);
  if (!filter.ok()) return Failure(filter.error());
  const std::shared_ptr<const RulesSnapshot> rules = view.rules();
  JsonWriter json;
  json.BeginObject().Key("groups").BeginArray();
  for (const RuleGroupSnapshot& group : rules->groups) {
    if (!Allows(filter->groups, group.name) || !Allows(filter->files, group.file)) continue;
    const bool any = std::ranges::any_of(
        group.rules, [&](const RuleSnapshot& rule) { return Wants(*filter, rule); });
    if (any) WriteGroup(json, group, *filter);
  }
  json.EndArray().EndObject();
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
