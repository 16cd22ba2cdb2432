// What a load test has found.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "delivery/load/latency_histogram.h"

namespace tocsin::delivery {

// All requests of one step of one journey.
struct StepStatistics {
  uint64_t requests = 0;
  uint64_t failed = 0;
  uint64_t reconnects = 0;
  // From when the request should have been sent: for the first step of an open loop's journey from
  // its intended start, so that waiting for a free user counts (no coordinated omission); for the
  // others from when they were sent.
  LatencyHistogram latency;
  std::map<std::string, uint64_t> problems;  // by StepOutcome::kind
};

struct LoadSecond {
  uint64_t started = 0;  // journeys, by their intended start
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  LatencyHistogram::Latency slowest{};
};

struct LoadReport {
  Timestamp began{};
  Duration took{};
  uint64_t planned = 0;  // journeys; 0: closed loop, not known before
  uint64_t started = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t late = 0;  // began more than a millisecond after their time: no free user
  // Connections made anew because a kept one was gone: a proxy that reloads closes idle ones. The
  // request is sent once more (RFC 9112, 9.3.1) and is no failure; its latency has the way there.
  uint64_t reconnects = 0;
  bool aborted = false;  // the required success could not be met any more
  bool interrupted = false;
  // Why nothing was done: a journey whose setup failed, "journey, step: what was expected and what
  // came".
  std::string setup_problem;
  LatencyHistogram latency;                     // of all requests
  std::map<std::string, StepStatistics> steps;  // "journey: step"
  std::vector<LoadSecond> seconds;

  double success_ratio() const {
    return started == 0 ? 0 : static_cast<double>(succeeded) / static_cast<double>(started);
  }
  void Merge(const LoadReport& other);
};

std::string RenderLoadText(const LoadReport& report);
std::string RenderLoadJson(const LoadReport& report);

}  // namespace tocsin::delivery
