// Runs a load test.
//
// Each user is a thread with journeys of its own; the threads share a counter of journeys and
// nothing else until their reports are merged.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "delivery/journey/journey_runner.h"
#include "delivery/load/load_plan.h"
#include "delivery/load/load_report.h"

namespace tocsin::delivery {

struct LoadProgress {
  uint64_t started = 0;
  uint64_t failed = 0;
  Duration elapsed{};
};

struct LoadWorld {
  JourneyWorld journey;
  // Returns not before that time; false when the run is to end. Called by all users.
  std::function<bool(SteadyTime)> sleep_until;
  // Called about once a second, on the thread that called RunLoad; may be empty.
  std::function<void(const LoadProgress&)> progress;
  // Where users run: on threads of their own, or, for tests, one after the other on the caller's.
  enum class Users { kThreads, kInline } users = Users::kThreads;
};

// `run` begins the ${run} of every journey. The plan must be one that CheckPlan accepts. Setups and
// teardowns of the journeys in the mix are done once, before and after, and are no part of the
// load.
LoadReport RunLoad(const LoadPlan& plan, const std::string& run, const LoadWorld& world);

}  // namespace tocsin::delivery
