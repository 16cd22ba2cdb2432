#include "rules/journal_text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/go_float.h"
#include "base/json.h"
#include "engine/promql/result_json.h"

namespace tocsin {
namespace {

constexpr int64_t kVersion = 1;

struct PhaseRow {
  AlertPhase phase;
  std::string_view name;
};
constexpr PhaseRow kPhases[] = {{AlertPhase::kInactive, "inactive"},
                                {AlertPhase::kPending, "pending"},
                                {AlertPhase::kFiring, "firing"}};

struct TimeRow {
  std::string_view key;
  std::optional<Timestamp> AlertTiming::*field;
};
constexpr TimeRow kTimes[] = {{"fired_at_ms", &AlertTiming::fired_at},
                              {"keep_firing_since_ms", &AlertTiming::keep_firing_since},
                              {"resolved_at_ms", &AlertTiming::resolved_at},
                              {"last_sent_at_ms", &AlertTiming::last_sent_at}};

void WriteAlert(JsonWriter& json, const LabelSet& labels, const Alert& alert) {
  const auto phase = std::ranges::find(kPhases, alert.timing.phase, &PhaseRow::phase);
  json.BeginObject();
  promql::WriteLabels(json.Key("labels"), labels);
  promql::WriteLabels(json.Key("sample"), alert.sample);
  promql::WriteLabels(json.Key("annotations"), alert.annotations);
  json.Field("value", FormatGoV(alert.value));
  json.Field("phase", phase->name);
  json.Field("active_at_ms", ToMs(alert.timing.active_at));
  for (const TimeRow& row : kTimes) {
    const std::optional<Timestamp>& time = alert.timing.*row.field;
    if (time) json.Field(row.key, ToMs(*time));
  }
  json.EndObject();
}

// Reading: members that are missing or of another type make the whole journal unreadable, because
// half a state would be a wrong one.
Error Unreadable(std::string_view key) {
  return InvalidArgument("no valid \"" + std::string(key) + "\"");
}

Result<std::string> ReadText(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.Find(key);
  if (value == nullptr || value->AsString() == nullptr) return Unreadable(key);
  return *value->AsString();
}

Result<int64_t> ReadMs(const JsonValue& json, std::string_view key) {
  constexpr double kYear3000 = 3.3e13;
  const JsonValue* value = json.Find(key);
  const double* number = value == nullptr ? nullptr : value->AsNumber();
  if (number == nullptr || !(*number >= 0 && *number < kYear3000)) return Unreadable(key);
  return static_cast<int64_t>(*number);
}

Result<LabelSet> ReadLabels(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.Find(key);
  if (value == nullptr || value->AsObject() == nullptr) return Unreadable(key);
  std::vector<LabelSet::Pair> pairs;
  for (const auto& [name, text] : *value->AsObject()) {
    if (text.AsString() == nullptr) return Unreadable(key);
    pairs.emplace_back(name, *text.AsString());
  }
  return LabelSet::FromPairs(std::move(pairs));
}

Result<const JsonValue::Array*> ReadArray(const JsonValue& json, std::string_view key) {
  const JsonValue* value = json.Find(key);
  if (value == nullptr || value->AsArray() == nullptr) return Unreadable(key);
  return value->AsArray();
}

Result<Alert> ReadAlert(const JsonValue& json) {
  Alert alert;
  alert.restored = true;
  if (json.Find("sample") != nullptr) {
    ASSIGN_OR_RETURN(alert.sample, ReadLabels(json, "sample"));
  }
  ASSIGN_OR_RETURN(alert.annotations, ReadLabels(json, "annotations"));
  ASSIGN_OR_RETURN(const std::string value, ReadText(json, "value"));
  alert.value = ParseGoFloat(value).value_or(0);
  ASSIGN_OR_RETURN(const std::string phase, ReadText(json, "phase"));
  const auto row = std::ranges::find(kPhases, std::string_view(phase), &PhaseRow::name);
  if (row == std::end(kPhases)) return Unreadable("phase");
  alert.timing.phase = row->phase;
  ASSIGN_OR_RETURN(const int64_t active_at_ms, ReadMs(json, "active_at_ms"));
  alert.timing.active_at = FromMs(active_at_ms);
  for (const TimeRow& time : kTimes) {
    if (json.Find(time.key) == nullptr) continue;
    ASSIGN_OR_RETURN(const int64_t ms, ReadMs(json, time.key));
    alert.timing.*time.field = FromMs(ms);
  }
  return alert;
}

Result<JournalRule> ReadRule(const JsonValue& json) {
  JournalRule rule;
  ASSIGN_OR_RETURN(rule.name, ReadText(json, "name"));
  ASSIGN_OR_RETURN(rule.labels, ReadLabels(json, "labels"));
  ASSIGN_OR_RETURN(rule.query, ReadText(json, "query"));
  ASSIGN_OR_RETURN(const JsonValue::Array* alerts, ReadArray(json, "alerts"));
  for (const JsonValue& each : *alerts) {
    ASSIGN_OR_RETURN(LabelSet labels, ReadLabels(each, "labels"));
    ASSIGN_OR_RETURN(Alert alert, ReadAlert(each));
    rule.alerts.emplace(std::move(labels), std::move(alert));
  }
  return rule;
}

Result<JournalGroup> ReadGroup(const JsonValue& json) {
  JournalGroup group;
  ASSIGN_OR_RETURN(group.file, ReadText(json, "file"));
  ASSIGN_OR_RETURN(group.name, ReadText(json, "name"));
  ASSIGN_OR_RETURN(const int64_t interval_ms, ReadMs(json, "interval_ms"));
  group.interval = Duration{interval_ms};
  ASSIGN_OR_RETURN(const int64_t at_ms, ReadMs(json, "at_ms"));
  group.at = FromMs(at_ms);
  ASSIGN_OR_RETURN(const JsonValue::Array* rules, ReadArray(json, "rules"));
  for (const JsonValue& each : *rules) {
    ASSIGN_OR_RETURN(JournalRule rule, ReadRule(each));
    group.rules.push_back(std::move(rule));
  }
  return group;
}

}  // namespace

std::string RenderJournalGroup(const RuleGroup& group, Timestamp at) {
  JsonWriter json;
  json.BeginObject();
  json.Field("file", group.spec().file);
  json.Field("name", group.spec().name);
  json.Field("interval_ms", static_cast<int64_t>(group.spec().interval.count()));
  json.Field("at_ms", ToMs(at));
  json.Key("rules").BeginArray();
  for (size_t i = 0; i < group.size(); ++i) {
    if (group.alerting(i) == nullptr || group.alerting(i)->alerts().empty()) continue;
    json.BeginObject();
    json.Field("name", group.spec().rules[i].name);
    promql::WriteLabels(json.Key("labels"), group.spec().rules[i].labels);
    json.Field("query", group.canonical_query(i));
    json.Key("alerts").BeginArray();
    for (const auto& [labels, alert] : group.alerting(i)->alerts()) WriteAlert(json, labels, alert);
    json.EndArray().EndObject();
  }
  json.EndArray().EndObject();
  return json.Take();
}

std::string RenderJournal(const std::vector<std::string_view>& groups) {
  std::string text = "{\"version\":" + std::to_string(kVersion) + ",\"groups\":[";
  std::string_view separator = "\n";
  for (const std::string_view group : groups) {
    text.append(separator).append(group);
    separator = ",\n";
  }
  return text + "\n]}\n";
}

Result<std::vector<JournalGroup>> ParseJournal(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(text));
  ASSIGN_OR_RETURN(const int64_t version, ReadMs(json, "version"));
  if (version != kVersion) {
    return InvalidArgument("version " + std::to_string(version) + " is not known");
  }
  ASSIGN_OR_RETURN(const JsonValue::Array* array, ReadArray(json, "groups"));
  std::vector<JournalGroup> groups;
  for (const JsonValue& each : *array) {
    ASSIGN_OR_RETURN(JournalGroup group, ReadGroup(each));
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<FormerRule> FormerRulesOf(JournalGroup group, SampleSink& sink) {
  std::vector<FormerRule> former;
  for (JournalRule& rule : group.rules) {
    former.push_back(
        {.file = group.file,
         .group = group.name,
         .alerting = true,
         .name = std::move(rule.name),
         .labels = std::move(rule.labels),
         .query = std::move(rule.query),
         .interval = group.interval,
         .memory = {.alerts = std::move(rule.alerts), .written = RuleSeriesWriter(sink)}});
  }
  return former;
}

void SkipOutage(JournalGroup& group, Timestamp now) {
  const Duration outage = std::max(now - group.at, Duration::zero());
  for (JournalRule& rule : group.rules) {
    for (auto& [labels, alert] : rule.alerts) {
      AlertTiming& timing = alert.timing;
      if (timing.phase == AlertPhase::kPending) timing.active_at += outage;
      if (timing.keep_firing_since) *timing.keep_firing_since += outage;
    }
  }
}

}  // namespace tocsin
