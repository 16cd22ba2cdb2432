#include "discovery/target_watch.h"

#include <utility>

namespace tocsin {

TargetWatch::TargetWatch(ScheduledSource source, std::string section,
                         std::shared_ptr<Counter> failures,
                         const Discovery::Dependencies& dependencies)
    : source_(std::move(source)),
      section_(std::move(section)),
      failures_(std::move(failures)),
      dependencies_(dependencies) {}

void TargetWatch::Report(const FoundPart& part) {
  std::string& reported = reported_[part.name];
  if (part.groups.ok()) {
    reported.clear();
    return;
  }
  failures_->Increment();
  // Once per error, not once per question.
  if (std::exchange(reported, part.groups.error().message) == part.groups.error().message) return;
  dependencies_.log.Warn("targets cannot be found; those known before stay",
                         {{"for", section_}, {"err", part.groups.error().message}});
}

bool TargetWatch::Refresh() {
  std::vector<FoundPart> found = source_.source->Find();
  for (const FoundPart& part : found) Report(part);
  const MutexLock lock(mutex_);
  Parts next;
  for (FoundPart& part : found) {
    if (part.groups.ok()) {
      next[part.name] = *std::move(part.groups);
    } else if (const auto known = parts_.find(part.name); known != parts_.end()) {
      next[part.name] = known->second;
    }
  }
  const bool changed = next != parts_;
  parts_ = std::move(next);
  return changed;
}

void TargetWatch::Start(Duration delay) {
  const TimerId timer = dependencies_.scheduler.After(
      delay, dependencies_.io, [self = shared_from_this()] { self->RefreshAndGoOn(); });
  const MutexLock lock(mutex_);
  timer_ = timer;
}

void TargetWatch::RefreshAndGoOn() {
  {
    const MutexLock lock(mutex_);
    if (stopped_) return;
    asking_ = true;
  }
  const bool changed = Refresh();
  bool go_on = false;
  {
    const MutexLock lock(mutex_);
    go_on = !stopped_;
  }
  if (go_on && changed) dependencies_.changed();
  {
    const MutexLock lock(mutex_);
    asking_ = false;
    go_on = !stopped_;
  }
  idle_.notify_all();
  if (go_on) Start(source_.pause);
}

std::vector<StaticTargets> TargetWatch::Targets() const {
  const MutexLock lock(mutex_);
  std::vector<StaticTargets> targets;
  for (const auto& [name, groups] : parts_) {
    targets.insert(targets.end(), groups.begin(), groups.end());
  }
  return targets;
}

void TargetWatch::Stop() {
  std::optional<TimerId> timer;
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
    timer = std::exchange(timer_, std::nullopt);
  }
  if (timer) dependencies_.scheduler.Cancel(*timer);
}

void TargetWatch::Join() {
  MutexLock lock(mutex_);
  idle_.wait(lock, [this]() NO_THREAD_SAFETY_ANALYSIS { return !asking_; });
}

}  // namespace tocsin
