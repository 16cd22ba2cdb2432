#include "rules/group_runner.h"

#include <algorithm>
#include <utility>

namespace tocsin {

GroupRunner::GroupRunner(std::unique_ptr<RuleGroup> group, Dependencies dependencies)
    : group_(std::move(group)),
      dependencies_(std::move(dependencies)),
      offset_(SlotOffset(group_->spec())) {}

void GroupRunner::Start() {
  due_ = SlotAt(dependencies_.clock.Now(), spec().interval, offset_) + spec().interval;
  Publish();
  const Duration delay = UntilDue();
  const MutexLock lock(mutex_);
  next_slot_ = due_;
  ArmAfter(delay);
}

void GroupRunner::SetUpstreams(std::vector<std::weak_ptr<GroupRunner>> upstreams) {
  const MutexLock lock(mutex_);
  upstreams_ = std::move(upstreams);
}

void GroupRunner::ArmAfter(Duration delay) {
  dependencies_.scheduler.Cancel(timer_);
  timer_ = dependencies_.scheduler.After(delay, dependencies_.cpu, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Tick();
  });
}

void GroupRunner::Tick() {
  if (!Enter()) return;
  const Timestamp now = dependencies_.clock.Now();
  if (Waits(now)) return Leave(std::nullopt, due_ + LongestWait() - now);
  const std::optional<Timestamp> at = TakeSlot(now);
  if (at) {
    group_->Evaluate(*at);
    if (dependencies_.evaluated) dependencies_.evaluated(*group_, *at);
    Publish();
  }
  Leave(at, UntilDue());
}

bool GroupRunner::Waits(Timestamp now) {
  if (now < due_ || now - due_ >= LongestWait()) return false;
  std::vector<std::weak_ptr<GroupRunner>> upstreams;
  {
    const MutexLock lock(mutex_);
    upstreams = upstreams_;
  }
  return std::ranges::any_of(upstreams, [this](const std::weak_ptr<GroupRunner>& upstream) {
    const std::shared_ptr<GroupRunner> runner = upstream.lock();
    return runner != nullptr && runner->Await(due_, weak_from_this());
  });
}

bool GroupRunner::Await(Timestamp slot, const std::weak_ptr<GroupRunner>& waiter) {
  const MutexLock lock(mutex_);
  const bool is_mine = SlotAt(slot, spec().interval, offset_) == slot;
  if (stopped_ || !is_mine || slot < next_slot_) return false;
  waiters_.push_back(waiter);
  return true;
}

void GroupRunner::Wake() {
  const MutexLock lock(mutex_);
  woken_ = running_;
  if (!stopped_ && !running_) ArmAfter(Duration::zero());
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
  if (stopped_ || running_) return false;
  running_ = true;
  return true;
}

void GroupRunner::Leave(std::optional<Timestamp> evaluated, Duration next) {
  std::vector<std::weak_ptr<GroupRunner>> waiters;
  {
    const MutexLock lock(mutex_);
    running_ = false;
    if (evaluated) {
      next_slot_ = due_;
      waiters.swap(waiters_);
    }
    if (!stopped_) ArmAfter(std::exchange(woken_, false) ? Duration::zero() : next);
    idle_.notify_all();
  }
  for (const std::weak_ptr<GroupRunner>& waiter : waiters) {
    if (const auto runner = waiter.lock()) runner->Wake();
  }
}

void GroupRunner::Stop() {
  group_->Cancel();
  std::vector<std::weak_ptr<GroupRunner>> waiters;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    dependencies_.scheduler.Cancel(timer_);
    idle_.wait(lock, [this]() NO_THREAD_SAFETY_ANALYSIS { return !running_; });
    waiters.swap(waiters_);
  }
  for (const std::weak_ptr<GroupRunner>& waiter : waiters) {
    if (const auto runner = waiter.lock()) runner->Wake();
  }
}

void GroupRunner::Publish() {
  auto snapshot = std::make_shared<RuleGroupSnapshot>(group_->Snapshot());
  snapshot->next_evaluation = due_;
  snapshot->iterations = iterations_;
  snapshot->missed_iterations = missed_;
  snapshot_.Set(std::move(snapshot));
}

}  // namespace tocsin
