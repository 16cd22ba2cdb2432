// Runs things later. One thread owns the timer heap and only posts to executors,
// so a timer is never late because of somebody else's work.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/executor.h"

namespace tocsin {

using TimerId = uint64_t;

// Thread safety: all methods may be called from any thread, also from a task.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // Posts `task` to `executor` once, `delay` from now (at once if negative).
  virtual TimerId After(Duration delay, Executor& executor, Task task) = 0;
  // The task will not be posted any more, unless it has been already.
  virtual void Cancel(TimerId id) = 0;
};

// On a thread of its own, by the monotonic clock.
class ThreadScheduler final : public Scheduler {
 public:
  ThreadScheduler();
  ~ThreadScheduler() override;
  ThreadScheduler(const ThreadScheduler&) = delete;
  ThreadScheduler& operator=(const ThreadScheduler&) = delete;

  TimerId After(Duration delay, Executor& executor, Task task) override;
  void Cancel(TimerId id) override;

 private:
  struct Timer {
    Executor* executor;
    Task task;
  };
  void Run();

  Mutex mutex_;
  std::condition_variable_any wake_;
  TimerId next_id_ GUARDED_BY(mutex_) = 1;
  std::map<std::pair<SteadyTime, TimerId>, Timer> timers_ GUARDED_BY(mutex_);
  std::map<TimerId, SteadyTime> due_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace tocsin
