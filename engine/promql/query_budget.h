// What a query may use up. A limit that is passed ends the query with an error.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "engine/promql/engine.h"

namespace tocsin::promql {

// Thread safety: belongs to the thread that runs the query; its helpers use a BudgetShare each.
class QueryBudget {
 public:
  QueryBudget(const Clock& clock, SteadyTime deadline, const EngineOptions& options,
              std::function<bool()> canceled)
      : clock_(clock),
        deadline_(deadline),
        max_samples_(options.max_samples),
        max_bytes_(options.max_memory_bytes),
        canceled_(std::move(canceled)) {}

  // Samples that are held now.
  Status Hold(size_t samples);
  size_t held() const { return held_; }
  // Lets go of all that was held beyond `samples`.
  void ReleaseTo(size_t samples) { held_ = samples; }
  // The same for memory, which rows of many steps need also where they have no samples.
  Status HoldBytes(size_t bytes);
  size_t held_bytes() const { return held_bytes_; }
  void ReleaseBytesTo(size_t bytes) { held_bytes_ = bytes; }
  // Samples that were read from storage.
  void CountLoaded(size_t samples) { loaded_ += samples; }
  size_t loaded() const { return loaded_; }
  void CountSeries(size_t series) { series_ += series; }
  // What was read since `loaded` samples and `series` series is going to be read again.
  void ForgetLoaded(size_t loaded) { loaded_ = loaded; }
  void ForgetSeries(size_t series) { series_ -= series; }

  // How many samples the steps looked at: each counts at every step whose window holds it.
  struct Looked {
    size_t total = 0;
    std::vector<size_t> at_step;  // empty when nobody asked
  };
  // From now on also step by step.
  void CountByStep(size_t steps);
  // Takes what was counted so far aside, for a part that is not counted like the others, …
  Looked BeginPart();
  // … and brings it back, with what the part counted at each of `times` steps.
  void EndPart(Looked before, size_t times);
  void Merge(const Looked& looked);
  Looked looked() const {
    const MutexLock lock(mutex_);
    return looked_;
  }

  // Cheap: looks at the clock once in a while. To be called per series.
  Status CheckAlive();

  QueryStats stats() const;

 private:
  friend class BudgetShare;
  // May be called from any thread.
  Status LookAlive() const;
  void SeePeak(size_t samples);

  const Clock& clock_;
  const SteadyTime deadline_;
  const size_t max_samples_;
  const size_t max_bytes_;
  const std::function<bool()> canceled_;
  std::atomic<size_t> held_ = 0;
  std::atomic<size_t> peak_ = 0;
  std::atomic<size_t> loaded_ = 0;
  size_t held_bytes_ = 0;
  size_t series_ = 0;
  uint32_t calls_ = 0;
  mutable Mutex mutex_;
  Looked looked_ GUARDED_BY(mutex_);
};

// What one worker of a query uses up: counted here, and told to the budget now and then.
//
// Not thread-safe; several shares of one budget may be used at once.
class BudgetShare {
 public:
  explicit BudgetShare(QueryBudget& budget);
  ~BudgetShare() { Settle(); }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  // Cheap: looks at the clock once in a while. To be called per series.
  Status CheckAlive();
  // Looks at once.
  Status CheckNow() const { return budget_.LookAlive(); }
  void CountLooked(size_t step, size_t samples) {
    looked_.total += samples;
    if (step < looked_.at_step.size()) looked_.at_step[step] += samples;
  }
  // Whether it matters for CountLooked at which step.
  bool counts_by_step() const { return !looked_.at_step.empty(); }
  // Samples that were read from storage, and are not held.
  void CountLoaded(size_t samples) { loaded_ += samples; }
  // For one series so many samples were read, and are held until it is done; those of a subquery do
  // not come from storage.
  Status Load(size_t samples, bool from_storage);
  // It is done: so many stay.
  Status Keep(size_t samples);
  void Settle();

 private:
  Status Check(size_t held);

  QueryBudget& budget_;
  size_t before_;
  size_t kept_ = 0;
  size_t loaded_ = 0;
  size_t peak_ = 0;
  uint32_t calls_ = 0;
  QueryBudget::Looked looked_;
};

}  // namespace tocsin::promql
