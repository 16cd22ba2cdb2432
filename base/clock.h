// The only way to learn the time. Everything takes a Clock& through its constructor.
#pragma once

#include "base/time.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time; may jump.
  virtual Timestamp Now() const = 0;
  // Monotonic time, for deadlines and durations.
  virtual SteadyTime Steady() const = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Timestamp Now() const override;
  SteadyTime Steady() const override;
};

}  // namespace tocsin
