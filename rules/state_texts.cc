#include "rules/state_texts.h"

namespace tocsin {

std::string_view PhaseText(AlertPhase phase) {
  switch (phase) {
    case AlertPhase::kInactive:
      return "inactive";
    case AlertPhase::kPending:
      return "pending";
    case AlertPhase::kFiring:
      return "firing";
  }
  return "";
}

std::string_view HealthText(RuleHealth health) {
  switch (health) {
    case RuleHealth::kUnknown:
      return "unknown";
    case RuleHealth::kOk:
      return "ok";
    case RuleHealth::kError:
      return "err";
  }
  return "";
}

std::string_view HoldText(AlertHold hold) {
  switch (hold) {
    case AlertHold::kNone:
      return "";
    case AlertHold::kKeepFiringFor:
      return "keep_firing_for";
    case AlertHold::kMissingInput:
      return "on_missing";
    case AlertHold::kNotResolved:
      return "resolve_expr";
    case AlertHold::kStartup:
      return "startup";
  }
  return "";
}

}  // namespace tocsin
