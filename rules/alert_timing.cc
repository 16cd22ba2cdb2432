#include "rules/alert_timing.h"

#include <algorithm>

namespace tocsin {
namespace {

AlertTiming WhileConditionHolds(AlertTiming alert, Timestamp now, const AlertPolicy& policy) {
  // A clock that was set back must not make a pending alert wait longer than `hold`.
  alert.active_at = std::min(alert.active_at, now);
  alert.keep_firing_since.reset();
  const bool held = now - alert.active_at >= policy.hold;
  if (alert.phase == AlertPhase::kPending && held) {
    alert.phase = AlertPhase::kFiring;
    alert.fired_at = now;
  } else if (alert.phase == AlertPhase::kFiring && !held) {
    // A reload has raised `hold`.
    alert.phase = AlertPhase::kPending;
    alert.fired_at.reset();
    alert.last_sent_at.reset();
  }
  return alert;
}

std::optional<AlertTiming> WhileConditionIsGone(AlertTiming alert, Timestamp now,
                                                const AlertPolicy& policy) {
  switch (alert.phase) {
    case AlertPhase::kPending:
      return std::nullopt;
    case AlertPhase::kFiring:
      if (policy.keep_firing_for > Duration::zero()) {
        if (!alert.keep_firing_since) alert.keep_firing_since = now;
        if (now - *alert.keep_firing_since < policy.keep_firing_for) return alert;
      }
      alert.phase = AlertPhase::kInactive;
      alert.resolved_at = now;
      return alert;
    case AlertPhase::kInactive:
      if (now - alert.resolved_at.value_or(now) > policy.resolved_retention) return std::nullopt;
      return alert;
  }
  return std::nullopt;
}

}  // namespace

std::optional<AlertTiming> Next(std::optional<AlertTiming> was, AlertCondition condition,
                                Timestamp now, const AlertPolicy& policy) {
  switch (condition) {
    case AlertCondition::kUnknown:
      return was;
    case AlertCondition::kGone:
      return was ? WhileConditionIsGone(*was, now, policy) : std::nullopt;
    case AlertCondition::kHolds:
      if (!was || was->phase == AlertPhase::kInactive) was = AlertTiming{.active_at = now};
      return WhileConditionHolds(*was, now, policy);
  }
  return was;
}

bool IsDue(const AlertTiming& alert, Timestamp now, Duration resend_delay) {
  if (alert.phase == AlertPhase::kPending) return false;
  if (!alert.last_sent_at) return true;
  if (alert.resolved_at && *alert.resolved_at > *alert.last_sent_at) return true;
  return *alert.last_sent_at + resend_delay < now;
}

}  // namespace tocsin
