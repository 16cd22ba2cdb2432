// GET /api/v1/rules/explain?alert=NAME[&labels={a="b"}][&at=TIME]: why an alert fires, or does not.
#include "base/json.h"
#include "engine/promql/parser.h"
#include "rules/explain.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

struct FoundRule {
  const RuleGroupSnapshot* group;
  const RuleSnapshot* rule;
};

// Several rules may have the name.
std::vector<FoundRule> FindRules(const RulesSnapshot& rules, std::string_view name) {
  std::vector<FoundRule> found;
  for (const RuleGroupSnapshot& group : rules.groups) {
    for (const RuleSnapshot& rule : group.rules) {
      if (rule.alerting && rule.name == name) found.push_back({&group, &rule});
    }
  }
  return found;
}

std::string DeliveryJson(const ProcessView& view) {
  JsonWriter json;
  json.BeginArray();
  for (const AlertmanagerSnapshot& manager : view.alertmanagers().active) {
    json.BeginObject().Field("url", manager.url).Field("sent", manager.sent);
    json.Field("queued", static_cast<uint64_t>(manager.queued));
    if (manager.last_success) json.Field("lastSuccess", FormatRfc3339(*manager.last_success));
    if (!manager.last_error.empty()) json.Field("lastError", manager.last_error);
    json.EndObject();
  }
  json.EndArray();
  return json.Take();
}

Result<ExplainOptions> ReadOptions(const ProcessView& view, const HttpServerRequest& request) {
  ExplainOptions options{.at = view.clock.Now()};
  ASSIGN_OR_RETURN(const std::optional<Timestamp> at, TimeParameter(request, "at"));
  if (at) options.at = *at;
  const std::string_view labels = request.parameters.Get("labels");
  if (labels.empty()) return options;
  Result<LabelSet> parsed = promql::ParseMetric(labels);
  if (!parsed.ok()) return BadParameter("labels", parsed.error().message);
  options.labels = *std::move(parsed);
  return options;
}

}  // namespace

HttpServerResponse HandleExplain(const ProcessView& view, const HttpServerRequest& request) {
  const std::string_view name = request.parameters.Get("alert");
  if (name.empty()) return Failure(BadParameter("alert", "which alert is to be explained?"));
  const Result<ExplainOptions> options = ReadOptions(view, request);
  if (!options.ok()) return Failure(options.error());
  const std::shared_ptr<const RulesSnapshot> rules = view.rules();
  const std::vector<FoundRule> found = FindRules(*rules, name);
  if (found.empty()) {
    return Failure(ApiError::kNotFound, "no alerting rule is called \"" + std::string(name) + "\"");
  }
  const std::string delivery = DeliveryJson(view);
  JsonWriter json;
  json.BeginObject().Key("rules").BeginArray();
  for (const FoundRule& each : found) {
    const auto query = view.engine.Parse(each.rule->query);
    if (!query.ok()) return Failure(query.error());
    const ExplainNode tree = ExplainQuery(view.engine, view.querier, **query, *options);
    json.Raw(ExplainJson(tree,
                         {.name = each.rule->name,
                          .query = each.rule->query,
                          .file = each.group->file,
                          .line = each.rule->line,
                          .column = each.rule->column,
                          .hold = each.rule->hold,
                          .running = each.rule,
                          .delivery = delivery},
                         *options));
  }
  json.EndArray().EndObject();
  return Success(json.text());
}

}  // namespace tocsin::server
