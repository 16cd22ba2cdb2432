// Published<T>: an immutable snapshot that is swapped in whole.
//
// Readers hold the snapshot they got for as long as they like; a writer never
// waits for them.
#pragma once

#include <memory>
#include <utility>

#include "base/thread_annotations.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread.
template <typename T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> first) : current_(std::move(first)) {}

  // Null before the first Set.
  std::shared_ptr<const T> Get() const {
    const MutexLock lock(mutex_);
    return current_;
  }
  void Set(std::shared_ptr<const T> next) {
    {
      const MutexLock lock(mutex_);
      current_.swap(next);
    }
    // The old snapshot, now in `next`, is destroyed outside the lock.
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> current_ GUARDED_BY(mutex_);
};

}  // namespace tocsin
