// Where work runs. Two executors exist in the process: `io` for work that waits
// (collecting, sending) and `cpu` for work that computes (rules, queries).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"

namespace tocsin {

using Task = std::function<void()>;

// Thread safety: Post may be called from any thread, also from a task.
class Executor {
 public:
  virtual ~Executor() = default;
  // Runs the task later, or never when the executor is being destroyed.
  virtual void Post(Task task) = 0;
};

// A fixed number of threads and one first-in, first-out queue.
//
// The destructor drops the tasks that have not begun and waits for those that have.
class ThreadPool final : public Executor {
 public:
  // `name` appears as the threads' name in ps and gdb (15 characters at most).
  ThreadPool(const std::string& name, size_t threads);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void Post(Task task) override;

 private:
  void Run();

  Mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Task> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace tocsin
