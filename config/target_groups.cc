#include "config/target_groups.h"

#include <fmt/core.h>

#include "base/json.h"
#include "config/config_reader.h"

namespace tocsin {
namespace {

// A host and port, without a scheme or path.
Status CheckAddress(const std::string& address) {
  if (!address.empty() && address.find('/') == std::string::npos) return Ok();
  return InvalidArgument(
      fmt::format("\"{}\" is not a valid hostname: write host:port, without a scheme or path",
                  UrlWithoutSecrets(address)));
}

Result<StaticTargets> ReadGroup(const YamlNode& node) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a group of targets"));
  StaticTargets group;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> targets, fields.OptionalList("targets"));
  for (const YamlNode& target : targets) {
    ASSIGN_OR_RETURN(std::string address, target.AsString());
    if (const Status status = CheckAddress(address); !status.ok()) {
      return target.ErrorHere(status.error().message);
    }
    group.targets.push_back(std::move(address));
  }
  ASSIGN_OR_RETURN(group.labels, ReadLabels(fields, "labels"));
  RETURN_IF_ERROR(fields.RejectUnknownFields());
  return group;
}

Status ReadJsonTargets(const JsonValue& value, StaticTargets& group) {
  if (value.AsArray() == nullptr) return InvalidArgument("\"targets\" must be an array");
  for (const JsonValue& target : *value.AsArray()) {
    if (target.AsString() == nullptr) return InvalidArgument("a target must be a string");
    RETURN_IF_ERROR(CheckAddress(*target.AsString()));
    group.targets.push_back(*target.AsString());
  }
  return Ok();
}

Status ReadJsonLabels(const JsonValue& value, StaticTargets& group) {
  if (value.is_null()) return Ok();
  if (value.AsObject() == nullptr) return InvalidArgument("\"labels\" must be an object");
  for (const auto& [name, text] : *value.AsObject()) {
    if (!IsLegacyLabelName(name)) {
      return InvalidArgument(fmt::format("\"{}\" is not a valid label name", name));
    }
    if (text.AsString() == nullptr) {
      return InvalidArgument(fmt::format("the label \"{}\" must be a string", name));
    }
    group.labels.Set(name, *text.AsString());
  }
  return Ok();
}

Result<StaticTargets> ReadJsonGroup(const JsonValue& value) {
  if (value.AsObject() == nullptr) return InvalidArgument("must be an object");
  StaticTargets group;
  for (const auto& [name, field] : *value.AsObject()) {
    if (name == "targets") {
      RETURN_IF_ERROR(ReadJsonTargets(field, group));
    } else if (name == "labels") {
      RETURN_IF_ERROR(ReadJsonLabels(field, group));
    } else {
      return InvalidArgument(fmt::format("unknown field \"{}\"", name));
    }
  }
  return group;
}

}  // namespace

Result<std::vector<StaticTargets>> ReadTargetGroups(const YamlNode& list) {
  std::vector<StaticTargets> groups;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, list.AsList());
  for (const YamlNode& node : nodes) {
    ASSIGN_OR_RETURN(StaticTargets group, ReadGroup(node));
    groups.push_back(std::move(group));
  }
  return groups;
}

Result<std::vector<StaticTargets>> ParseJsonTargetGroups(std::string_view text) {
  ASSIGN_OR_RETURN(const JsonValue document, JsonValue::Parse(text));
  if (document.AsArray() == nullptr) {
    return InvalidArgument("expected an array of groups of targets");
  }
  std::vector<StaticTargets> groups;
  for (const JsonValue& value : *document.AsArray()) {
    Result<StaticTargets> group = ReadJsonGroup(value);
    if (!group.ok()) {
      return Prefixed(fmt::format("group {}: ", groups.size() + 1), group.error());
    }
    groups.push_back(*std::move(group));
  }
  return groups;
}

Result<std::vector<StaticTargets>> ReadStaticConfigs(YamlMap& map) {
  const std::optional<YamlNode> list = map.Find("static_configs");
  if (!list) return std::vector<StaticTargets>();
  return ReadTargetGroups(*list);
}

}  // namespace tocsin
