// Evaluates one group at its slots.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/published.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"
#include "rules/group_order.h"
#include "rules/rule_group.h"
#include "rules/snapshot.h"

namespace tocsin {

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
  // Whom the group waits for when they have a slot at the same time; never longer than half an
  // interval, so that one that hangs does not cost slots of others.
  void SetUpstreams(std::vector<std::weak_ptr<GroupRunner>> upstreams);
  // Returns when none is running any more.
  void Stop();
  std::shared_ptr<const RuleGroupSnapshot> Snapshot() const { return snapshot_.Get(); }

 private:
  void Tick();
  // Whether another group has to be evaluated first; it will wake this one.
  bool Waits(Timestamp now);
  // Whether the slot is one of this group's that is not over yet; `waiter` is woken when it is.
  bool Await(Timestamp slot, const std::weak_ptr<GroupRunner>& waiter);
  void Wake();
  // The slot to evaluate now; nothing before the next one.
  std::optional<Timestamp> TakeSlot(Timestamp now);
  bool Enter();
  // `evaluated`: the slot that is over; nothing when none is.
  void Leave(std::optional<Timestamp> evaluated, Duration next);
  void ArmAfter(Duration delay) REQUIRES_LOCK(mutex_);
  Duration LongestWait() const { return spec().interval / 2; }
  // Until the next slot; shorter, so that a wall clock that is set ahead is noticed within a
  // second: an Alertmanager on the same host has let the alerts time out by then, and must hear of
  // them.
  Duration UntilDue() const {
    return std::min<Duration>(due_ - dependencies_.clock.Now(), std::chrono::seconds(1));
  }
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
  bool woken_ GUARDED_BY(mutex_) = false;  // while it was running
  TimerId timer_ GUARDED_BY(mutex_) = 0;
  std::vector<std::weak_ptr<GroupRunner>> upstreams_ GUARDED_BY(mutex_);
  // Slots before this one are over.
  Timestamp next_slot_ GUARDED_BY(mutex_) = Timestamp::max();
  std::vector<std::weak_ptr<GroupRunner>> waiters_ GUARDED_BY(mutex_);
};

}  // namespace tocsin
