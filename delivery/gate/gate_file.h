// Deployment gates: what a new version must show before it may have more traffic.
//
// The file of the deployment document is valid as it is; every key it leaves out has the default
// that `tocsin gate --explain` prints.
//
//   gates:
//     health_check:                      # on the color's own address
//       endpoints: [/health, {path: /api/stats, expect: {json: {videos: "<number>"}}}]
//       timeout: 60s                     # for the first success of every endpoint
//       retries: 3                       # more tries of a sample before it counts as failed
//       samples: 10                      # for each endpoint, once it has answered
//       success_rate: 100%
//     performance_validation:
//       response_time_p95: 1000ms        # as clients see it under load, and as the app reports it
//       memory_usage_max: 1GB
//       error_rate_max: 0.01
//     load_testing: {duration: 300s, concurrent_users: 100, success_rate: 99%}
//     rollback_criteria:                 # compared with the baseline color
//       response_time_degradation: 50%   # … and by more than min_delta
//       error_rate_spike: 5%             # a level; error_rate_increase: points above the baseline
//       memory_usage_spike: 100%
//     alerts: none                       # no rule of --rules may hold for the new color
//     custom:
//       - {name: queue, query: 'max(celery_queue_length)', max: 10}
//   window: 5m                           # ${window} of the queries
//   min_requests: 100                    # in the window; with fewer, rates decide nothing
//   max_age: 1m                          # of the newest sample of the color
//   on_inconclusive: hold                # or fail, or pass
//   measure: {initial_delay: 0s, interval: 10s, count: 1, failure_limit: 0, consecutive_success: 0}
//   compare: {test: mann-whitney, alpha: 1%, tolerance: 10%, step: 15s}   # with the baseline
//   warn: {performance_validation.memory_usage_max: 800MB}   # beyond it a check that passes warns
//   score: {weights: {custom.queue: 0.5}, key: [health_check], pass: 90%, warn: 75%}
//   queries: {response_time_p95: ['…${color}…${window}…']}
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "delivery/journey/journey.h"

namespace tocsin::delivery {

struct HealthGate {
  std::vector<JourneyStep> endpoints;
  Duration timeout = std::chrono::seconds(60);
  Duration try_timeout = std::chrono::seconds(5);
  Duration wait_interval = std::chrono::seconds(1);
  int64_t retries = 3;
  int64_t samples = 10;
  double success_rate = 1;
};

struct LoadGate {
  Duration duration = std::chrono::seconds(60);
  int64_t users = 10;
  double rate = 0;  // above 0: open loop
  Duration ramp{};
  double success_rate = 0.99;
};

// Limits that are absent are not checked.
struct PerformanceGate {
  std::optional<double> response_time_p95;  // seconds
  std::optional<double> memory_usage_max;   // bytes
  std::optional<double> error_rate_max;     // ratio
};

struct RollbackGate {
  std::optional<double> response_time_degradation;  // ratio above the baseline
  double min_delta = 0.05;                          // seconds that a degradation has at least
  std::optional<double> error_rate_spike;           // level
  std::optional<double> error_rate_increase;        // ratio points above the baseline
  std::optional<double> memory_usage_spike;         // ratio above the baseline
};

struct CustomGate {
  std::string name;
  std::string query;
  std::optional<double> max;
  std::optional<double> min;
};

// Whether response times and error rates of the color tend to be larger than the baseline's, by
// more than the tolerance (Mann-Whitney's U test, one-sided).
struct CompareGate {
  double alpha = 0.01;     // how often the test may be wrong about colors that are alike
  double tolerance = 0.1;  // of the baseline's values
  Duration step = std::chrono::seconds(15);  // what one measurement covers
};

// Checks with weights, summed up: a failed check does not decide alone.
struct ScoreGate {
  std::map<std::string, double> weights;            // by id of the check; 1 for the others
  std::vector<std::string> key = {"health_check"};  // a failure of these fails the gate
  double pass = 0.9;                                // the least score that passes
  double warn = 0.75;                               // … that passes with a warning
};

struct MeasurePlan {
  Duration initial_delay{};
  Duration interval = std::chrono::seconds(10);
  int64_t count = 1;
  int64_t failure_limit = 0;        // so many failures of a check are tolerated
  int64_t consecutive_success = 0;  // above 0: so many in a row pass the check early
};

enum class OnInconclusive { kHold, kFail, kPass };

struct GateSpec {
  std::optional<HealthGate> health;
  std::optional<LoadGate> load;
  std::optional<PerformanceGate> performance;
  std::optional<RollbackGate> rollback;
  bool no_alerts = false;
  std::vector<CustomGate> custom;
  std::optional<CompareGate> compare;
  std::map<std::string, double> warn;  // by id of the check
  std::optional<ScoreGate> score;
  Duration window = std::chrono::minutes(5);
  double min_requests = 100;
  Duration max_age = std::chrono::minutes(1);
  OnInconclusive on_inconclusive = OnInconclusive::kHold;
  MeasurePlan measure;
  // By the names of kGateQueries: alternatives, the first with an answer counts.
  std::map<std::string, std::vector<std::string>> queries;
};

// What is asked by default; the file's `queries` replace a row's texts.
struct GateQuery {
  std::string_view name;
  std::vector<std::string> alternatives;  // ${color} and ${window} are filled in
  std::string_view help;
};
const std::vector<GateQuery>& DefaultGateQueries();

// Whether the id of a check is that name, or one under it: "health_check /health" and
// "health_check.success_rate" are under "health_check".
bool IsUnder(std::string_view id, std::string_view name);

// Errors: "file:line:column: what is wrong".
Result<GateSpec> ParseGateFile(const std::string& file, std::string_view text);

}  // namespace tocsin::delivery
