// --http.config.file: how to reach a server, in Prometheus' format.
#pragma once

#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "cli/command.h"
#include "config/config.h"

namespace tocsin::cli {

constexpr FlagSpec kHttpConfigFileFlag = {
    .name = "--http.config.file",
    .value = "FILE",
    .help = "How to reach the server: basic_auth, authorization, tls_config, http_headers."};

// The flag's file; the plain configuration when it is not given.
Result<HttpClientConfig> ReadHttpConfigFile(const Arguments& arguments, CommandContext& context);
// Puts credentials, headers and TLS into the request.
void ApplyHttpConfig(const HttpClientConfig& config, HttpRequest& request);

// Every request with the configuration applied. Both must outlive the object.
class ConfiguredHttpClient final : public HttpClient {
 public:
  ConfiguredHttpClient(HttpClient& http, const HttpClientConfig& config)
      : http_(http), config_(config) {}
  Result<HttpResponse> Fetch(const HttpRequest& request) override;

 private:
  HttpClient& http_;
  const HttpClientConfig& config_;
};

}  // namespace tocsin::cli
