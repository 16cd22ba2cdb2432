// Collects one target, again and again.
//
//            slot                 slot                 slot
//   ──────────┬────────────────────┬────────────────────┬──────▶ time
//             ├─ Collect ─┤        ├─ Collect ────hangs─┼───── ─ ─
//             samples, up 1                             missed: up 0, stale markers;
//                                                       what comes later is thrown away
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/log.h"
#include "base/published.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"
#include "engine/storage/appender.h"
#include "exporters/scrape_metrics.h"
#include "exporters/series_writer.h"
#include "exporters/source.h"
#include "exporters/target_snapshot.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread.
class TargetLoop : public std::enable_shared_from_this<TargetLoop> {
 public:
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& io;
    Logger& log;
    SampleSink& sink;
    const ScrapeMetrics& metrics;
    std::atomic<uint64_t>& generation;  // counts collections of all loops
  };
  struct Options {
    LabelSet discovered_labels;
    std::string pool;
    std::string url;  // without secrets
    bool built_in = false;
    Duration interval{};
    Duration timeout{};
    Duration burst_interval{};  // 0: none
    // The family that says whether the collection worked ("pg_up"); none for scrape targets.
    std::optional<FamilyText> up_family;
    SeriesOptions series;
  };

  TargetLoop(const Dependencies& dependencies, Options options, std::unique_ptr<Source> source);

  // `inherited`: the live series of a loop that watched the same target until now.
  void Start(std::vector<SeriesRef> inherited = {});
  // The target is gone: its series become stale.
  void Retire();
  // Another loop takes over the series, which are returned.
  std::vector<SeriesRef> HandOver();
  // Nobody looks any more; cancels a collection in flight.
  void Stop();
  // Until no collection is in flight.
  void Join();

  bool idle() const;

  // Collects once between the slots, on `io`, unless a collection runs, began less than `young`
  // ago, or would not be over before the next slot.
  void CollectBetween(Duration young);
  // The same when the loop takes part in bursts and its burst interval is over.
  void CollectInBurst();
  // Until no collection is in flight, or until then.
  void AwaitIdle(Duration at_most);

  TargetSnapshot Snapshot() const;
  // The last collection's figures; null when there are none.
  std::shared_ptr<const CollectedPage> page() const { return page_.Get(); }

 private:
  enum class Phase { kRunning, kRetired, kHandedOver, kStopped };
  struct Outcome {
    Timestamp at;
    Duration took{};
    SampleCounts counts;
    Status status;
    std::vector<std::string> problems;
    std::vector<CollectContext::CollectStep> steps;
  };

  void ScheduleAfter(Timestamp slot) REQUIRES_LOCK(mutex_);
  void Tick(Timestamp slot);
  void Collect(Timestamp slot, Duration time_limit);
  void TickBetween();
  // The timeout, but never up to the next slot: a target that hangs must be told from a
  // collection that the program is late with.
  Duration TimeLimit() const;
  std::vector<PendingSample> Conclude(const Outcome& outcome) REQUIRES_LOCK(mutex_);
  std::vector<PendingSample> MissSlot(Timestamp slot) REQUIRES_LOCK(mutex_);
  bool End(Phase phase) REQUIRES_LOCK(mutex_);
  void Report(const Outcome& outcome, CollectedPage& page, std::vector<PendingSample>& batch)
      REQUIRES_LOCK(mutex_);
  void MarkPageStale(int64_t t_ms, std::vector<PendingSample>& batch) REQUIRES_LOCK(mutex_);
  void Remember(const Outcome& outcome) REQUIRES_LOCK(mutex_);
  CommitReport Commit(const std::vector<PendingSample>& batch);

  const Dependencies deps_;
  const Options options_;
  const uint64_t slot_hash_;
  const std::unique_ptr<Source> source_;
  Published<CollectedPage> page_;

  mutable Mutex mutex_;
  std::condition_variable_any idle_;
  Phase phase_ GUARDED_BY(mutex_) = Phase::kRunning;
  bool in_flight_ GUARDED_BY(mutex_) = false;
  bool missed_ GUARDED_BY(mutex_) = false;  // a slot, since the collection in flight began
  // The collection in flight had less time than others: that it failed says nothing.
  bool hurried_ GUARDED_BY(mutex_) = false;
  SteadyTime began_ GUARDED_BY(mutex_){};      // the last collection
  SteadyTime next_slot_ GUARDED_BY(mutex_){};  // about
  TimerId timer_ GUARDED_BY(mutex_) = 0;
  // What the loop itself writes, in the order of kLoopFamilies, <x>_up behind; empty until the
  // first time.
  std::vector<std::shared_ptr<const FamilyText>> report_families_ GUARDED_BY(mutex_);
  std::vector<SeriesRef> report_refs_ GUARDED_BY(mutex_);
  double last_success_s_ GUARDED_BY(mutex_) = 0;
  TargetSnapshot snapshot_ GUARDED_BY(mutex_);
  // Belongs to the collection in flight while there is one, else to mutex_.
  SeriesWriter writer_;
};

}  // namespace tocsin
