#include "rules/group_runner.h"

#include <utility>

#include "base/hash.h"

namespace tocsin {

Duration SlotOffset(const RuleGroupSpec& spec) {
  const uint64_t hash = Hash64(GroupKey(spec.file, spec.name));
  return Duration{static_cast<int64_t>(hash % static_cast<uint64_t>(spec.interval.count()))};
}

Timestamp SlotAt(Timestamp now, Duration interval, Duration offset) {
  Duration into_slot = (now.time_since_epoch() - offset) % interval;
  if (into_slot < Duration::zero()) into_slot += interval;
  return now - into_slot;
}

GroupRunner::GroupRunner(std::unique_ptr<RuleGroup> group, Dependencies dependencies)
    : group_(std::move(group)),
      dependencies_(std::move(dependencies)),
      offset_(SlotOffset(group_->spec())) {}

void GroupRunner::Start() {
  due_ = SlotAt(dependencies_.clock.Now(), spec().interval, offset_) + spec().interval;
  Publish();
  const MutexLock lock(mutex_);
  Arm();
}

void GroupRunner::Arm() {
  timer_ = dependencies_.scheduler.After(due_ - dependencies_.clock.Now(), dependencies_.cpu,
                                         [weak = weak_from_this()] {
                                           if (const auto self = weak.lock()) self->Tick();
                                         });
}

void GroupRunner::Tick() {
  if (!Enter()) return;
  if (const std::optional<Timestamp> at = TakeSlot(dependencies_.clock.Now())) {
    group_->Evaluate(*at);
    if (dependencies_.evaluated) dependencies_.evaluated(*group_, *at);
    Publish();
  }
  LeaveAndArm();
}

std::optional<Timestamp> GroupRunner::TakeSlot(Timestamp now) {
  const Duration interval = spec().interval;
  // The wall clock was set back: the slots of the new time count.
  if (due_ - now > interval) due_ = SlotAt(now, interval, offset_) + interval;
  if (now < due_) return std::nullopt;
  const int64_t missed = (now - due_) / interval;
  const Timestamp at = due_ + missed * interval;
  due_ = at + interval;
  iterations_ += static_cast<uint64_t>(missed) + 1;
  missed_ += static_cast<uint64_t>(missed);
  group_->metrics().iterations->Increment(static_cast<double>(missed) + 1);
  group_->metrics().iterations_missed->Increment(static_cast<double>(missed));
  return at;
}

bool GroupRunner::Enter() {
  const MutexLock lock(mutex_);
  if (stopped_) return false;
  running_ = true;
  return true;
}

void GroupRunner::LeaveAndArm() {
  const MutexLock lock(mutex_);
  running_ = false;
  if (!stopped_) Arm();
  idle_.notify_all();
}

void GroupRunner::Stop() {
  group_->Cancel();
  MutexLock lock(mutex_);
  stopped_ = true;
  dependencies_.scheduler.Cancel(timer_);
  idle_.wait(lock, [this]() NO_THREAD_SAFETY_ANALYSIS { return !running_; });
}

void GroupRunner::Publish() {
  auto snapshot = std::make_shared<RuleGroupSnapshot>(group_->Snapshot());
  snapshot->next_evaluation = due_;
  snapshot->iterations = iterations_;
  snapshot->missed_iterations = missed_;
  snapshot_.Set(std::move(snapshot));
}

}  // namespace tocsin
