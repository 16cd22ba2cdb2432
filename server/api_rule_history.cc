// GET /api/v1/rules/history: the newest evaluations of rules, what they read, gave and changed.
#include "base/go_float.h"
#include "engine/promql/result_json.h"
#include "rules/state_texts.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"
#include "server/rule_filter.h"

namespace tocsin::server {
namespace {

void WritePhase(JsonWriter& json, std::string_view key, const std::optional<AlertPhase>& phase) {
  json.Key(key);
  if (phase) {
    json.String(PhaseText(*phase));
  } else {
    json.Null();
  }
}

void WriteEvaluation(JsonWriter& json, const EvaluationRecord& record) {
  json.BeginObject().Field("evaluatedAt", FormatRfc3339(record.at));
  json.Field("duration", record.seconds);
  json.Field("samples", static_cast<uint64_t>(record.samples));
  json.Field("seriesFetched", static_cast<uint64_t>(record.series_fetched));
  if (!record.error.empty()) json.Field("error", record.error);
  json.Field("transitionCount", static_cast<uint64_t>(record.transition_count));
  json.Key("transitions").BeginArray();
  for (const AlertTransition& transition : record.transitions) {
    json.BeginObject().Key("labels");
    promql::WriteLabels(json, transition.labels);
    WritePhase(json, "from", transition.from);
    WritePhase(json, "to", transition.to);
    json.Field("value", FormatGoE(transition.value)).EndObject();
  }
  json.EndArray().EndObject();
}

void WriteRule(JsonWriter& json, const RuleGroupSnapshot& group, const RuleSnapshot& rule) {
  json.BeginObject().Field("file", group.file).Field("group", group.name);
  json.Field("name", rule.name).Field("query", rule.query);
  json.Field("type", rule.alerting ? "alerting" : "recording");
  json.Key("labels");
  promql::WriteLabels(json, rule.labels);
  json.Key("evaluations").BeginArray();
  for (const auto& record : rule.history) WriteEvaluation(json, *record);
  json.EndArray().EndObject();
}

}  // namespace

HttpServerResponse HandleRuleHistory(const ProcessView& view, const HttpServerRequest& request) {
  const Result<RuleFilter> filter = ReadRuleFilter(view, request);
  if (!filter.ok()) return Failure(filter.error());
  const std::shared_ptr<const RulesSnapshot> rules = view.rules();
  const auto groups = SelectGroups(*rules, *filter);
  if (!groups.ok()) return Failure(groups.error());
  JsonWriter json;
  json.BeginObject().Key("rules").BeginArray();
  for (const RuleGroupSnapshot* group : *groups) {
    for (const RuleSnapshot& rule : group->rules) {
      if (Wants(*filter, rule)) WriteRule(json, *group, rule);
    }
  }
  json.EndArray().EndObject();
  return Success(json.text());
}

}  // namespace tocsin::server
