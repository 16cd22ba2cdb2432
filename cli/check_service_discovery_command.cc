#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/findings_report.h"
#include "config/config.h"
#include "discovery/mechanism.h"
#include "engine/promql/result_json.h"
#include "exporters/scrape_targets.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {kReportFormatFlag};

// Asks each source once and adds its targets to the job's; what does not answer is a warning.
void Find(ScrapeConfig& job, const std::string& path, CommandContext& context,
          FindingsReport& report) {
  const std::unique_ptr<DnsResolver> dns = MakeSystemResolver();
  for (const MechanismSpec& mechanism : Mechanisms()) {
    for (ScheduledSource& each :
         mechanism.sources(job.discovery, {context.files, context.http, *dns})) {
      for (FoundPart& part : each.source->Find()) {
        if (part.groups.ok()) {
          std::ranges::move(*part.groups, std::back_inserter(job.static_configs));
          continue;
        }
        std::string message = fmt::format("{}: {}", part.name, part.groups.error().message);
        const std::string words = message + "\n";
        report.AddAs({.severity = Severity::kWarning,
                      .check = "discovery/source",
                      .file = path,
                      .message = std::move(message)},
                     words);
      }
    }
  }
}

std::string TargetsJson(const ScrapeTargets& targets) {
  JsonWriter json;
  json.BeginArray();
  for (const ScrapeTarget& target : targets.active) {
    json.BeginObject();
    promql::WriteLabels(json.Key("discoveredLabels"), target.discovered_labels);
    promql::WriteLabels(json.Key("labels"), target.labels);
    json.Field("url", target.url).EndObject();
  }
  for (const LabelSet& labels : targets.dropped) {
    json.BeginObject();
    promql::WriteLabels(json.Key("discoveredLabels"), labels);
    json.Key("labels").BeginObject().EndObject().EndObject();
  }
  json.EndArray();
  return json.Take();
}

// The job of that name. An error names those that there are.
Result<ScrapeConfig> JobOf(const Config& config, const std::string& name) {
  const auto found = std::ranges::find(config.scrape_configs, name, &ScrapeConfig::job_name);
  if (found != config.scrape_configs.end()) return *found;
  std::string known;
  for (const ScrapeConfig& job : config.scrape_configs) known += " " + job.job_name;
  return NotFound(fmt::format("Job {} does not exist. Select from one of these jobs:{}", name,
                              known.empty() ? " (there are none)" : known));
}

int RunCheckServiceDiscovery(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("check service-discovery", arguments, context);
  if (!report.ok()) return kExitUsage;
  const std::string& path = arguments.positional()[0];
  const auto fail = [&](const Error& error, std::string_view check, std::string_view before) {
    std::string words = std::string(before) + error.message + "\n";
    for (Finding& finding : FindingsOf(error, path, check)) {
      report->AddAs(std::move(finding), std::exchange(words, ""));
    }
    return report->Finish();
  };
  const Result<Config> config = LoadConfig(context.files, context.environment, path);
  if (!config.ok())
    return fail(config.error(), "config/syntax", "tocsin check service-discovery: ");
  Result<ScrapeConfig> job = JobOf(*config, arguments.positional()[1]);
  if (!job.ok()) return fail(job.error(), "discovery/job", "");
  Find(*job, path, context, *report);
  const Result<ScrapeTargets> targets = ResolveTargets(*job, config->global);
  if (!targets.ok()) {
    return fail(targets.error(), "discovery/targets", "tocsin check service-discovery: ");
  }
  const std::string json = TargetsJson(*targets);
  report->Say(json + "\n");
  report->AddMember("targets", json);
  return report->Finish();
}

}  // namespace

const CommandSpec kCheckServiceDiscoveryCommand = {
    .name = "check service-discovery",
    .summary = "Find a job's targets once; show their labels before and after.",
    .positional = "FILE JOB",
    .flags = kFlags,
    .examples =
        "tocsin check service-discovery prometheus.yml node\n"
        "tocsin check service-discovery --format=github prometheus.yml node",
    .run = &RunCheckServiceDiscovery,
};

}  // namespace tocsin::cli
