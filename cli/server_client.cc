#include "cli/server_client.h"

namespace tocsin::cli {

std::string NormalServerUrl(std::string url) {
  if (url.find("://") == std::string::npos) url.insert(0, "http://");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

Result<JsonValue> AskApi(HttpClient& http, const std::string& server, std::string_view path,
                         const QueryParameters& parameters) {
  HttpRequest request;
  request.url = NormalServerUrl(server) + std::string(path);
  // Longer than any server's own limit for a query, whose message says more.
  request.timeout = std::chrono::minutes(3);
  for (const auto& [name, value] : parameters) {
    request.body += (request.body.empty() ? "" : "&") + name + "=" + UrlEncode(value);
  }
  if (!parameters.empty()) {
    request.method = "POST";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  }
  ASSIGN_OR_RETURN(const HttpResponse response, http.Fetch(request));
  const std::string place = UrlWithoutSecrets(request.url);
  Result<JsonValue> answer = JsonValue::Parse(response.body);
  if (!answer.ok() || answer->Find("status") == nullptr) {
    return Unavailable(place + ": status " + std::to_string(response.status) +
                       ", not an answer of Prometheus' API");
  }
  if (answer->Find("status")->TextOrEmpty() != "success") {
    const JsonValue* error = answer->Find("error");
    return ExecutionError(error == nullptr ? place + ": failed"
                                           : std::string(error->TextOrEmpty()));
  }
  const JsonValue* data = answer->Find("data");
  return data == nullptr ? JsonValue() : *data;
}

}  // namespace tocsin::cli
