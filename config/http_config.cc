#include <fmt/core.h>

#include "config/config_reader.h"

namespace tocsin {
namespace {

constexpr KnownField kRefused[] = {
    {"oauth2", "put a token into authorization.credentials_file"},
    {"sigv4", "AWS request signing does not exist here"},
    {"azuread", "Azure request signing does not exist here"},
    {"google_iam", "Google request signing does not exist here"},
    {"proxy_url", "connections are made directly"},
    {"proxy_from_environment", "connections are made directly"},
    {"proxy_connect_header", "connections are made directly"},
    {"no_proxy", "connections are made directly"},
};
constexpr KnownField kIgnored[] = {
    {"enable_http2", "the protocol is chosen by the peers"},
};

Status ReadBasicAuth(YamlMap& map, ConfigReader& reader, HttpClientConfig& config) {
  const std::optional<YamlNode> section = map.Find("basic_auth");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(*section, "basic_auth"));
  ASSIGN_OR_RETURN(config.basic_auth_user, fields.OptionalString("username"));
  if (const std::optional<YamlNode> file = fields.Find("username_file")) {
    return file->ErrorHere("\"username_file\" is not supported: write username");
  }
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

// http_headers: {Name: {values: […], secrets: […], files: […]}}
Status ReadHeaders(YamlMap& map, ConfigReader& reader, HttpClientConfig& config) {
  const std::optional<YamlNode> section = map.Find("http_headers");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, section->AsEntries());
  for (const auto& [name, value] : entries) {
    ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(value, "a header"));
    ASSIGN_OR_RETURN(const std::vector<YamlNode> values, fields.OptionalList("values"));
    ASSIGN_OR_RETURN(const std::vector<YamlNode> secrets, fields.OptionalList("secrets"));
    constexpr KnownField kFiles[] = {{"files", "use secrets with ${VAR}"}};
    RETURN_IF_ERROR(reader.RefuseFields(fields, kFiles));
    for (const YamlNode& text : values) {
      ASSIGN_OR_RETURN(std::string plain, text.AsString());
      config.headers.emplace_back(name.text(), Secret(std::move(plain)));
    }
    for (const YamlNode& text : secrets) {
      reader.NoteSecret(text);
      ASSIGN_OR_RETURN(std::string hidden, text.AsString());
      config.headers.emplace_back(name.text(), Secret(std::move(hidden)));
    }
    RETURN_IF_ERROR(fields.RejectUnknownFields());
  }
  return Ok();
}

}  // namespace

Status ReadTls(YamlMap& map, ConfigReader& reader, TlsOptions& tls) {
  constexpr KnownField kRefusedTls[] = {
      {"ca", "write the certificate to a file and use ca_file"},
      {"cert", "write the certificate to a file and use cert_file"},
      {"key", "write the key to a file and use key_file"},
      {"max_version", "the peers agree on the version"},
  };
  constexpr KnownField kIgnoredTls[] = {{"min_version", "TLS 1.2 is the least that is spoken"}};
  const std::optional<YamlNode> section = map.Find("tls_config");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(YamlMap fields, YamlMap::Open(*section, "tls_config"));
  if (const std::optional<YamlNode> key = fields.Find("key")) reader.NoteSecret(*key);
  RETURN_IF_ERROR(reader.RefuseFields(fields, kRefusedTls));
  reader.IgnoreFields(fields, kIgnoredTls);
  const auto path = [&](std::string_view field) -> Result<std::string> {
    ASSIGN_OR_RETURN(const std::string text, fields.OptionalString(field));
    return text.empty() ? text : reader.Resolve(text);
  };
  ASSIGN_OR_RETURN(tls.ca_file, path("ca_file"));
  ASSIGN_OR_RETURN(tls.certificate_file, path("cert_file"));
  ASSIGN_OR_RETURN(tls.key_file, path("key_file"));
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
  RETURN_IF_ERROR(ReadHeaders(map, reader, config));
  ASSIGN_OR_RETURN(config.follow_redirects, map.OptionalBool("follow_redirects", true));
  return config;
}

}  // namespace tocsin
