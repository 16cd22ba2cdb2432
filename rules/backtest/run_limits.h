// What ends a backtest before its time: somebody who asks for it, or too much to keep.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "base/result.h"

namespace tocsin {

// Not thread-safe; the functions it holds may be asked from any thread.
class RunLimits {
 public:
  // `stop` may be empty; `max_kept` 0: any number.
  RunLimits(std::function<Status()> stop, size_t max_kept)
      : stop_(std::move(stop)), max_kept_(max_kept) {}

  // Asks whether to go on.
  Status Check() const { return stop_ ? stop_() : Ok(); }
  // The run keeps so many more samples and changes of alerts.
  Status Keep(size_t more);
  // For queries and evaluations under way.
  std::function<bool()> Canceled() const;

 private:
  const std::function<Status()> stop_;
  const size_t max_kept_;
  size_t kept_ = 0;
};

}  // namespace tocsin
