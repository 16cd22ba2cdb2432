// Notices that the wall clock was set, or that the machine slept.
#pragma once

#include "base/clock.h"

namespace tocsin {

// Not thread-safe.
class ClockWatch {
 public:
  explicit ClockWatch(const Clock& clock)
      : clock_(clock), wall_(clock.Now()), steady_(clock.Steady()) {}

  // By how much the wall clock has gone ahead of the steady one since the last call; negative when
  // it was set back.
  Duration TakeJump() {
    const Timestamp wall = clock_.Now();
    const SteadyTime steady = clock_.Steady();
    const Duration jump = (wall - wall_) - std::chrono::duration_cast<Duration>(steady - steady_);
    wall_ = wall;
    steady_ = steady;
    return jump;
  }

 private:
  const Clock& clock_;
  Timestamp wall_;
  SteadyTime steady_;
};

}  // namespace tocsin
