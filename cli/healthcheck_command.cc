#include "cli/commands.h"
#include "cli/server_client.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    kServerFlag,
    {.name = "--timeout", .value = "DURATION", .fallback = "5s", .help = "How long to wait."},
};

int RunHealthcheck(const Arguments& arguments, CommandContext& context) {
  const Result<Duration> timeout = arguments.DurationOf("--timeout");
  if (!timeout.ok()) {
    context.err("tocsin healthcheck: " + timeout.error().message + "\n");
    return kExitUsage;
  }
  HttpRequest request;
  request.url = NormalServerUrl(arguments.Text("--server")) + "/-/ready";
  request.timeout = *timeout;
  const Result<HttpResponse> response = context.http.Fetch(request);
  if (!response.ok()) {
    context.err(response.error().message + "\n");
    return kExitNo;
  }
  (response->status == 200 ? context.out : context.err)(response->body);
  return response->status == 200 ? kExitOk : kExitNo;
}

}  // namespace

const CommandSpec kHealthcheckCommand = {
    .name = "healthcheck",
    .summary = "Ask a running server whether it is ready; exit code 1 when it is not.",
    .flags = kFlags,
    .examples =
        "tocsin healthcheck\n"
        "tocsin healthcheck --server=http://127.0.0.1:9977 --timeout=2s",
    .run = &RunHealthcheck,
};

}  // namespace tocsin::cli
