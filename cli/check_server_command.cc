// tocsin check healthy, tocsin check ready.
#include <fmt/core.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/http_config_file.h"
#include "cli/server_client.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--url",
     .value = "URL",
     .fallback = "http://localhost:9090",
     .help = "The server: a Prometheus, a tocsin, an Alertmanager."},
    kHttpConfigFileFlag,
    kReportFormatFlag,
};

int Check(std::string_view command, std::string_view path, const Arguments& arguments,
          CommandContext& context) {
  Result<FindingsReport> report = OpenReport(fmt::format("check {}", command), arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<HttpClientConfig> config = ReadHttpConfigFile(arguments, context);
  if (!config.ok()) {
    context.err(fmt::format("tocsin check {}: {}\n", command, config.error().message));
    return kExitUsage;
  }
  HttpRequest request;
  request.url = NormalServerUrl(arguments.Text("--url")) + std::string(path);
  ApplyHttpConfig(*config, request);
  const std::string url = UrlWithoutSecrets(request.url);
  report->AddMember("url", JsonWriter().String(url).Take());
  const auto fail = [&](std::string message) {
    const std::string words = "  FAILED: " + message + "\n";
    report->AddAs({.check = fmt::format("server/{}", command), .message = std::move(message)},
                  words);
    return report->Finish();
  };
  const Result<HttpResponse> response = context.http.Fetch(request);
  if (!response.ok()) return fail(response.error().message);
  if (response->status != 200) {
    return fail(fmt::format("check failed: URL={}, status={}", url, response->status));
  }
  std::string said = response->body;
  while (said.ends_with('\n')) said.pop_back();
  report->AddMember("answer", JsonWriter().String(said).Take());
  report->Say(fmt::format("  SUCCESS: {}{}{}\n", url, said.empty() ? "" : ": ", said));
  return report->Finish();
}

int RunCheckHealthy(const Arguments& arguments, CommandContext& context) {
  return Check("healthy", "/-/healthy", arguments, context);
}

int RunCheckReady(const Arguments& arguments, CommandContext& context) {
  return Check("ready", "/-/ready", arguments, context);
}

}  // namespace

const CommandSpec kCheckHealthyCommand = {
    .name = "check healthy",
    .summary = "Ask a server whether it is healthy; exit code 1 when it is not.",
    .flags = kFlags,
    .examples =
        "tocsin check healthy --url=http://127.0.0.1:9977\n"
        "tocsin check healthy --url=http://alertmanager:9093 --format=json",
    .run = &RunCheckHealthy,
};

const CommandSpec kCheckReadyCommand = {
    .name = "check ready",
    .summary = "Ask a server whether it is ready to serve; exit code 1 when it is not.",
    .flags = kFlags,
    .examples =
        "tocsin check ready --url=http://127.0.0.1:9977\n"
        "tocsin check ready --url=https://prometheus.example --http.config.file=client.yml",
    .run = &RunCheckReady,
};

}  // namespace tocsin::cli
