#include "config/config_reader.h"

namespace tocsin {
namespace {

Result<RelabelRule> ReadRule(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a relabelling rule"));
  RelabelRule rule;
  ASSIGN_OR_RETURN(rule.source_labels, fields.OptionalStringList("source_labels"));
  // An empty text is a value here, and differs from none.
  ASSIGN_OR_RETURN(rule.separator, fields.OptionalString("separator", ";"));
  ASSIGN_OR_RETURN(rule.target_label, fields.OptionalString("target_label"));
  ASSIGN_OR_RETURN(rule.replacement, fields.OptionalString("replacement", "$1"));
  ASSIGN_OR_RETURN(const int64_t modulus, fields.OptionalInt("modulus", 0));
  if (modulus < 0) return fields.ErrorAt("modulus", "the modulus must be positive");
  rule.modulus = static_cast<uint64_t>(modulus);
  if (const std::optional<YamlNode> regex = fields.Find("regex")) {
    ASSIGN_OR_RETURN(const std::string pattern, regex->AsString());
    Result<Regex> compiled = Regex::CompileAnchored(pattern);
    if (!compiled.ok()) return regex->ErrorHere(compiled.error().message);
    rule.regex = *std::move(compiled);
  }
  ASSIGN_OR_RETURN(const std::string action, fields.OptionalString("action", "replace"));
  const Result<RelabelAction> parsed = ParseRelabelAction(action);
  if (!parsed.ok()) return fields.Find("action")->ErrorHere(parsed.error().message);
  rule.action = *parsed;
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  const Status right = CheckRelabelRule(rule);
  if (!right.ok()) return fields.ErrorAt("action", right.error().message);
  return rule;
}

}  // namespace

Result<std::vector<RelabelRule>> ReadRelabelRules(YamlMap& map, std::string_view field) {
  std::vector<RelabelRule> rules;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> list, map.OptionalList(field));
  for (const YamlNode& node : list) {
    ASSIGN_OR_RETURN(RelabelRule rule, ReadRule(node));
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace tocsin
