#include "base/scheduler.h"

#include <pthread.h>

#include <algorithm>

namespace tocsin {

ThreadScheduler::ThreadScheduler() : thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "scheduler");
}

ThreadScheduler::~ThreadScheduler() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
}

TimerId ThreadScheduler::After(Duration delay, Executor& executor, Task task) {
  const SteadyTime due = std::chrono::steady_clock::now() + std::max(delay, Duration::zero());
  TimerId id = 0;
  {
    const MutexLock lock(mutex_);
    id = next_id_++;
    timers_.emplace(std::pair(due, id), Timer{&executor, std::move(task)});
    due_.emplace(id, due);
  }
  wake_.notify_one();
  return id;
}

void ThreadScheduler::Cancel(TimerId id) {
  const MutexLock lock(mutex_);
  const auto found = due_.find(id);
  if (found == due_.end()) return;
  timers_.erase({found->second, id});
  due_.erase(found);
}

void ThreadScheduler::Run() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (timers_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto first = timers_.begin();
    // A copy: Cancel may remove the timer meanwhile, and wait_until looks at the time again.
    const SteadyTime due = first->first.first;
    if (due > std::chrono::steady_clock::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    Timer timer = std::move(first->second);
    due_.erase(first->first.second);
    timers_.erase(first);
    timer.executor->Post(std::move(timer.task));
  }
}

}  // namespace tocsin
