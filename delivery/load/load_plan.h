// What a load test is to do.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "delivery/journey/journey.h"

namespace tocsin::delivery {

struct LoadPlan {
  // Open loop when it is above 0: so many journeys begin in a second, at fixed times, whatever the
  // answers do. Else closed loop: each user begins the next journey when the one before has ended.
  double rate = 0;
  // Closed loop: the users. Open loop: how many journeys may run at once; one that finds no free
  // user begins late, and its latency counts from when it should have begun.
  int users = 10;
  Duration duration = std::chrono::seconds(30);
  // Open loop: the rate rises evenly from 0. Closed loop: the users begin one after the other.
  Duration ramp{};
  // The run ends early once a smaller share than this can succeed; 0: never. A closed loop has no
  // number of journeys: as many are reckoned with as there could be at the pace of the fastest.
  double required_success = 0;
  std::vector<Journey> mix;  // chosen by weight
};

// "--rate must be …": what cannot be done.
Status CheckPlan(const LoadPlan& plan);

// When the i-th journey (from 0) of an open loop begins, counted from the start of the run.
std::chrono::nanoseconds IntendedStart(const LoadPlan& plan, uint64_t i);
// How many journeys an open loop has.
uint64_t PlannedJourneys(const LoadPlan& plan);
// Which journey of the mix the i-th is: smooth weighted round robin would need a state, so a
// low-discrepancy sequence picks: every prefix is near to the weights.
size_t ChooseJourney(const LoadPlan& plan, uint64_t i);

}  // namespace tocsin::delivery
