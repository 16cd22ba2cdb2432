#include "rules/lint/lint_settings.h"

#include <algorithm>
#include <utility>

#include "config/yaml_reader.h"
#include "engine/promql/parser.h"
#include "rules/lint/check.h"

namespace tocsin::lint {
namespace {

Result<std::optional<Regex>> ReadRegex(YamlMap& map, std::string_view field) {
  const std::optional<YamlNode> node = map.Find(field);
  if (!node) return std::optional<Regex>();
  ASSIGN_OR_RETURN(const std::string pattern, node->AsString());
  Result<Regex> regex = Regex::CompileAnchored(pattern);
  if (!regex.ok()) return node->ErrorHere(regex.error().message);
  return std::optional(*std::move(regex));
}

Result<std::optional<Duration>> ReadDuration(YamlMap& map, std::string_view field) {
  const std::optional<YamlNode> node = map.Find(field);
  if (!node) return std::optional<Duration>();
  ASSIGN_OR_RETURN(const Duration duration, node->AsDuration());
  return std::optional(duration);
}

Result<EntryPolicy> ReadEntries(const std::optional<YamlNode>& node, std::string_view what) {
  EntryPolicy policy;
  if (!node) return policy;
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, what));
  ASSIGN_OR_RETURN(policy.required, map.OptionalStringList("required"));
  ASSIGN_OR_RETURN(policy.forbidden, map.OptionalStringList("forbidden"));
  if (const std::optional<YamlNode> values = map.Find("values")) {
    ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, values->AsEntries());
    for (const auto& [key, value] : entries) {
      Result<Regex> regex = Regex::CompileAnchored(value.text());
      if (!regex.ok()) return value.ErrorHere(regex.error().message);
      policy.values.emplace_back(key.text(), *std::move(regex));
    }
  }
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return policy;
}

Status ReadMatch(const std::optional<YamlNode>& node, Policy& policy) {
  if (!node) return Ok();
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, "a match"));
  ASSIGN_OR_RETURN(policy.kind, map.OptionalString("kind"));
  if (!policy.kind.empty() && policy.kind != "alerting" && policy.kind != "recording") {
    return map.ErrorAt("kind", "kind is \"alerting\" or \"recording\"");
  }
  ASSIGN_OR_RETURN(policy.name, ReadRegex(map, "name"));
  ASSIGN_OR_RETURN(policy.path, ReadRegex(map, "path"));
  ASSIGN_OR_RETURN(policy.group, ReadRegex(map, "group"));
  ASSIGN_OR_RETURN(auto labels, map.OptionalStringMap("labels"));
  policy.labels = LabelSet::FromPairs(std::move(labels));
  return map.RejectUnknownFields();
}

Status ReadExpressionPolicy(YamlMap& map, Policy& policy) {
  if (const std::optional<YamlNode> node = map.Find("aggregate")) {
    ASSIGN_OR_RETURN(YamlMap aggregate, YamlMap::Open(*node, "aggregate"));
    ASSIGN_OR_RETURN(policy.keep, aggregate.OptionalStringList("keep"));
    ASSIGN_OR_RETURN(policy.strip, aggregate.OptionalStringList("strip"));
    RETURN_IF_ERROR(aggregate.RejectUnknownFields());
  }
  if (const std::optional<YamlNode> node = map.Find("selector")) {
    ASSIGN_OR_RETURN(YamlMap selector, YamlMap::Open(*node, "selector"));
    ASSIGN_OR_RETURN(policy.selector_labels, selector.OptionalStringList("required"));
    RETURN_IF_ERROR(selector.RejectUnknownFields());
  }
  return Ok();
}

Status ReadOwner(YamlMap& map, Policy& policy) {
  const std::optional<YamlNode> node = map.Find("owner");
  if (!node) return Ok();
  ASSIGN_OR_RETURN(YamlMap owner, YamlMap::Open(*node, "owner"));
  ASSIGN_OR_RETURN(policy.owner_required, owner.OptionalBool("required", false));
  ASSIGN_OR_RETURN(policy.owners, owner.OptionalStringList("allowed"));
  return owner.RejectUnknownFields();
}

Result<Policy> ReadPolicy(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a policy"));
  Policy policy;
  RETURN_IF_ERROR(ReadMatch(map.Find("match"), policy));
  ASSIGN_OR_RETURN(policy.annotations, ReadEntries(map.Find("annotations"), "annotations"));
  ASSIGN_OR_RETURN(policy.label_entries, ReadEntries(map.Find("labels"), "labels"));
  ASSIGN_OR_RETURN(policy.rule_name, ReadRegex(map, "name"));
  if (const std::optional<YamlNode> hold = map.Find("for")) {
    ASSIGN_OR_RETURN(YamlMap bounds, YamlMap::Open(*hold, "for"));
    ASSIGN_OR_RETURN(policy.min_for, ReadDuration(bounds, "min"));
    ASSIGN_OR_RETURN(policy.max_for, ReadDuration(bounds, "max"));
    RETURN_IF_ERROR(bounds.RejectUnknownFields());
  }
  RETURN_IF_ERROR(ReadExpressionPolicy(map, policy));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> reject, map.OptionalList("reject"));
  for (const YamlNode& pattern : reject) {
    Result<Regex> regex = Regex::Compile(pattern.text());
    if (!regex.ok()) return pattern.ErrorHere(regex.error().message);
    policy.reject.push_back(*std::move(regex));
  }
  RETURN_IF_ERROR(ReadOwner(map, policy));
  ASSIGN_OR_RETURN(policy.report, map.OptionalString("report"));
  ASSIGN_OR_RETURN(policy.follow_links, map.OptionalBool("links", false));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return policy;
}

