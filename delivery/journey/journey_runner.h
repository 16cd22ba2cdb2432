// Does what a journey says, and tells what came of it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http_client.h"
#include "delivery/journey/journey.h"

namespace tocsin::delivery {

using Latency = std::chrono::nanoseconds;

// The outside world of a journey.
struct JourneyWorld {
  const Clock& clock;
  HttpClient& http;
  // Waits; false when the journey is to end instead of going on.
  std::function<bool(Duration)> pause;
  std::string base_url;                                      // without a trailing slash
  std::vector<std::pair<std::string, std::string>> headers;  // sent with every request
  Duration timeout = std::chrono::seconds(30);               // of one request
  TlsOptions tls;
  // What every request has beside; may be empty.
  std::function<void(HttpRequest&)> prepare = {};
  // When the steps, and then the clean-up, have to be over; nothing: no limit but each request's.
  std::optional<SteadyTime> steps_until = {};
  std::optional<SteadyTime> cleanup_until = {};
};

struct StepOutcome {
  std::string name;
  bool ok = false;
  int status = 0;       // 0: there was no answer
  Latency latency{};    // of the last request, connecting included
  int requests = 0;     // more than one when polling
  int reconnects = 0;   // connections made anew because a kept one was gone
  std::string problem;  // "" when ok: what was expected and what came
  // The same in few words that repeat: "status 503", "timeout", "no connection", "too slow",
  // "wrong content", "wrong journey".
  std::string kind;
};

struct JourneyOutcome {
  std::string name;
  bool ok = false;
  // Of setup and steps up to the first that failed; then those of the clean-up and of the teardown.
  std::vector<StepOutcome> steps;
  Latency total{};  // of all steps, without pauses, setup, clean-up and teardown
};

using AfterStep = std::function<void(const StepOutcome&)>;

// What the setup of a journey has made.
struct JourneySetup {
  std::vector<StepOutcome> steps;                // up to the first that failed
  std::map<std::string, std::string> variables;  // ${setup}, and what was captured

  bool ok() const { return steps.empty() || steps.back().ok; }
};

// All of a journey, once. `run` becomes ${run} and ${setup}. `after_step` is told of each step as
// it ends; may be empty.
JourneyOutcome RunJourney(const Journey& journey, const std::string& run, const JourneyWorld& world,
                          const AfterStep& after_step = {});

// Its parts, for many runs with one setup. Whatever the setup has come to, the teardown belongs to
// it.
JourneySetup SetUpJourney(const Journey& journey, const std::string& run, const JourneyWorld& world,
                          const AfterStep& after_step = {});
JourneyOutcome RunJourneySteps(const Journey& journey, const std::string& run,
                               const JourneySetup& setup, const JourneyWorld& world,
                               const AfterStep& after_step = {});
std::vector<StepOutcome> TearDownJourney(const Journey& journey, const JourneySetup& setup,
                                         const JourneyWorld& world,
                                         const AfterStep& after_step = {});

// "${name}" replaced by the variable's value; an unknown variable is an error that names it.
Result<std::string> ExpandVariables(std::string_view text,
                                    const std::map<std::string, std::string>& variables);

}  // namespace tocsin::delivery
