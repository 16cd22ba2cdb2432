#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/json.h"
#include "cli/commands.h"
#include "config/config.h"
#include "discovery/mechanism.h"
#include "exporters/scrape_targets.h"

namespace tocsin::cli {
namespace {

void WriteLabels(std::string_view key, const LabelSet& labels, JsonWriter& json) {
  json.Key(key).BeginObject();
  for (const auto& [name, value] : labels) json.Field(name, value);
  json.EndObject();
}

// Asks each source once; what does not answer is said on standard error.
void Find(ScrapeConfig& job, CommandContext& context) {
  const std::unique_ptr<DnsResolver> dns = MakeSystemResolver();
  for (const MechanismSpec& mechanism : Mechanisms()) {
    for (ScheduledSource& each :
         mechanism.sources(job.discovery, {context.files, context.http, *dns})) {
      for (FoundPart& part : each.source->Find()) {
        if (!part.groups.ok()) {
          context.err(fmt::format("{}: {}\n", part.name, part.groups.error().message));
          continue;
        }
        std::ranges::move(*part.groups, std::back_inserter(job.static_configs));
      }
    }
  }
}

int RunCheckServiceDiscovery(const Arguments& arguments, CommandContext& context) {
  const std::string& path = arguments.positional()[0];
  const std::string& name = arguments.positional()[1];
  const Result<Config> config = LoadConfig(context.files, context.environment, path);
  if (!config.ok()) {
    context.err("tocsin check service-discovery: " + config.error().message + "\n");
    return kExitNo;
  }
  const auto found = std::ranges::find(config->scrape_configs, name, &ScrapeConfig::job_name);
  if (found == config->scrape_configs.end()) {
    std::string known;
    for (const ScrapeConfig& job : config->scrape_configs) known += " " + job.job_name;
    context.err(fmt::format("Job {} does not exist. Select from one of these jobs:{}\n", name,
                            known.empty() ? " (there are none)" : known));
    return kExitNo;
  }
  ScrapeConfig job = *found;
  Find(job, context);
  const Result<ScrapeTargets> targets = ResolveTargets(job, config->global);
  if (!targets.ok()) {
    context.err("tocsin check service-discovery: " + targets.error().message + "\n");
    return kExitNo;
  }
  JsonWriter json;
  json.BeginArray();
  for (const ScrapeTarget& target : targets->active) {
    json.BeginObject();
    WriteLabels("discoveredLabels", target.discovered_labels, json);
    WriteLabels("labels", target.labels, json);
    json.Field("url", target.url).EndObject();
  }
  for (const LabelSet& labels : targets->dropped) {
    json.BeginObject();
    WriteLabels("discoveredLabels", labels, json);
    json.Key("labels").BeginObject().EndObject().EndObject();
  }
  json.EndArray();
  context.out(json.Take() + "\n");
  return kExitOk;
}

}  // namespace

const CommandSpec kCheckServiceDiscoveryCommand = {
    .name = "check service-discovery",
    .summary = "Find a job's targets once; show their labels before and after.",
    .positional = "FILE JOB",
    .examples = "tocsin check service-discovery prometheus.yml node",
    .run = &RunCheckServiceDiscovery,
};

}  // namespace tocsin::cli
