// What rules run in when they are evaluated in the past: a clock that is set, nobody to tell, no
// log.
#pragma once

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "alertmanager_client/notifier.h"
#include "base/clock.h"
#include "base/log.h"

namespace tocsin {

// The clock of an evaluation in the past. Both of its times go by together: a step from slot to
// slot is time lived through, not a wall clock that somebody set. Not thread-safe.
class SlotClock final : public Clock {
 public:
  Timestamp Now() const override { return now_; }
  SteadyTime Steady() const override { return SteadyTime{now_.time_since_epoch()}; }
  void Set(Timestamp now) { now_ = now; }

 private:
  Timestamp now_{};
};

// What would be said of rules in the past is told in results.
class NoLogger final : public Logger {
 public:
  void Log(LogLevel /*level*/, std::string_view /*message*/,
           std::initializer_list<LogField> /*fields*/) override {}
};

// Keeps what an Alertmanager would be told. Not thread-safe.
class KeepingNotifier final : public Notifier {
 public:
  void Notify(std::vector<Notification> notifications) override {
    std::ranges::move(notifications, std::back_inserter(kept_));
  }
  std::vector<Notification> Take() { return std::exchange(kept_, {}); }

 private:
  std::vector<Notification> kept_;
};

}  // namespace tocsin
