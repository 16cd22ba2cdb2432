// tocsin check web-config: the file of Prometheus' --web.config.file.
//
// Source of the format: prometheus.io/docs/prometheus/latest/configuration/https.
#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "cli/commands.h"
#include "cli/findings_report.h"
#include "config/yaml_reader.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {kReportFormatFlag};

Status OneOf(YamlMap& map, std::string_view field, std::initializer_list<std::string_view> values) {
  const std::optional<YamlNode> node = map.Find(field);
  if (!node || node->text().empty()) return Ok();
  if (std::ranges::find(values, node->text()) != values.end()) return Ok();
  std::string known;
  for (const std::string_view value : values)
    known += (known.empty() ? "" : ", ") + std::string(value);
  return node->ErrorHere(fmt::format("{}: \"{}\" is not one of {}", field, node->text(), known));
}

// A PEM file that is there and has such a block.
Status CheckPem(const FileSystem& files, const std::string& web_config, const YamlNode& node,
                std::string_view block) {
  const std::string path = ResolvePath(web_config, node.text());
  const Result<std::string> text = files.Read(path);
  if (!text.ok()) return node.ErrorHere(text.error().message);
  if (text->find(fmt::format("-----BEGIN {}", block)) == std::string::npos &&
      text->find(fmt::format("{}-----", block)) == std::string::npos) {
    return node.ErrorHere(path + ": no PEM block of a " + std::string(block));
  }
  return Ok();
}

Status CheckTls(YamlMap& root, const FileSystem& files, const std::string& path) {
  const std::optional<YamlNode> section = root.Find("tls_server_config");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(YamlMap tls, YamlMap::Open(*section, "tls_server_config"));
  struct Half {
    const char* field;
    const char* block;
  };
  for (const Half half : {Half{"cert", "CERTIFICATE"}, Half{"key", "PRIVATE KEY"}}) {
    const std::string file_field = std::string(half.field) + "_file";
    const std::optional<YamlNode> file = tls.Find(file_field);
    const std::optional<YamlNode> text = tls.Find(half.field);
    if (!file && !text) return tls.ErrorAt(file_field, fmt::format("missing {}", file_field));
    if (file && text) {
      return tls.ErrorAt(file_field,
                         fmt::format("at most one of {} and {}", half.field, file_field));
    }
    if (file) RETURN_IF_ERROR(CheckPem(files, path, *file, half.block));
  }
  RETURN_IF_ERROR(
      OneOf(tls, "client_auth_type",
            {"NoClientCert", "RequestClientCert", "RequireClientCert", "RequireAnyClientCert",
             "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"}));
  const std::optional<YamlNode> authority = tls.Find("client_ca_file");
  if (authority) RETURN_IF_ERROR(CheckPem(files, path, *authority, "CERTIFICATE"));
  for (const char* field : {"min_version", "max_version"}) {
    RETURN_IF_ERROR(OneOf(tls, field, {"TLS10", "TLS11", "TLS12", "TLS13"}));
  }
  for (const char* field : {"client_ca", "client_allowed_sans", "cipher_suites",
                            "prefer_server_cipher_suites", "curve_preferences"}) {
    tls.Accept(field);
  }
  return tls.RejectUnknownFields();
}

Status CheckHttp(YamlMap& root) {
  const std::optional<YamlNode> section = root.Find("http_server_config");
  if (!section) return Ok();
  ASSIGN_OR_RETURN(YamlMap http, YamlMap::Open(*section, "http_server_config"));
  ASSIGN_OR_RETURN([[maybe_unused]] const bool http2, http.OptionalBool("http2", true));
  ASSIGN_OR_RETURN(const auto headers, http.OptionalStringMap("headers"));
  constexpr std::string_view kAllowed[] = {
      "Content-Security-Policy", "X-Frame-Options",           "X-Content-Type-Options",
      "X-XSS-Protection",        "Strict-Transport-Security", "Access-Control-Allow-Origin"};
  for (const auto& [name, value] : headers) {
    if (std::ranges::find(kAllowed, name) == std::end(kAllowed)) {
      return http.ErrorAt("headers", fmt::format("HTTP header \"{}\" can not be configured", name));
    }
  }
  return http.RejectUnknownFields();
}

// $2a$10$ and 53 characters of bcrypt's own base 64.
bool IsBcrypt(std::string_view hash) {
  if (hash.size() != 60 || !hash.starts_with("$2") || hash[3] != '$' || hash[6] != '$')
    return false;
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  if (!is_digit(hash[4]) || !is_digit(hash[5])) return false;
  return std::ranges::all_of(
      hash.substr(7), [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '/'; });
}

Status CheckUsers(YamlMap& root) {
  const std::optional<YamlNode> users = root.Find("basic_auth_users");
  if (!users) return Ok();
  ASSIGN_OR_RETURN(const std::vector<YamlNode::Entry> entries, users->AsEntries());
  for (const auto& [name, hash] : entries) {
    if (IsBcrypt(hash.text())) continue;
    return hash.ErrorHere(fmt::format(
        "the password of \"{}\" is not a bcrypt hash; make one with: htpasswd -nBC 10 \"\"",
        name.text()));
  }
  return Ok();
}

Status Check(const FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, files.Read(path));
  ASSIGN_OR_RETURN(const YamlNode node, YamlNode::Parse(path, text));
  ASSIGN_OR_RETURN(YamlMap root, YamlMap::Open(node, "a web configuration"));
  RETURN_IF_ERROR(CheckTls(root, files, path));
  RETURN_IF_ERROR(CheckHttp(root));
  RETURN_IF_ERROR(CheckUsers(root));
  root.Accept("rate_limit");
  return root.RejectUnknownFields();
}

int RunCheckWebConfig(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("check web-config", arguments, context);
  if (!report.ok()) return kExitUsage;
  for (const std::string& path : arguments.positional()) {
    const Status status = Check(context.files, path);
    if (status.ok()) {
      report->Say(path + " SUCCESS\n");
      continue;
    }
    std::string words = path + " FAILED: " + status.error().message + "\n";
    for (Finding& finding : FindingsOf(status.error(), path, "web-config/syntax")) {
      report->AddAs(std::move(finding), std::exchange(words, ""));
    }
  }
  return report->Finish();
}

}  // namespace

const CommandSpec kCheckWebConfigCommand = {
    .name = "check web-config",
    .summary = "Check files of Prometheus' --web.config.file: TLS, headers, users.",
    .positional = "FILE...",
    .flags = kFlags,
    .examples = "tocsin check web-config web.yml",
    .run = &RunCheckWebConfig,
};

}  // namespace tocsin::cli
