// Alerts for Alertmanagers that have not been found yet: kept until the first one is.
#pragma once

#include <utility>
#include <vector>

#include "alertmanager_client/alert_queue.h"
#include "base/thread_annotations.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread.
class Backlog {
 public:
  explicit Backlog(size_t capacity) : capacity_(capacity), queue_(capacity) {}

  // A newer state takes the place of an older one. Returns how many alerts had to go.
  size_t Keep(std::vector<QueuedAlert> alerts) {
    const MutexLock lock(mutex_);
    size_t dropped = 0;
    for (QueuedAlert& alert : alerts) dropped += queue_.Push(std::move(alert));
    return dropped;
  }
  std::vector<QueuedAlert> TakeAll() {
    const MutexLock lock(mutex_);
    return queue_.Take(capacity_);
  }
  size_t size() const {
    const MutexLock lock(mutex_);
    return queue_.size();
  }

 private:
  const size_t capacity_;
  mutable Mutex mutex_;
  AlertQueue queue_ GUARDED_BY(mutex_);
};

}  // namespace tocsin
