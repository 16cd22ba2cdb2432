// The states of rules and alerts as the API, pages, reports and the label alertstate name them.
#pragma once

#include <string_view>

#include "rules/snapshot.h"

namespace tocsin {

std::string_view PhaseText(AlertPhase phase);
std::string_view HealthText(RuleHealth health);
std::string_view HoldText(AlertHold hold);

}  // namespace tocsin
