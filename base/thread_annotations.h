// clang's thread-safety analysis, and a mutex that it understands.
//
// Shared fields carry GUARDED_BY(mutex_); clang (preset "tidy") then refuses
// access without the lock. g++ sees nothing of it.
#pragma once

#include <mutex>

#if defined(__clang__)
#define TOCSIN_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define TOCSIN_THREAD_ATTRIBUTE(x)
#endif

#define GUARDED_BY(x) TOCSIN_THREAD_ATTRIBUTE(guarded_by(x))
#define PT_GUARDED_BY(x) TOCSIN_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define REQUIRES_LOCK(...) TOCSIN_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES_LOCK(...) TOCSIN_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS TOCSIN_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace tocsin {

class TOCSIN_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() TOCSIN_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() TOCSIN_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  bool try_lock() TOCSIN_THREAD_ATTRIBUTE(try_acquire_capability(true)) {
    return mutex_.try_lock();
  }

 private:
  std::mutex mutex_;
};

// Holds a Mutex for a scope. Usable with condition_variable_any::wait.
class TOCSIN_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TOCSIN_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() TOCSIN_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // For condition_variable_any only.
  void lock() NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  void unlock() NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

}  // namespace tocsin
