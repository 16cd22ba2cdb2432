#include <fmt/core.h>

#include <algorithm>

#include "base/go_float.h"
#include "base/hash.h"
#include "engine/promql/quote.h"
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
  json.Field("evaluationTime", rule.evaluation_seconds);
  json.Field("lastEvaluation", ApiTime(rule.last_evaluation));
}

struct RuleFilter {
  bool alerting = true;
  bool recording = true;
  bool with_alerts = true;
  std::vector<std::string> names;
  std::vector<std::string> groups;
  std::vector<std::string> files;
  std::vector<std::vector<Matcher>> selectors;  // of configured labels; any of them
  size_t max_groups = 0;                        // 0: all
  std::string first_group;                      // a token; "": the first
};

// Names a group in the chain of pages.
std::string TokenOf(const RuleGroupSnapshot& group) {
  const Hash128 hash = HashWide(group.file + ";" + group.name);
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

bool Allows(const std::vector<std::string>& allowed, const std::string& value) {
  return allowed.empty() || std::ranges::find(allowed, value) != allowed.end();
}

bool Wants(const RuleFilter& filter, const RuleSnapshot& rule) {
  if (!(rule.alerting ? filter.alerting : filter.recording)) return false;
  if (!Allows(filter.names, rule.name)) return false;
  return filter.selectors.empty() ||
         std::ranges::any_of(filter.selectors, [&rule](const std::vector<Matcher>& matchers) {
           return MatchesAll(matchers, rule.labels);
         });
}

bool Wants(const RuleFilter& filter, const RuleGroupSnapshot& group) {
  return Allows(filter.groups, group.name) && Allows(filter.files, group.file) &&
         std::ranges::any_of(group.rules,
                             [&](const RuleSnapshot& rule) { return Wants(filter, rule); });
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
  json.Field("evaluationTime", group.evaluation_seconds);
  json.Field("lastEvaluation", ApiTime(group.last_evaluation)).EndObject();
}

Status ReadPage(const HttpServerRequest& request, RuleFilter& filter) {
  filter.first_group = request.parameters.Get("group_next_token");
  const std::string_view text = request.parameters.Get("group_limit");
  if (text.empty()) {
    if (filter.first_group.empty()) return Ok();
    return BadParameter("group_next_token",
                        "group_limit needs to be present in order to paginate over the groups");
  }
  const Result<int64_t> limit = ParseApiInt(text);
  if (!limit.ok()) {
    return BadParameter("group_limit",
                        "group_limit needs to be a valid number: " + limit.error().message);
  }
  if (*limit <= 0) return BadParameter("group_limit", "group_limit needs to be greater than 0");
  filter.max_groups = static_cast<size_t>(*limit);
  return Ok();
}

Result<RuleFilter> ReadFilter(const ProcessView& view, const HttpServerRequest& request) {
  RuleFilter filter;
  const std::string type = AsciiLower(request.parameters.Get("type"));
  if (!type.empty() && type != "alert" && type != "record") {
    return BadParameter("type", fmt::format("not supported value {}", promql::Quote(type)));
  }
  filter.alerting = type != "record";
  filter.recording = type != "alert";
  if (const std::string_view text = request.parameters.Get("exclude_alerts"); !text.empty()) {
    const Result<bool> without = ParseApiBool(text);
    if (!without.ok()) {
      return BadParameter("exclude_alerts",
                          "error converting exclude_alerts: " + without.error().message);
    }
    filter.with_alerts = !*without;
  }
  filter.names = request.parameters.All("rule_name[]");
  filter.groups = request.parameters.All("rule_group[]");
  filter.files = request.parameters.All("file[]");
  ASSIGN_OR_RETURN(filter.selectors, MatchParameter(view, request));
  RETURN_IF_ERROR(ReadPage(request, filter));
  return filter;
}

// The groups that the filter leaves, from the page's first on.
Result<std::vector<const RuleGroupSnapshot*>> SelectGroups(const RulesSnapshot& rules,
                                                           const RuleFilter& filter) {
  auto first = rules.groups.begin();
  if (!filter.first_group.empty()) {
    first = std::ranges::find(rules.groups, filter.first_group, TokenOf);
    if (first == rules.groups.end()) {
      return BadParameter("group_next_token",
                          fmt::format("invalid group_next_token '{}'. were rule groups changed?",
                                      filter.first_group));
    }
  }
  std::vector<const RuleGroupSnapshot*> groups;
  for (; first != rules.groups.end(); ++first) {
    if (Wants(filter, *first)) groups.push_back(&*first);
  }
  return groups;
}

}  // namespace

HttpServerResponse HandleRules(const ProcessView& view, const HttpServerRequest& request) {
  const Result<RuleFilter> filter = ReadFilter(view, request);
  if (!filter.ok()) return Failure(filter.error());
  const std::shared_ptr<const RulesSnapshot> rules = view.rules();
  const auto groups = SelectGroups(*rules, *filter);
  if (!groups.ok()) return Failure(groups.error());
  const bool more = filter->max_groups > 0 && groups->size() > filter->max_groups;
  const size_t count = more ? filter->max_groups : groups->size();
  JsonWriter json;
  json.BeginObject().Key("groups").BeginArray();
  for (size_t i = 0; i < count; ++i) WriteGroup(json, *(*groups)[i], *filter);
  json.EndArray();
  if (more) json.Field("groupNextToken", TokenOf(*(*groups)[count]));
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
