// tocsin debug all: what a server says of itself, in one archive for whoever is asked for help.
#include <fmt/core.h>

#include <iterator>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/http_config_file.h"
#include "cli/progress.h"
#include "cli/server_client.h"
#include "cli/tar_archive.h"
#include "engine/exposition/gzip.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--output",
     .value = "FILE",
     .fallback = "debug.tar.gz",
     .help = "Where the archive is written.",
     .short_name = "-o"},
    kHttpConfigFileFlag,
    kReportFormatFlag,
};

struct PageRow {
  std::string_view path;
  std::string_view file;
};
constexpr PageRow kPages[] = {
    {"/metrics", "metrics.txt"},
    {"/api/v1/status/buildinfo", "buildinfo.json"},
    {"/api/v1/status/runtimeinfo", "runtimeinfo.json"},
    {"/api/v1/status/flags", "flags.json"},
    {"/api/v1/status/config", "config.json"},  // without secrets
    {"/api/v1/status/tsdb", "tsdb.json"},
    {"/api/v1/targets", "targets.json"},
    {"/api/v1/rules", "rules.json"},
    {"/api/v1/rules/history", "rules_history.json"},
    {"/api/v1/alerts", "alerts.json"},
    {"/api/v1/alertmanagers", "alertmanagers.json"},
    {"/api/v1/notifications", "notifications.json"},
    {"/-/ready", "ready.txt"},
    {"/debug/threads", "threads.txt"},
    {"/debug/pprof/goroutine?debug=1", "goroutines.txt"},  // of a Prometheus
};

int RunDebugAll(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("debug all", arguments, context);
  if (!report.ok()) return kExitUsage;
  const auto fail = [&](const std::string& message, const std::string& more) {
    report->AddAs({.check = "debug/all", .message = message, .explanation = more},
                  "tocsin debug all: " + message + "\n" + more);
    return report->Finish();
  };
  const Result<HttpClientConfig> config = ReadHttpConfigFile(arguments, context);
  if (!config.ok()) {
    context.err("tocsin debug all: " + config.error().message + "\n");
    return kExitUsage;
  }
  const std::string server = NormalServerUrl(arguments.positional().front());
  TarArchive archive;
  size_t collected = 0;
  std::string missing;
  {
    Progress progress("collecting", std::size(kPages), context);
    for (const PageRow& page : kPages) {
      HttpRequest request;
      request.url = server + std::string(page.path);
      ApplyHttpConfig(*config, request);
      const Result<HttpResponse> response = context.http.Fetch(request);
      progress.Advance();
      if (response.ok() && response->status == 200) {
        archive.Add(page.file, response->body, context.clock.Now());
        ++collected;
      } else {
        missing += fmt::format(
            "{}: {}\n", page.path,
            response.ok() ? fmt::format("status {}", response->status) : response.error().message);
      }
    }
  }
  if (collected == 0) return fail("nothing could be collected", missing);
  if (!missing.empty()) archive.Add("missing.txt", missing, context.clock.Now());
  const std::string& path = arguments.Text("--output");
  const Status written = context.files.WriteAtomically(path, GzipCompress(archive.Take(), 6));
  if (!written.ok()) return fail(written.error().message, "");
  report->Say(fmt::format("{} of {} pages written to \"{}\"{}\n", collected, std::size(kPages),
                          path, missing.empty() ? "" : "; missing.txt says which are not there"));
  report->AddMember("archive", JsonWriter().String(path).Take());
  report->AddMember("pages", std::to_string(collected));
  return report->Finish();
}

}  // namespace

const CommandSpec kDebugAllCommand = {
    .name = "debug all",
    .summary = "Gather what a server says of itself in one archive.",
    .positional = "SERVER",
    .flags = kFlags,
    .examples =
        "tocsin debug all http://127.0.0.1:9977\n"
        "tocsin debug all --output=prometheus.tar.gz http://prometheus.example:9090",
    .run = &RunDebugAll,
};

}  // namespace tocsin::cli
