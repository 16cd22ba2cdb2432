#include <fmt/core.h>

#include "config/config_reader.h"

namespace tocsin {
namespace {

constexpr KnownField kRefused[] = {
    {"oauth2", "put a token into authorization.credentials_file"},
    {"sigv4", "AWS request signing does not exist here"},
    {"azuread", "Azure request signing does not exist here"},
    {"google_iam", "Google request signing does not exist here"},
};
constexpr KnownField kIgnored[] = {
    {"enable_http2", "the protocol is chosen by the peers"},
};

Status ReadBasicAuth(YamlMap& map, ConfigReader& reader, HttpClientConfig& config) {
  const std::optional<YamlNode> section = map.Find("basic_auth");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(*section, "basic_auth"));
  ASSIGN_OR_RETURN(const Secret user, reader.OptionalText(fields, "username"));
  config.basic_auth_user = user.Reveal();
  ASSIGN_OR_RETURN(config.basic_auth_password, reader.OptionalSecret(fields, "password"));
  return fields.RejectUnknownFields();
}

Status ReadAuthorization(YamlMap& map, ConfigReader& reader, HttpClientConfig& config) {
  ASSIGN_OR_RETURN(config.authorization_credentials, reader.OptionalSecret(map, "bearer_token"));
  const std::optional<YamlNode> section = map.Find("authorization");
  if (!section) return Ok();
  if (!config.authorization_credentials.empty()) {
    return map.ErrorAt("authorization", "at most one of authorization and bearer_token");
  }
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(*section, "authorization"));
  ASSIGN_OR_RETURN(config.authorization_type, fields.OptionalString("type", "Bearer"));
  if (config.authorization_type == "Basic" || config.authorization_type == "basic") {
    return fields.ErrorAt("type", "use basic_auth for the type \"Basic\"");
  }
  ASSIGN_OR_RETURN(config.authorization_credentials, reader.OptionalSecret(fields, "credentials"));
  return fields.RejectUnknownFields();
}

// One of `text_field` (PEM) and `file_field`.
Status ReadPem(YamlMap& fields, const ConfigReader& reader, std::string_view text_field,
               std::string& text, std::string& file) {
  const std::string file_field = std::string(text_field) + "_file";
  ASSIGN_OR_RETURN(text, fields.OptionalString(text_field));
  ASSIGN_OR_RETURN(file, fields.OptionalString(file_field));
  if (!text.empty() && !file.empty()) {
    return fields.ErrorAt(
        file_field, fmt::format("at most one of {} and {} may be given", text_field, file_field));
  }
  if (!file.empty()) file = reader.Resolve(file);
  return Ok();
}

// A mapping of names to lists of secrets.
Status ReadConnectHeaders(YamlMap& map, ConfigReader& reader, ProxyOptions& proxy) {
  const std::optional<YamlNode> section = map.Find("proxy_connect_header");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, section->AsEntries());
  for (const auto& [name, values] : entries) {
    ASSIGN_OR_RETURN(const std::vector<YamlNode> list, values.AsList());
    for (const YamlNode& value : list) {
      reader.NoteSecret(value);
      ASSIGN_OR_RETURN(std::string text, value.AsString());
      proxy.connect_headers.emplace_back(name.text(), std::move(text));
    }
  }
  return Ok();
}

Status ReadProxy(YamlMap& map, ConfigReader& reader, ProxyOptions& proxy) {
  ASSIGN_OR_RETURN(proxy.url, map.OptionalString("proxy_url"));
  if (UrlWithoutSecrets(proxy.url) != proxy.url) reader.NoteSecret(*map.Find("proxy_url"));
  ASSIGN_OR_RETURN(proxy.no_proxy, map.OptionalString("no_proxy"));
  ASSIGN_OR_RETURN(proxy.from_environment, map.OptionalBool("proxy_from_environment", false));
  RETURN_IF_ERROR(ReadConnectHeaders(map, reader, proxy));
  if (proxy.from_environment && (!proxy.url.empty() || !proxy.no_proxy.empty())) {
    return map.ErrorAt("proxy_from_environment",
                       "if proxy_from_environment is configured, proxy_url and no_proxy must not "
                       "be configured");
  }
  if (!proxy.no_proxy.empty() && proxy.url.empty()) {
    return map.ErrorAt("no_proxy", "if no_proxy is configured, proxy_url must also be configured");
  }
  if (!proxy.connect_headers.empty() && proxy.url.empty() && !proxy.from_environment) {
    return map.ErrorAt("proxy_connect_header",
                       "if proxy_connect_header is configured, proxy_url or "
                       "proxy_from_environment must also be configured");
  }
  return Ok();
}

