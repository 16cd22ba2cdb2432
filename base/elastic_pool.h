// An executor for tasks that may hang: one that waits must not keep the others waiting.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "base/thread_annotations.h"

namespace tocsin {

// Has as many threads as tasks have ever run at once, up to a limit. Tasks begin in the order in
// which they came.
//
// The destructor drops the tasks that have not begun and waits for those that have.
class ElasticPool final : public Executor {
 public:
  // `name` appears as the threads' name in ps and gdb (15 characters at most).
  ElasticPool(const std::string& name, size_t max_threads);
  ~ElasticPool() override;
  ElasticPool(const ElasticPool&) = delete;
  ElasticPool& operator=(const ElasticPool&) = delete;

  void Post(Task task) override;
  size_t threads() const;

 private:
  void Run();

  const std::string name_;
  const size_t max_threads_;
  mutable Mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Task> queue_ GUARDED_BY(mutex_);
  size_t idle_ GUARDED_BY(mutex_) = 0;  // threads that wait for a task
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;  // grows under mutex_; joined last
};

}  // namespace tocsin
