// Keeps the targets that discovery finds up to date, for scrape jobs and for Alertmanagers alike.
//
//   configuration ─▶ sources (files, HTTP, DNS), each asked at its own pace on `io`
//                 ─▶ Complete(): the configuration with what they say among its static targets
//
// Whoever works with targets sees static ones only, and is told when they change.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"
#include "config/config.h"
#include "discovery/mechanism.h"

namespace tocsin {

class TargetWatch;

// Thread safety: Apply and Stop from one thread at a time, Complete from any.
class Discovery {
 public:
  // All outlive the discovery.
  struct Dependencies {
    Scheduler& scheduler;
    Executor& io;  // questions wait here for their answers
    FileSystem& files;
    HttpClient& http;
    DnsResolver& dns;
    Logger& log;
    Metrics& metrics;
    // Called on `io`, without a lock, when something else is found than before.
    std::function<void()> changed;
  };

  explicit Discovery(Dependencies dependencies);
  // Stops.
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  // Begins to look for what is new and ends what is gone; sections that ask for the same as before
  // go on and keep what was found. Files are read before it returns; others answer later.
  void Apply(const Config& config);
  // `config` itself when it leaves nothing to be found.
  std::shared_ptr<const Config> Complete(std::shared_ptr<const Config> config) const;
  // Waits for questions that are under way. `changed` is not called afterwards.
  void Stop();

 private:
  // One scrape job or one entry of alerting.alertmanagers.
  struct Section {
    std::string kind;  // "scrape" or "notify"
    std::string name;
    TargetDiscovery config;
    std::vector<std::shared_ptr<TargetWatch>> watches;
    std::shared_ptr<Gauge> targets;
  };
  void Keep(std::vector<Section>& before, std::vector<Section>& after, Section wanted);
  std::vector<std::shared_ptr<TargetWatch>> Begin(const Section& section);
  void Fill(std::string_view kind, const std::string& name,
            std::vector<StaticTargets>& targets) const;

  const Dependencies dependencies_;
  mutable Mutex mutex_;
  std::vector<Section> sections_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<TargetWatch>> ended_ GUARDED_BY(mutex_);
};

}  // namespace tocsin
