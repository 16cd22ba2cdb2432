// Notices that files have changed, by reading them once in a while.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/files.h"
#include "base/scheduler.h"
#include "base/time.h"
#include "cli/repeated_task.h"

namespace tocsin::cli {

// What counts is the content, so that a file that is only touched changes nothing. A change is told
// once: a broken file is not tried again before it has changed again.
//
// Thread safety: none; begins with the object, ends with it.
class FileWatch {
 public:
  struct Dependencies {
    Scheduler& scheduler;
    Executor& executor;
    const FileSystem& files;
    std::function<std::vector<std::string>()> patterns;  // shell patterns; may change
    std::function<void()> changed;
  };

  FileWatch(Duration interval, Dependencies dependencies);
  // Returns when nothing is being told and nothing will be any more.
  ~FileWatch();

 private:
  struct State;
  const std::shared_ptr<State> state_;
  RepeatedTask task_;
};

}  // namespace tocsin::cli
