// Executors and a scheduler that run everything on the calling thread, by a fake clock.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "base/executor.h"
#include "base/scheduler.h"
#include "tests/support/fake_clock.h"

namespace tocsin::testing_support {

// Runs a task inside Post.
class InlineExecutor final : public Executor {
 public:
  void Post(Task task) override { task(); }
};

// Keeps tasks until RunAll; a task that posts extends the run.
class QueueExecutor final : public Executor {
 public:
  void Post(Task task) override { tasks_.push_back(std::move(task)); }
  size_t RunAll() {
    size_t ran = 0;
    for (; !tasks_.empty(); ++ran) {
      const Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
    return ran;
  }
  size_t pending() const { return tasks_.size(); }

 private:
  std::deque<Task> tasks_;
};

// Timers by the fake clock. Not thread-safe.
class FakeScheduler final : public Scheduler {
 public:
  explicit FakeScheduler(FakeClock& clock) : clock_(clock) {}

  TimerId After(Duration delay, Executor& executor, Task task) override {
    const SteadyTime due = clock_.Steady() + std::max(delay, Duration::zero());
    timers_.emplace(std::pair(due, ++last_), Timer{&executor, std::move(task)});
    return last_;
  }
  void Cancel(TimerId id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }
  // Moves the clock on by `d`, stopping at each timer on the way to post it.
  void Advance(Duration d) {
    const SteadyTime end = clock_.Steady() + d;
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      const SteadyTime due = timers_.begin()->first.first;
      if (due > clock_.Steady()) {
        clock_.Advance(std::chrono::duration_cast<Duration>(due - clock_.Steady()));
      }
      Timer timer = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      timer.executor->Post(std::move(timer.task));
    }
    if (end > clock_.Steady()) {
      clock_.Advance(std::chrono::duration_cast<Duration>(end - clock_.Steady()));
    }
  }
  size_t pending() const { return timers_.size(); }

 private:
  struct Timer {
    Executor* executor;
    Task task;
  };
  FakeClock& clock_;
  TimerId last_ = 0;
  std::map<std::pair<SteadyTime, TimerId>, Timer> timers_;
};

}  // namespace tocsin::testing_support
