// How far long work is, on one line of a terminal's standard error:
//
//   backtest [########            ]  41 % (123 of 300), 12s left
//
// Nothing is printed when standard error is no terminal, nor for work that ends within half a
// second.
#pragma once

#include <cstdint>
#include <string>

#include "base/thread_annotations.h"
#include "cli/command.h"

namespace tocsin::cli {

// Thread safety: all methods may be called from any thread.
class Progress {
 public:
  // `total` steps of work; `context` must outlive the object.
  Progress(std::string what, uint64_t total, CommandContext& context);
  // Wipes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Advance(uint64_t steps = 1);

 private:
  std::string Line(SteadyTime now) const REQUIRES_LOCK(mutex_);

  const std::string what_;
  const uint64_t total_;
  CommandContext& context_;
  const SteadyTime start_;
  Mutex mutex_;
  uint64_t done_ GUARDED_BY(mutex_) = 0;
  SteadyTime drawn_at_ GUARDED_BY(mutex_);
  bool drawn_ GUARDED_BY(mutex_) = false;
};

}  // namespace tocsin::cli
