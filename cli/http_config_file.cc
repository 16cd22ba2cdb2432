#include "cli/http_config_file.h"

#include "config/config_reader.h"

namespace tocsin::cli {

Result<HttpClientConfig> ReadHttpConfigFile(const Arguments& arguments, CommandContext& context) {
  if (!arguments.Given("--http.config.file")) return HttpClientConfig{};
  const std::string& path = arguments.Text("--http.config.file");
  ASSIGN_OR_RETURN(const std::string text, context.files.Read(path));
  YamlOptions options;
  options.expand = [&](std::string_view value) {
    return ExpandEnvironment(context.environment, value);
  };
  ASSIGN_OR_RETURN(const YamlNode node, YamlNode::Parse(path, text, options));
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(node, "an HTTP configuration"));
  ConfigReader reader(context.files, path);
  ASSIGN_OR_RETURN(HttpClientConfig config, ReadHttpClient(map, reader));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return config;
}

void ApplyHttpConfig(const HttpClientConfig& config, HttpRequest& request) {
  request.user = config.basic_auth_user;
  request.password = config.basic_auth_password.Reveal();
  if (!config.authorization_credentials.empty()) {
    request.headers.emplace_back("Authorization", config.authorization_type + " " +
                                                      config.authorization_credentials.Reveal());
  }
  for (const auto& [name, value] : config.headers) {
    request.headers.emplace_back(name, value.Reveal());
  }
  request.tls = config.tls;
  request.follow_redirects = config.follow_redirects;
}

Result<HttpResponse> ConfiguredHttpClient::Fetch(const HttpRequest& request) {
  HttpRequest configured = request;
  ApplyHttpConfig(config_, configured);
  return http_.Fetch(configured);
}

}  // namespace tocsin::cli
