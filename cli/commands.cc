#include "cli/commands.h"

namespace tocsin::cli {

std::span<const CommandSpec* const> Commands() {
  // One row each.
  // clang-format off
  static constexpr const CommandSpec* kCommands[] = {
      &kServeCommand,
      &kAlertsCommand,
      &kHealthcheckCommand,
      &kCheckConfigCommand,
      &kCheckRulesCommand,
      &kCheckAlertmanagerCommand,
      &kRouteCommand,
      &kQueryInstantCommand,
      &kQueryRangeCommand,
      &kCollectorsListCommand,
      &kTestRulesCommand,
      &kTestPromqlCommand,
      &kRulesLintCommand,
      &kCompletionCommand,
      &kVersionCommand,
  };
  // clang-format on
  return kCommands;
}

}  // namespace tocsin::cli
