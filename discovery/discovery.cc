#include "discovery/discovery.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "discovery/target_watch.h"

namespace tocsin {
namespace {

constexpr std::string_view kScrape = "scrape";
constexpr std::string_view kNotify = "notify";

// As Prometheus names the entries of alerting.alertmanagers in its metrics.
std::string EntryName(size_t index) { return fmt::format("config-{}", index); }

bool LeavesNothingToFind(const Config& config) {
  return std::ranges::all_of(config.scrape_configs,
                             [](const ScrapeConfig& job) { return job.discovery.empty(); }) &&
         std::ranges::all_of(config.alertmanagers, [](const AlertmanagerConfig& entry) {
           return entry.discovery.empty();
         });
}

}  // namespace

Discovery::Discovery(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

Discovery::~Discovery() { Stop(); }

void Discovery::Apply(const Config& config) {
  std::vector<Section> before;
  {
    const MutexLock lock(mutex_);
    before = sections_;
  }
  std::vector<Section> after;
  for (const ScrapeConfig& job : config.scrape_configs) {
    Keep(before, after, {std::string(kScrape), job.job_name, job.discovery, {}, {}});
  }
  for (size_t i = 0; i < config.alertmanagers.size(); ++i) {
    Keep(before, after,
         {std::string(kNotify), EntryName(i), config.alertmanagers[i].discovery, {}, {}});
  }
  std::vector<std::shared_ptr<TargetWatch>> ended;
  for (const Section& gone : before) {
    for (const auto& watch : gone.watches) {
      watch->Stop();
      ended.push_back(watch);
    }
  }
  const MutexLock lock(mutex_);
  sections_ = std::move(after);
  ended_.insert(ended_.end(), ended.begin(), ended.end());
  // Nobody else holds those whose last question has been answered.
  std::erase_if(ended_, [](const auto& watch) { return watch.use_count() == 1; });
}

void Discovery::Keep(std::vector<Section>& before, std::vector<Section>& after, Section wanted) {
  if (wanted.config.empty()) return;
  const auto same = std::ranges::find_if(before, [&](const Section& other) {
    return other.kind == wanted.kind && other.name == wanted.name && other.config == wanted.config;
  });
  if (same != before.end()) {
    after.push_back(std::move(*same));
    before.erase(same);
    return;
  }
  wanted.targets = dependencies_.metrics.MakeGauge(
      "prometheus_sd_discovered_targets", "Current number of discovered targets.",
      {{"name", wanted.kind}, {"config", wanted.name}});
  wanted.watches = Begin(wanted);
  after.push_back(std::move(wanted));
}

std::vector<std::shared_ptr<TargetWatch>> Discovery::Begin(const Section& section) {
  std::vector<std::shared_ptr<TargetWatch>> watches;
  const std::string shown = section.kind + " " + section.name;
  for (const MechanismSpec& mechanism : Mechanisms()) {
    const std::shared_ptr<Counter> failures = dependencies_.metrics.MakeCounter(
        "prometheus_sd_refresh_failures_total",
        "Number of refresh failures for the given SD "
        "mechanism.",
        {{"mechanism", std::string(mechanism.name)}, {"config", section.name}});
    for (ScheduledSource& source : mechanism.sources(section.config, {.files = dependencies_.files,
                                                                     .http = dependencies_.http,
                                                                     .dns = dependencies_.dns})) {
      watches.push_back(
          std::make_shared<TargetWatch>(std::move(source), shown, failures, dependencies_));
      const std::shared_ptr<TargetWatch>& watch = watches.back();
      if (mechanism.local) watch->Refresh();
      watch->Start(mechanism.local ? watch->pause() : Duration::zero());
    }
  }
  return watches;
}

void Discovery::Fill(std::string_view kind, const std::string& name,
                     std::vector<StaticTargets>& targets) const {
  const MutexLock lock(mutex_);
  for (const Section& section : sections_) {
    if (section.kind != kind || section.name != name) continue;
    size_t count = 0;
    for (const auto& watch : section.watches) {
      for (StaticTargets& group : watch->Targets()) {
        count += group.targets.size();
        targets.push_back(std::move(group));
      }
    }
    section.targets->Set(static_cast<double>(count));
  }
}

std::shared_ptr<const Config> Discovery::Complete(std::shared_ptr<const Config> config) const {
  if (LeavesNothingToFind(*config)) return config;
  auto complete = std::make_shared<Config>(*config);
  for (ScrapeConfig& job : complete->scrape_configs) {
    Fill(kScrape, job.job_name, job.static_configs);
  }
  for (size_t i = 0; i < complete->alertmanagers.size(); ++i) {
    Fill(kNotify, EntryName(i), complete->alertmanagers[i].static_configs);
  }
  return complete;
}

void Discovery::Stop() {
  std::vector<std::shared_ptr<TargetWatch>> watches;
  {
    const MutexLock lock(mutex_);
    watches = std::exchange(ended_, {});
    for (const Section& section : sections_) {
      watches.insert(watches.end(), section.watches.begin(), section.watches.end());
    }
    sections_.clear();
  }
  for (const auto& watch : watches) watch->Stop();
  for (const auto& watch : watches) watch->Join();
}

}  // namespace tocsin
