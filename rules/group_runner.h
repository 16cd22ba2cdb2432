// Evaluates one group at its slots.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/executor.h"
#include "base/published.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"
#include "rules/rule_group.h"
#include "rules/snapshot.h"

namespace tocsin {

// Where the slots of a group lie: in [0, interval), the same in every process.
Duration SlotOffset(const RuleGroupSpec& spec);
// The newest slot at or before `now`.
Timestamp SlotAt(Timestamp now, Duration interval, Duration offset);

// Owned by shared pointers, because timers refer to it.
//
// Thread safety: Stop and Snapshot may be called from any thread; group() only before Start and
// after Stop.
class GroupRunner : public std::enable_shared_from_this<GroupRunner> {
 public:
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& cpu;
    // After every evaluation, on its thread.
    std::function<void(RuleGroup& group, Timestamp at)> evaluated;
  };

  GroupRunner(std::unique_ptr<RuleGroup> group, Dependencies dependencies);

  const RuleGroupSpec& spec() const { return group_->spec(); }
  const RuleGroupSettings& settings() const { return group_->settings(); }
  RuleGroup& group() { return *group_; }

  // The first evaluation is at the next slot.
  void Start();
  // Returns when none is running any more.
  void Stop();
  std::shared_ptr<const RuleGroupSnapshot> Snapshot() const { return snapshot_.Get(); }

 private:
  void Tick();
  // The slot to evaluate now; nothing before the next one.
  std::optional<Timestamp> TakeSlot(Timestamp now);
  bool Enter();
  void LeaveAndArm();
  void Arm() REQUIRES_LOCK(mutex_);
  void Publish();

  const std::unique_ptr<RuleGroup> group_;
  const Dependencies dependencies_;
  const Duration offset_;

  // Of the thread that evaluates.
  Timestamp due_{};
  uint64_t iterations_ = 0;
  uint64_t missed_ = 0;

  Published<RuleGroupSnapshot> snapshot_;
  Mutex mutex_;
  std::condition_variable_any idle_;
  bool running_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
  TimerId timer_ GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin
