// Work that is done again and again, a fixed time after it was last done.
#pragma once

#include <functional>
#include <memory>

#include "base/executor.h"
#include "base/scheduler.h"

namespace tocsin::cli {

// Thread safety: Stop may be called from any thread but the work's own.
class RepeatedTask {
 public:
  // The first time is `pause` from now.
  RepeatedTask(Duration pause, Scheduler& scheduler, Executor& executor, Task work);
  ~RepeatedTask();
  RepeatedTask(const RepeatedTask&) = delete;
  RepeatedTask& operator=(const RepeatedTask&) = delete;

  // Returns when the work is not being done and will not be any more.
  void Stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tocsin::cli
