#include "config/config_reader.h"

#include <fmt/core.h>

namespace tocsin {
namespace {

constexpr size_t kMaxSecretBytes = 64 << 10;

// Ways of service discovery in Prometheus 3.14.
constexpr std::string_view kDiscoveries[] = {
    "azure_sd_configs",     "consul_sd_configs",     "digitalocean_sd_configs",
    "dns_sd_configs",       "docker_sd_configs",     "dockerswarm_sd_configs",
    "ec2_sd_configs",       "eureka_sd_configs",     "file_sd_configs",
    "gce_sd_configs",       "hetzner_sd_configs",    "http_sd_configs",
    "ionos_sd_configs",     "kubernetes_sd_configs", "kuma_sd_configs",
    "lightsail_sd_configs", "linode_sd_configs",     "marathon_sd_configs",
    "nerve_sd_configs",     "nomad_sd_configs",      "openstack_sd_configs",
    "ovhcloud_sd_configs",  "puppetdb_sd_configs",   "scaleway_sd_configs",
    "serverset_sd_configs", "stackit_sd_configs",    "triton_sd_configs",
    "uyuni_sd_configs",     "vultr_sd_configs",      "aws_sd_configs",
};

}  // namespace

std::string ConfigReader::Resolve(const std::string& path) const {
  return ResolvePath(path_, path);
}

Result<Secret> ConfigReader::OptionalSecret(YamlMap& map, std::string_view field) {
  const std::string file_field = std::string(field) + "_file";
  const std::optional<YamlNode> value = map.Find(field);
  const std::optional<YamlNode> file = map.Find(file_field);
  if (value && file) {
    return map.ErrorAt(file_field,
                       fmt::format("at most one of {} and {} may be given", field, file_field));
  }
  if (value) {
    NoteSecret(*value);
    ASSIGN_OR_RETURN(std::string text, value->AsString());
    return Secret(std::move(text));
  }
  if (!file) return Secret();
  ASSIGN_OR_RETURN(const std::string path, file->AsString());
  Result<std::string> text = files_.Read(Resolve(path), kMaxSecretBytes);
  if (!text.ok()) return file->ErrorHere(fmt::format("{}: {}", file_field, text.error().message));
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

Result<std::vector<StaticTargets>> ReadStaticConfigs(YamlMap& map) {
  std::vector<StaticTargets> all;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> list, map.OptionalList("static_configs"));
  for (const YamlNode& node : list) {
    ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(node, "a static config"));
    StaticTargets group;
    ASSIGN_OR_RETURN(const std::vector<YamlNode> targets, fields.OptionalList("targets"));
    for (const YamlNode& target : targets) {
      ASSIGN_OR_RETURN(std::string address, target.AsString());
      if (address.empty() || address.find('/') != std::string::npos) {
        return target.ErrorHere(
            fmt::format("\"{}\" is not a valid hostname: write host:port, without a scheme or path",
                        UrlWithoutSecrets(address)));
      }
      group.targets.push_back(std::move(address));
    }
    ASSIGN_OR_RETURN(group.labels, ReadLabels(fields, "labels"));
    RETURN_IF_ERROR(fields.RejectUnknownFields());
    all.push_back(std::move(group));
  }
  return all;
}

Result<std::string> ReadScheme(YamlMap& map) {
  ASSIGN_OR_RETURN(std::string scheme, map.OptionalString("scheme", "http"));
  if (scheme != "http" && scheme != "https") {
    return map.Find("scheme")->ErrorHere(
        fmt::format("the scheme must be http or https, not \"{}\"", scheme));
  }
  return scheme;
}

Status RefuseServiceDiscovery(YamlMap& map, const ConfigReader& reader) {
  for (const std::string_view field : kDiscoveries) {
    const KnownField row{field, "targets are listed under static_configs"};
    RETURN_IF_ERROR(reader.RefuseFields(map, {&row, 1}));
  }
  return Ok();
}

}  // namespace tocsin
