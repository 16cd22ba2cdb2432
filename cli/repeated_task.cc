#include "cli/repeated_task.h"

#include <condition_variable>

#include "base/thread_annotations.h"

namespace tocsin::cli {

struct RepeatedTask::State : std::enable_shared_from_this<State> {
  State(Duration pause_time, Scheduler& timers, Executor& where, Task what)
      : pause(pause_time), scheduler(timers), executor(where), work(std::move(what)) {}

  void Schedule() EXCLUDES_LOCK(mutex) {
    const MutexLock lock(mutex);
    if (stopping) return;
    timer = scheduler.After(pause, executor, [self = shared_from_this()] { self->Run(); });
  }

  void Run() EXCLUDES_LOCK(mutex) {
    {
      const MutexLock lock(mutex);
      if (stopping) return;
      running = true;
    }
    work();
    {
      const MutexLock lock(mutex);
      running = false;
    }
    idle.notify_all();
    Schedule();
  }

  const Duration pause;
  Scheduler& scheduler;
  Executor& executor;
  const Task work;
  Mutex mutex;
  std::condition_variable_any idle;
  bool running GUARDED_BY(mutex) = false;
  bool stopping GUARDED_BY(mutex) = false;
  TimerId timer GUARDED_BY(mutex) = 0;
};

RepeatedTask::RepeatedTask(Duration pause, Scheduler& scheduler, Executor& executor, Task work)
    : state_(std::make_shared<State>(pause, scheduler, executor, std::move(work))) {
  state_->Schedule();
}

RepeatedTask::~RepeatedTask() { Stop(); }

void RepeatedTask::Stop() {
  MutexLock lock(state_->mutex);
  state_->stopping = true;
  state_->scheduler.Cancel(state_->timer);
  state_->idle.wait(lock, [this]() NO_THREAD_SAFETY_ANALYSIS { return !state_->running; });
}

}  // namespace tocsin::cli
