// The life of one alert as a pure function of time: Prometheus' state machine.
//
//              condition holds            held for `hold`
//   (nothing) ─────────────────▶ pending ─────────────────▶ firing ◀─┐ keep_firing_for
//       ▲          gone             │                          │  └───┘
//       │◀──────────────────────────┘                     gone │
//       │        after resolved_retention                      ▼
//       └────────────────────────────────────────────────── inactive (resolved)
//
// A resolved alert whose condition holds again starts afresh.
#pragma once

#include <optional>

#include "base/time.h"
#include "rules/snapshot.h"

namespace tocsin {

struct AlertPolicy {
  Duration hold{};  // `for`
  Duration keep_firing_for{};
  // For how long a resolved alert is remembered, and re-sent.
  Duration resolved_retention = std::chrono::minutes(15);
};

struct AlertTiming {
  AlertPhase phase = AlertPhase::kPending;
  Timestamp active_at{};
  std::optional<Timestamp> fired_at;
  // Since when the condition is gone while the alert goes on firing.
  std::optional<Timestamp> keep_firing_since;
  std::optional<Timestamp> resolved_at;
  std::optional<Timestamp> last_sent_at;

  friend bool operator==(const AlertTiming&, const AlertTiming&) = default;
};

enum class AlertCondition {
  kHolds,
  kGone,
  kUnknown,  // the data that would tell are not there yet: everything stays as it is
};

// The state after an evaluation at `now`; nothing for an alert that there is not, or no longer.
std::optional<AlertTiming> Next(std::optional<AlertTiming> was, AlertCondition condition,
                                Timestamp now, const AlertPolicy& policy);

// Whether the Alertmanager is to be told now: news at once, everything else again after more than
// `resend_delay`.
bool IsDue(const AlertTiming& alert, Timestamp now, Duration resend_delay);

}  // namespace tocsin
