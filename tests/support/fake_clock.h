// A clock that stands still until it is moved.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace tocsin::testing_support {

// Thread safety: all methods may be called from any thread.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Timestamp start = FromMs(1'700'000'000'000)) : now_ms_(ToMs(start)) {}

  Timestamp Now() const override { return FromMs(now_ms_); }
  SteadyTime Steady() const override {
    return SteadyTime{std::chrono::milliseconds(steady_ms_.load())};
  }
  // Time passes: both clocks move.
  void Advance(Duration d) {
    now_ms_ += d.count();
    steady_ms_ += d.count();
  }
  // Somebody sets the wall clock: only that one moves.
  void Jump(Duration d) { now_ms_ += d.count(); }

 private:
  std::atomic<int64_t> now_ms_;
  std::atomic<int64_t> steady_ms_ = 1'000'000;
};

}  // namespace tocsin::testing_support
