#include "config/config_reader.h"

#include <fmt/core.h>

namespace tocsin {
namespace {

constexpr size_t kMaxSecretBytes = 64 << 10;

}  // namespace

std::string ConfigReader::Resolve(const std::string& path) const {
  return ResolvePath(path_, path);
}

Result<Secret> ConfigReader::OptionalSecret(YamlMap& map, std::string_view field) {
  if (const std::optional<YamlNode> value = map.Find(field)) NoteSecret(*value);
  return OptionalText(map, field);
}

Result<Secret> ConfigReader::OptionalText(YamlMap& map, std::string_view field) {
  const std::string file_field = std::string(field) + "_file";
  const std::optional<YamlNode> value = map.Find(field);
  const std::optional<YamlNode> file = map.Find(file_field);
  if (value && file) {
    return map.ErrorAt(file_field,
                       fmt::format("at most one of {} and {} may be given", field, file_field));
  }
  if (file) return SecretFromFile(*file, file_field);
  if (!value) return Secret();
  ASSIGN_OR_RETURN(std::string text, value->AsString());
  return Secret(std::move(text));
}

Result<Secret> ConfigReader::SecretFromFile(const YamlNode& path, std::string_view field) const {
  ASSIGN_OR_RETURN(const std::string name, path.AsString());
  Result<std::string> text = files_.Read(Resolve(name), kMaxSecretBytes);
  if (!text.ok()) return path.ErrorHere(fmt::format("{}: {}", field, text.error().message));
  while (!text->empty() && std::string_view(" \t\r\n").find(text->back()) != std::string::npos) {
    text->pop_back();
  }
  return Secret(*std::move(text));
}

Result<std::string> ConfigReader::ReadFile(const YamlNode& path) const {
  ASSIGN_OR_RETURN(const std::string written, path.AsString());
  Result<std::string> text = files_.Read(Resolve(written));
  if (!text.ok()) return path.ErrorHere(text.error().message);
  return text;
}

Result<YamlNode> ConfigReader::ReadYaml(YamlMap& map, std::string_view field) const {
  ASSIGN_OR_RETURN(const YamlNode path, map.Required(field));
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return YamlNode::Parse(Resolve(path.text()), text);
}

Status ConfigReader::RefuseFields(YamlMap& map, std::span<const KnownField> fields) const {
  for (const KnownField& row : fields) {
    if (!map.Find(row.field)) continue;
    return map.ErrorAt(row.field,
                       fmt::format("\"{}\" is not supported: {}", row.field, row.advice));
  }
  return Ok();
}

void ConfigReader::IgnoreFields(YamlMap& map, std::span<const KnownField> fields) {
  for (const KnownField& row : fields) {
    if (!map.Find(row.field)) continue;
    warnings_.push_back(
        map.ErrorAt(row.field, fmt::format("\"{}\" has no effect: {}", row.field, row.advice))
            .message);
  }
}

Result<LabelSet> ReadLabels(YamlMap& map, std::string_view field) {
  LabelSet labels;
  const std::optional<YamlNode> section = map.Find(field);
  if (!section) return labels;
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, section->AsEntries());
  for (const auto& [key, value] : entries) {
    if (!IsLegacyLabelName(key.text())) {
      return key.ErrorHere(fmt::format("\"{}\" is not a valid label name", key.text()));
    }
    ASSIGN_OR_RETURN(const std::string text, value.AsString());
    labels.Set(key.text(), text);
  }
  return labels;
}

Result<std::string> ReadScheme(YamlMap& map) {
  ASSIGN_OR_RETURN(std::string scheme, map.OptionalString("scheme", "http"));
  if (scheme != "http" && scheme != "https") {
    return map.Find("scheme")->ErrorHere(
        fmt::format("the scheme must be http or https, not \"{}\"", scheme));
  }
  return scheme;
}

}  // namespace tocsin
