// The records of deployments, one JSON object per line, and the four DORA figures out of them.
//
//   {"version": "1.4.2", "to": "green", "started": "2026-11-17T10:00:00Z",
//    "finished": "2026-11-17T10:09:12Z", "result": "succeeded", "committed":
//    "2026-11-17T08:30:00Z", "gates": {"pre": "pass", "step-5": "fail"},
//    "deciding": {"step-5": {"check": "performance_validation.error_rate_max",
//                            "why": "2.1% is above 1%"}}}
//
// These are the lines that deploy/deploy.sh writes into its deployments.jsonl. `result` is
// succeeded, rolled_back or failed. `to` (the color), `committed` (the time of the commit), `gates`
// (their verdicts), `deciding` (the check behind each verdict that is no pass) and `reason` (why it
// was rolled back) may be missing or empty. Other members are left alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "delivery/report/report.h"

namespace tocsin::delivery {

struct GateDecision {
  std::string gate;     // "step-5"
  std::string verdict;  // "pass", "warn", "fail", …
  std::string check;    // what decided it; "" when it passed or nobody wrote it down
  std::string why;

  bool Passed() const { return verdict == "pass" || verdict == "warn"; }
};

struct Deployment {
  std::string version;
  std::string color;
  Timestamp started{};
  Timestamp finished{};
  std::string result;
  std::optional<Timestamp> committed;
  std::string reason;
  std::vector<GateDecision> gates;  // in the order of the record

  bool Succeeded() const { return result == "succeeded"; }
};

// Oldest first. Errors say the line.
Result<std::vector<Deployment>> ReadDeployments(std::string_view file, std::string_view text);

// Of the deployments that finished in a period.
struct DoraFigures {
  size_t deployments = 0;
  size_t failures = 0;                // rolled back or failed
  std::optional<Duration> lead_time;  // median, from the commit to all of the traffic
  size_t lead_times = 0;              // of how many that is the median
  // Median, from the beginning of one that failed to the end of the next that succeeded; of a
  // rollback, to its own end, because the old version has the traffic again.
  std::optional<Duration> time_to_restore;
};

std::vector<Deployment> DeploymentsIn(const std::vector<Deployment>& all,
                                      const ReportPeriod& period);
// `all` beyond the period, because a failure may be repaired after it.
DoraFigures ComputeDora(const std::vector<Deployment>& all, const ReportPeriod& period);

}  // namespace tocsin::delivery
