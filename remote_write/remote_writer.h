// The store, and a copy of what goes into it to the servers of the section remote_write.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/published.h"
#include "config/config.h"
#include "engine/storage/appender.h"
#include "remote_write/remote_queue.h"

namespace tocsin {

// A sink in front of the store: what it commits is queued for each server. A series' labels are
// read from the store when its samples are sent.
//
// Thread safety: all methods may be called from any thread; Apply and Stop not at the same time.
class RemoteWriter final : public SampleSink {
 public:
  // All outlive the writer.
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& io;
    HttpClient& http;
    Logger& log;
    Metrics& metrics;
    SampleSink& store;
  };
  explicit RemoteWriter(const Dependencies& dependencies);

  // Servers that stay as they are keep their queues; what waits for others is dropped.
  void Apply(const Config& config);
  // Sends what waits, for so long at most.
  void Stop(Duration at_most);

  SeriesRef Register(const LabelSet& labels) override { return deps_.store.Register(labels); }
  LabelSet LabelsOf(SeriesRef ref) const override { return deps_.store.LabelsOf(ref); }
  bool ViewLabels(SeriesRef ref, std::vector<LabelView>& labels) const override {
    return deps_.store.ViewLabels(ref, labels);
  }
  Result<CommitReport> Commit(std::span<const PendingSample> batch) override;

 private:
  using Queues = std::vector<std::shared_ptr<RemoteQueue>>;

  const Dependencies deps_;
  Published<Queues> queues_;
};

}  // namespace tocsin
