#include "rules/backtest/backtest_json.h"

#include "engine/promql/result_json.h"
#include "rules/state_texts.h"

namespace tocsin {
namespace {

void WriteRule(JsonWriter& json, const BacktestRule& rule) {
  json.BeginObject().Field("file", rule.file).Field("line", rule.line);
  json.Field("group", rule.group).Field("name", rule.name);
  json.Field("type", rule.alerting ? "alerting" : "recording");
  json.Field("evaluations", rule.evaluations).Field("failures", rule.failures);
  if (!rule.first_error.empty()) json.Field("firstError", rule.first_error);
  json.Field("pages", static_cast<uint64_t>(rule.pages));
  json.Field("flaps", static_cast<uint64_t>(rule.flaps));
  json.Field("firingSeconds", ToSeconds(rule.firing));
  json.Key("alerts").BeginArray();
  for (const BacktestAlert& alert : rule.alerts) WriteBacktestAlert(json, alert);
  json.EndArray().EndObject();
}

}  // namespace

void WriteBacktestAlert(JsonWriter& json, const BacktestAlert& alert) {
  json.BeginObject().Key("labels");
  promql::WriteLabels(json, alert.labels);
  json.Key("annotations");
  promql::WriteLabels(json, alert.annotations);
  json.Field("pages", static_cast<uint64_t>(alert.pages));
  json.Field("flaps", static_cast<uint64_t>(alert.flaps));
  json.Field("firingSeconds", ToSeconds(alert.firing));
  json.Field("pendingSeconds", ToSeconds(alert.pending));
  json.Key("transitions").BeginArray();
  for (const BacktestTransition& transition : alert.transitions) {
    json.BeginObject().Field("at", FormatRfc3339(transition.at));
    json.Field("state", PhaseText(transition.to)).Field("value", transition.value).EndObject();
  }
  json.EndArray().EndObject();
}

void WriteBacktestResult(JsonWriter& json, const BacktestResult& result) {
  json.Field("from", FormatRfc3339(result.from)).Field("to", FormatRfc3339(result.to));
  json.Field("evaluations", result.evaluations).Key("rules").BeginArray();
  for (const BacktestRule& rule : result.rules) WriteRule(json, rule);
  json.EndArray();
}

}  // namespace tocsin