// http_headers: {Name: {values: […], secrets: […], files: […]}}
Status ReadHeader(const std::string& name, const YamlNode& value, ConfigReader& reader,
                  HttpClientConfig& config) {
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(value, "a header"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> values, fields.OptionalList("values"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> secrets, fields.OptionalList("secrets"));
  ASSIGN_OR_RETURN(const std::vector<YamlNode> files, fields.OptionalList("files"));
  for (const YamlNode& text : values) {
    ASSIGN_OR_RETURN(std::string plain, text.AsString());
    config.headers.emplace_back(name, Secret(std::move(plain)));
  }
  for (const YamlNode& text : secrets) {
    reader.NoteSecret(text);
    ASSIGN_OR_RETURN(std::string hidden, text.AsString());
    config.headers.emplace_back(name, Secret(std::move(hidden)));
  }
  for (const YamlNode& file : files) {
    ASSIGN_OR_RETURN(Secret hidden, reader.SecretFromFile(file, "files"));
    config.headers.emplace_back(name, std::move(hidden));
  }
  return fields.RejectUnknownFields();
}

Status ReadHeaders(YamlMap& map, ConfigReader& reader, HttpClientConfig& config) {
  const std::optional<YamlNode> section = map.Find("http_headers");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, section->AsEntries());
  for (const auto& [name, value] : entries) {
    RETURN_IF_ERROR(ReadHeader(name.text(), value, reader, config));
  }
  return Ok();
}

}  // namespace

Status ReadTls(YamlMap& map, ConfigReader& reader, TlsOptions& tls) {
  constexpr KnownField kRefusedTls[] = {{"max_version", "the peers agree on the version"}};
  constexpr KnownField kIgnoredTls[] = {{"min_version", "TLS 1.2 is the least that is spoken"}};
  const std::optional<YamlNode> section = map.Find("tls_config");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(*section, "tls_config"));
  if (const std::optional<YamlNode> key = fields.Find("key")) reader.NoteSecret(*key);
  RETURN_IF_ERROR(reader.RefuseFields(fields, kRefusedTls));
  reader.IgnoreFields(fields, kIgnoredTls);
  RETURN_IF_ERROR(ReadPem(fields, reader, "ca", tls.ca, tls.ca_file));
  RETURN_IF_ERROR(ReadPem(fields, reader, "cert", tls.certificate, tls.certificate_file));
  RETURN_IF_ERROR(ReadPem(fields, reader, "key", tls.key, tls.key_file));
  const bool certificate = !tls.certificate.empty() || !tls.certificate_file.empty();
  const bool key = !tls.key.empty() || !tls.key_file.empty();
  if (certificate != key) {
    return map.ErrorAt("tls_config", certificate
                                         ? "cert or cert_file needs a key or key_file beside it"
                                         : "key or key_file needs a cert or cert_file beside it");
  }
  ASSIGN_OR_RETURN(tls.server_name, fields.OptionalString("server_name"));
  ASSIGN_OR_RETURN(tls.insecure_skip_verify, fields.OptionalBool("insecure_skip_verify", false));
  return fields.RejectUnknownFields();
}

Result<HttpClientConfig> ReadHttpClient(YamlMap& map, ConfigReader& reader) {
  HttpClientConfig config;
  RETURN_IF_ERROR(reader.RefuseFields(map, kRefused));
  reader.IgnoreFields(map, kIgnored);
  RETURN_IF_ERROR(ReadBasicAuth(map, reader, config));
  RETURN_IF_ERROR(ReadAuthorization(map, reader, config));
  if (!config.basic_auth_user.empty() && !config.authorization_credentials.empty()) {
    return map.ErrorAt("basic_auth", "at most one of basic_auth, authorization and bearer_token");
  }
  RETURN_IF_ERROR(ReadTls(map, reader, config.tls));
  RETURN_IF_ERROR(ReadProxy(map, reader, config.proxy));
  RETURN_IF_ERROR(ReadHeaders(map, reader, config));
  ASSIGN_OR_RETURN(config.follow_redirects, map.OptionalBool("follow_redirects", true));
  return config;
}

void Configure(HttpRequest& request, const HttpClientConfig& config) {
  request.user = config.basic_auth_user;
  request.password = config.basic_auth_password.Reveal();
  request.tls = config.tls;
  request.proxy = config.proxy;
  request.follow_redirects = config.follow_redirects;
  if (!config.authorization_credentials.empty()) {
    request.headers.emplace_back("Authorization", config.authorization_type + " " +
                                                      config.authorization_credentials.Reveal());
  }
  for (const auto& [name, value] : config.headers) {
    request.headers.emplace_back(name, value.Reveal());
  }
}

}  // namespace tocsin
