// The fields of a mapping: each read by its name, and what nobody has read is an error.
#include <fmt/core.h>

#include <algorithm>

#include "config/yaml_reader.h"

namespace tocsin {

Result<YamlMap> YamlMap::Open(const YamlNode& node, std::string_view what) {
  if (!node.is_null() && node.kind() != YamlNode::Kind::kMap) {
    return node.ErrorHere(fmt::format("{} must be a mapping of fields", what));
  }
  ASSIGN_OR_RETURN(std::vector<YamlNode::Entry> entries, node.AsEntries());
  return YamlMap(node, std::string(what), std::move(entries));
}

std::optional<YamlNode> YamlMap::Find(std::string_view field) {
  if (std::ranges::find(known_, field) == known_.end()) known_.emplace_back(field);
  for (const auto& [key, value] : entries_) {
    if (key.text() != field) continue;
    if (value.is_null()) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

Error YamlMap::ErrorAt(std::string_view field, std::string_view message) const {
  for (const auto& [key, value] : entries_) {
    if (key.text() == field) return key.ErrorHere(message);
  }
  return node_.ErrorHere(message);
}

Result<YamlNode> YamlMap::Required(std::string_view field) {
  if (std::optional<YamlNode> found = Find(field)) return *std::move(found);
  return ErrorAt(field, fmt::format("{} needs the field \"{}\"", what_, field));
}

Result<std::string> YamlMap::RequiredString(std::string_view field) {
  ASSIGN_OR_RETURN(const YamlNode value, Required(field));
  return value.AsString();
}

Result<std::string> YamlMap::OptionalString(std::string_view field, std::string otherwise) {
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsString() : Result<std::string>(std::move(otherwise));
}

Result<bool> YamlMap::OptionalBool(std::string_view field, bool otherwise) {
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsBool() : Result<bool>(otherwise);
}

Result<int64_t> YamlMap::OptionalInt(std::string_view field, int64_t otherwise) {
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsInt() : Result<int64_t>(otherwise);
}

Result<double> YamlMap::OptionalDouble(std::string_view field, double otherwise) {
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsDouble() : Result<double>(otherwise);
}

Result<Duration> YamlMap::OptionalDuration(std::string_view field, Duration otherwise) {
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsDuration() : Result<Duration>(otherwise);
}

Result<uint64_t> YamlMap::OptionalBytes(std::string_view field, uint64_t otherwise) {
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsBytes() : Result<uint64_t>(otherwise);
}

Result<std::vector<YamlNode>> YamlMap::OptionalList(std::string_view field) {
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsList() : Result<std::vector<YamlNode>>(std::vector<YamlNode>());
}

Result<std::vector<std::string>> YamlMap::OptionalStringList(std::string_view field) {
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsStringList()
               : Result<std::vector<std::string>>(std::vector<std::string>());
}

Result<std::vector<std::pair<std::string, std::string>>> YamlMap::OptionalStringMap(
    std::string_view field) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  const std::optional<YamlNode> value = Find(field);
  return value ? value->AsStringMap() : Result<Pairs>(Pairs());
}

Status YamlMap::RejectUnknownFields() const {
  for (const auto& [key, value] : entries_) {
    if (std::ranges::find(known_, key.text()) != known_.end()) continue;
    const std::string_view nearest = NearestWord(key.text(), known_);
    if (!nearest.empty()) {
      return key.ErrorHere(
          fmt::format("unknown field \"{}\"; did you mean \"{}\"?", key.text(), nearest));
    }
    return key.ErrorHere(fmt::format("unknown field \"{}\" in {}", key.text(), what_));
  }
  return Ok();
}

namespace {

// Edits to get from one word to the other: insert, delete, replace, swap neighbours.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string_view NearestWord(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 64) return {};
  std::string_view nearest;
  size_t best = std::max<size_t>(word.size() / 3, 1) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace tocsin
