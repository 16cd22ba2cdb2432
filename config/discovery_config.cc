#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/regex.h"
#include "config/config_reader.h"

namespace tocsin {
namespace {

constexpr KnownField Elsewhere(std::string_view field) {
  return {field, "let it write a file for file_sd_configs, or answer http_sd_configs"};
}

// Ways of service discovery in Prometheus 3.14 that ask somebody's own interface.
constexpr KnownField kRefused[] = {
    Elsewhere("azure_sd_configs"),        Elsewhere("consul_sd_configs"),
    Elsewhere("digitalocean_sd_configs"), Elsewhere("docker_sd_configs"),
    Elsewhere("dockerswarm_sd_configs"),  Elsewhere("ec2_sd_configs"),
    Elsewhere("eureka_sd_configs"),       Elsewhere("gce_sd_configs"),
    Elsewhere("hetzner_sd_configs"),      Elsewhere("ionos_sd_configs"),
    Elsewhere("kubernetes_sd_configs"),   Elsewhere("kuma_sd_configs"),
    Elsewhere("lightsail_sd_configs"),    Elsewhere("linode_sd_configs"),
    Elsewhere("marathon_sd_configs"),     Elsewhere("nerve_sd_configs"),
    Elsewhere("nomad_sd_configs"),        Elsewhere("openstack_sd_configs"),
    Elsewhere("ovhcloud_sd_configs"),     Elsewhere("puppetdb_sd_configs"),
    Elsewhere("scaleway_sd_configs"),     Elsewhere("serverset_sd_configs"),
    Elsewhere("stackit_sd_configs"),      Elsewhere("triton_sd_configs"),
    Elsewhere("uyuni_sd_configs"),        Elsewhere("vultr_sd_configs"),
    Elsewhere("aws_sd_configs"),
};

struct RecordTypeName {
  std::string_view name;
  DnsRecordType type;
};
constexpr RecordTypeName kRecordTypes[] = {
    {"A", DnsRecordType::kA},   {"AAAA", DnsRecordType::kAaaa}, {"SRV", DnsRecordType::kSrv},
    {"MX", DnsRecordType::kMx}, {"NS", DnsRecordType::kNs},
};

Result<Duration> RefreshInterval(YamlMap& map, Duration otherwise) {
  ASSIGN_OR_RETURN(const Duration interval, map.OptionalDuration("refresh_interval", otherwise));
  if (interval > Duration::zero()) return interval;
  return map.ErrorAt("refresh_interval", "refresh_interval must be longer than 0");
}

// Only names that end like this are read, and a wildcard stands in the last part only.
Status CheckPattern(const YamlNode& node, const std::string& pattern) {
  constexpr std::array<std::string_view, 6> kEndings = {".json", ".yml", ".yaml",
                                                        ".JSON", ".YML", ".YAML"};
  const bool known_ending = std::ranges::any_of(
      kEndings, [&](std::string_view ending) { return pattern.ends_with(ending); });
  const size_t star = pattern.find('*');
  const bool late = star == std::string::npos || pattern.find('/', star) == std::string::npos;
  if (known_ending && late) return Ok();
  return node.ErrorHere(
      fmt::format("path name \"{}\" is not valid for file discovery: it must end in .json, .yml or "
                  ".yaml, with a wildcard in its last part only",
                  pattern));
}

Result<FileDiscovery> ReadFile(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a file_sd config"));
  FileDiscovery config;
  ASSIGN_OR_RETURN(const std::vector<YamlNode> files, map.OptionalList("files"));
  for (const YamlNode& file : files) {
    ASSIGN_OR_RETURN(const std::string pattern, file.AsString());
    RETURN_IF_ERROR(CheckPattern(file, pattern));
    config.patterns.push_back(reader.Resolve(pattern));
  }
  if (config.patterns.empty()) {
    return map.ErrorAt("files",
                       "file service discovery config must contain at least one path name");
  }
  ASSIGN_OR_RETURN(config.refresh_interval, RefreshInterval(map, config.refresh_interval));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return config;
}

Result<HttpDiscovery> ReadHttp(const YamlNode& node, ConfigReader& reader) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an http_sd config"));
  HttpDiscovery config;
  ASSIGN_OR_RETURN(config.url, map.OptionalString("url"));
  if (config.url.empty()) return map.ErrorAt("url", "URL is missing");
  if (UrlWithoutSecrets(config.url) != config.url) reader.NoteSecret(*map.Find("url"));
  const size_t scheme = config.url.find("://");
  const std::string_view name = std::string_view(config.url).substr(0, scheme);
  if (scheme == std::string::npos || (name != "http" && name != "https")) {
    return map.ErrorAt("url", "URL scheme must be 'http' or 'https'");
  }
  if (config.url.find_first_of("/?#", scheme + 3) == scheme + 3 ||
      config.url.size() == scheme + 3) {
    return map.ErrorAt("url", "host is missing in URL");
  }
  ASSIGN_OR_RETURN(config.refresh_interval, RefreshInterval(map, config.refresh_interval));
  ASSIGN_OR_RETURN(config.http, ReadHttpClient(map, reader));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return config;
}

Result<DnsDiscovery> ReadDns(const YamlNode& node, ConfigReader& /*reader*/) {
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "a dns_sd config"));
  DnsDiscovery config;
  ASSIGN_OR_RETURN(config.names, map.OptionalStringList("names"));
  if (config.names.empty()) {
    return map.ErrorAt("names", "DNS-SD config must contain at least one name");
  }
  ASSIGN_OR_RETURN(std::string type, map.OptionalString("type", "SRV"));
  std::ranges::transform(type, type.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  const auto* const row = std::ranges::find(kRecordTypes, type, &RecordTypeName::name);
  if (row == std::end(kRecordTypes)) {
    return map.ErrorAt(
        "type",
        fmt::format("invalid DNS-SD records type \"{}\": one of A, AAAA, SRV, MX, NS", type));
  }
  config.type = row->type;
  ASSIGN_OR_RETURN(const int64_t port, map.OptionalInt("port", 0));
  if (port < 0 || port > 65535) return map.ErrorAt("port", "a port is between 1 and 65535");
  config.port = static_cast<int>(port);
  if (config.port == 0 && config.type != DnsRecordType::kSrv) {
    return map.ErrorAt("port",
                       "a port is required in DNS-SD configs for all record types except SRV");
  }
  ASSIGN_OR_RETURN(config.refresh_interval, RefreshInterval(map, config.refresh_interval));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return config;
}

template <typename Mechanism>
Status ReadList(YamlMap& map, ConfigReader& reader, std::string_view field,
                Result<Mechanism> (*read)(const YamlNode&, ConfigReader&),
                std::vector<Mechanism>& list) {
  ASSIGN_OR_RETURN(const std::vector<YamlNode> nodes, map.OptionalList(field));
  for (const YamlNode& node : nodes) {
    ASSIGN_OR_RETURN(Mechanism one, read(node, reader));
    list.push_back(std::move(one));
  }
  return Ok();
}

}  // namespace

Result<TargetDiscovery> ReadDiscovery(YamlMap& map, ConfigReader& reader) {
  TargetDiscovery discovery;
  RETURN_IF_ERROR(reader.RefuseFields(map, kRefused));
  RETURN_IF_ERROR(ReadList(map, reader, "file_sd_configs", &ReadFile, discovery.file));
  RETURN_IF_ERROR(ReadList(map, reader, "http_sd_configs", &ReadHttp, discovery.http));
  RETURN_IF_ERROR(ReadList(map, reader, "dns_sd_configs", &ReadDns, discovery.dns));
  return discovery;
}

}  // namespace tocsin
