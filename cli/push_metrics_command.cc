// tocsin push metrics: a page of metrics by remote write.
#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/http_config_file.h"
#include "cli/rule_file_check.h"
#include "engine/exposition/parser.h"
#include "engine/storage/remote_write.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--label",
     .value = "NAME=VALUE",
     .help = "Added to every series (default: job=tocsin).",
     .repeated = true},
    {.name = "--header", .value = "NAME=VALUE", .help = "Sent with the request.", .repeated = true},
    {.name = "--timeout", .value = "DURATION", .fallback = "30s", .help = "For the request."},
    kHttpConfigFileFlag,
    kReportFormatFlag,
};

using Pair = std::pair<std::string, std::string>;

Result<std::vector<Pair>> PairsOf(const Arguments& arguments, std::string_view flag) {
  std::vector<Pair> pairs;
  for (const std::string& text : arguments.All(flag)) {
    const size_t equal = text.find('=');
    if (equal == std::string::npos || equal == 0) {
      return InvalidArgument(fmt::format("{}: \"{}\" is not NAME=VALUE", flag, text));
    }
    pairs.emplace_back(text.substr(0, equal), text.substr(equal + 1));
  }
  return pairs;
}

// Samples without a time of their own get `now`.
Status AddPage(std::string_view page, const std::vector<Pair>& labels, int64_t now_ms,
               std::vector<WrittenSeries>& into) {
  ExpositionParser parser(page, ExpositionFormat::kPrometheusText);
  for (ExpositionEvent event = parser.Next(); event != ExpositionEvent::kEnd;
       event = parser.Next()) {
    if (event == ExpositionEvent::kError) return parser.error();
    if (event != ExpositionEvent::kSample) continue;
    ASSIGN_OR_RETURN(LabelSet series, parser.ReadLabels());
    for (const auto& [name, value] : labels) series.Set(name, value);
    into.push_back({.labels = std::move(series),
                    .samples = {{parser.timestamp_ms().value_or(now_ms), parser.value()}}});
  }
  return Ok();
}

Result<std::vector<WrittenSeries>> ReadPages(const Arguments& arguments,
                                             const std::vector<Pair>& labels,
                                             CommandContext& context) {
  std::vector<std::string> paths(arguments.positional().begin() + 1, arguments.positional().end());
  if (paths.empty()) paths.emplace_back(kStandardInput);
  std::vector<WrittenSeries> series;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::string page, context.files.Read(path));
    const Status added = AddPage(page, labels, ToMs(context.clock.Now()), series);
    if (!added.ok()) return Prefixed(path + ": ", added.error());
  }
  return series;
}

Result<HttpRequest> RequestFor(const Arguments& arguments, CommandContext& context) {
  ASSIGN_OR_RETURN(const HttpClientConfig config, ReadHttpConfigFile(arguments, context));
  ASSIGN_OR_RETURN(const std::vector<Pair> headers, PairsOf(arguments, "--header"));
  HttpRequest request;
  request.method = "POST";
  request.url = arguments.positional().front();
  ASSIGN_OR_RETURN(request.timeout, arguments.DurationOf("--timeout"));
  request.headers = {{"Content-Type", "application/x-protobuf"},
                     {"Content-Encoding", "snappy"},
                     {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
  ApplyHttpConfig(config, request);
  request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  return request;
}

int RunPushMetrics(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("push metrics", arguments, context);
  if (!report.ok()) return kExitUsage;
  const auto fail = [&](const std::string& message) {
    report->AddAs({.check = "push/metrics", .message = message}, "  FAILED: " + message + "\n");
    return report->Finish();
  };
  Result<std::vector<Pair>> labels = PairsOf(arguments, "--label");
  Result<HttpRequest> request = RequestFor(arguments, context);
  if (!labels.ok() || !request.ok()) {
    context.err("tocsin push metrics: " + (labels.ok() ? request.error() : labels.error()).message +
                "\n");
    return kExitUsage;
  }
  if (labels->empty()) labels->emplace_back("job", "tocsin");
  const Result<std::vector<WrittenSeries>> series = ReadPages(arguments, *labels, context);
  if (!series.ok()) return fail(series.error().message);
  request->body = EncodeRemoteWrite(*series);
  const Result<HttpResponse> response = context.http.Fetch(*request);
  if (!response.ok()) return fail(response.error().message);
  if (response->status / 100 != 2) {
    return fail(fmt::format("{}: status {}: {}", UrlWithoutSecrets(request->url), response->status,
                            response->body));
  }
  report->Say(fmt::format("  SUCCESS: {} samples pushed\n", series->size()));
  report->AddMember("pushed", std::to_string(series->size()));
  return report->Finish();
}

}  // namespace

const CommandSpec kPushMetricsCommand = {
    .name = "push metrics",
    .summary = "Push pages of metrics, by default standard input, by remote write.",
    .positional = "URL [FILE]...",
    .flags = kFlags,
    .examples =
        "tocsin push metrics http://127.0.0.1:9977/api/v1/write page.prom\n"
        "backup --metrics | tocsin push metrics --label=job=backup "
        "http://localhost:9090/api/v1/write",
    .run = &RunPushMetrics,
};

}  // namespace tocsin::cli