Result<MetricLimit> ReadLimit(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a limit"));
  MetricLimit limit;
  ASSIGN_OR_RETURN(limit.metric, map.RequiredString("metric"));
  ASSIGN_OR_RETURN(auto labels, map.OptionalStringMap("labels"));
  limit.labels = LabelSet::FromPairs(std::move(labels));
  ASSIGN_OR_RETURN(const YamlNode max, map.Required("max"));
  const Result<double> number = max.AsDouble();
  if (number.ok()) {
    limit.max = *number;
  } else {
    ASSIGN_OR_RETURN(const uint64_t bytes, max.AsBytes());
    limit.max = static_cast<double>(bytes);
  }
  ASSIGN_OR_RETURN(limit.reason, map.OptionalString("reason", "the configured limit"));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return limit;
}

Result<MetricShape> ReadMetric(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a metric"));
  MetricShape shape{.origin = Origin::kConfigured, .source = node.file()};
  ASSIGN_OR_RETURN(shape.name, map.RequiredString("name"));
  ASSIGN_OR_RETURN(const std::string type, map.OptionalString("type"));
  if (!type.empty()) {
    shape.type = ParseMetricType(type);
    if (!shape.type) return map.ErrorAt("type", "no metric type is called \"" + type + "\"");
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> labels, map.OptionalStringList("labels"));
  shape.labels.insert(labels.begin(), labels.end());
  shape.open = !map.Find("labels").has_value();
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return shape;
}

Result<Severity> ReadSeverity(const YamlNode& node) {
  if (node.text() == "error") return Severity::kError;
  if (node.text() == "warning") return Severity::kWarning;
  if (node.text() == "note") return Severity::kNote;
  return node.ErrorHere("a severity is \"error\", \"warning\" or \"note\"");
}

Status CheckName(const YamlNode& node) {
  if (FindCheck(node.text()) != nullptr) return Ok();
  std::vector<std::string> names;
  for (const CheckSpec& check : Checks()) names.emplace_back(check.name);
  const std::string_view near = NearestWord(node.text(), names);
  return node.ErrorHere("no check is called \"" + node.text() + "\"" +
                        (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
}

Status ReadChecks(const std::optional<YamlNode>& node, LintSettings& settings) {
  if (!node) return Ok();
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, "checks"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> disabled, map.OptionalList("disable"));
  for (const YamlNode& name : disabled) {
    RETURN_IF_ERROR(CheckName(name));
    settings.disabled.push_back(name.text());
  }
  if (const std::optional<YamlNode> severities = map.Find("severity")) {
    ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, severities->AsEntries());
    for (const auto& [key, value] : entries) {
      RETURN_IF_ERROR(CheckName(key));
      ASSIGN_OR_RETURN(const Severity severity, ReadSeverity(value));
      settings.severities.insert_or_assign(key.text(), severity);
    }
  }
  return map.RejectUnknownFields();
}

Status ReadCost(const std::optional<YamlNode>& node, CostLimits& cost) {
  if (!node) return Ok();
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(*node, "cost"));
  ASSIGN_OR_RETURN(const int64_t series, map.OptionalInt("max_series", 0));
  ASSIGN_OR_RETURN(const int64_t samples, map.OptionalInt("max_samples", 0));
  ASSIGN_OR_RETURN(cost.max_seconds, map.OptionalDouble("max_seconds", 0));
  cost.max_series = static_cast<size_t>(series);
  cost.max_samples = static_cast<size_t>(samples);
  return map.RejectUnknownFields();
}

template <typename T, typename Reader>
Status ReadList(YamlMap& map, std::string_view field, const Reader& read, std::vector<T>& into) {
  ASSIGN_OR_RETURN(const std::vector<YamlNode> list, map.OptionalList(field));
  for (const YamlNode& node : list) {
    ASSIGN_OR_RETURN(T value, read(node));
    into.push_back(std::move(value));
  }
  return Ok();
}

}  // namespace

bool LintSettings::IsDisabled(std::string_view check) const {
  return std::ranges::find(disabled, check) != disabled.end();
}

Result<LintSettings> ReadLintSettings(const std::string& file, std::string_view text) {
  ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse(file, text));
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(root, "a lint configuration"));
  LintSettings settings;
  ASSIGN_OR_RETURN(const std::string target, map.OptionalString("target", "prometheus"));
  if (target != "prometheus" && target != "tocsin") {
    return map.ErrorAt("target", "target is \"prometheus\" or \"tocsin\"");
  }
  settings.target = target == "tocsin" ? RuleTarget::kTocsin : RuleTarget::kPrometheus;
  RETURN_IF_ERROR(ReadChecks(map.Find("checks"), settings));
  RETURN_IF_ERROR(ReadList(map, "policies", ReadPolicy, settings.policies));
  RETURN_IF_ERROR(ReadList(map, "limits", ReadLimit, settings.limits));
  RETURN_IF_ERROR(ReadList(map, "metrics", ReadMetric, settings.metrics));
  RETURN_IF_ERROR(ReadCost(map.Find("cost"), settings.cost));
  ASSIGN_OR_RETURN(settings.features, map.OptionalStringList("features"));
  ASSIGN_OR_RETURN(settings.retention, map.OptionalDuration("retention", Duration::zero()));
  ASSIGN_OR_RETURN(settings.resend_delay,
                   map.OptionalDuration("resend_delay", settings.resend_delay));
  ASSIGN_OR_RETURN(settings.lookback, map.OptionalDuration("lookback_delta", settings.lookback));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return settings;
}

}  // namespace tocsin::lint
