// Watches what the configuration names: one loop for each scrape target and built-in collector.
//
// A loop collects at its slots (its interval, shifted by a hash of the target so that targets
// spread, as Prometheus does), writes the samples and what it knows about the collection (up,
// scrape_duration_seconds, …), and marks series that vanish as stale. A loop never has two
// collections in flight: slots that pass meanwhile are missed, and from the first missed one on
// the target counts as down.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/files.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "config/config.h"
#include "engine/storage/appender.h"
#include "exporters/exposition_source.h"
#include "exporters/series_writer.h"
#include "exporters/target_snapshot.h"

namespace tocsin {

class Metrics;  // base/metrics.h

// Thread safety: all methods may be called from any thread; Apply and Stop from one at a time.
class TargetManager {
 public:
  // All outlive the manager.
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    // Collections wait here, each at most for its timeout, so it wants some threads.
    Executor& io;
    HttpClient& http;
    FileSystem& files;
    Logger& log;
    SampleSink& sink;
    Metrics& metrics;
    // The `instance` of the process's own metrics (job "tocsin"), host:port; "": it has none.
    std::string own_instance = "localhost:9977";
    // Where collectors keep counters that must survive a restart; "": nowhere.
    std::string state_folder;
  };

  explicit TargetManager(Dependencies dependencies);
  // Stops.
  ~TargetManager();
  TargetManager(const TargetManager&) = delete;
  TargetManager& operator=(const TargetManager&) = delete;

  // Begins to watch what is new, keeps what is unchanged, and ends what is gone: its series
  // become stale. Targets whose addresses cannot be used are an error and change nothing.
  Status Apply(const Config& config);
  // What Apply would say, without doing it.
  Status Check(const Config& config) const;
  TargetsSnapshot Snapshot() const;
  const ExpositionSource& exposition() const;
  // Collects what takes part in bursts and is due; to be called once a second while an alert is
  // pending.
  void Burst();
  // Type and help of every family of the last collections; by name, different ones of the same
  // name each.
  std::vector<FamilyText> Families() const;
  // Cancels collections in flight and waits for them. Writes no stale markers: the watched things
  // go on, only nobody looks.
  void Stop();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin
