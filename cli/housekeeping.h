// What has to be done now and then: retention, and the store's figures among the process's own.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "base/scheduler.h"
#include "cli/repeated_task.h"
#include "engine/storage/head.h"

namespace tocsin::cli {

// Begins when it is made and ends when it is destroyed.
class Housekeeping {
 public:
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& executor;
    Head& head;
    Metrics& metrics;
  };
  explicit Housekeeping(const Dependencies& dependencies);
  ~Housekeeping();

 private:
  class StoreFigures;
  std::unique_ptr<StoreFigures> figures_;
  RepeatedTask publish_;
  RepeatedTask maintain_;
};

}  // namespace tocsin::cli
