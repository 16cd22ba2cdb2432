#include "cli/commands.h"

namespace tocsin::cli {

std::span<const CommandSpec* const> Commands() {
  // clang-format off: one row each
  static constexpr const CommandSpec* kCommands[] = {
      &kServeCommand,      &kAlertsCommand,       &kHealthcheckCommand, &kCheckConfigCommand,
      &kCheckRulesCommand, &kQueryInstantCommand, &kQueryRangeCommand,  &kCollectorsListCommand,
      &kTestRulesCommand,  &kTestPromqlCommand,   &kRulesLintCommand,   &kCompletionCommand,
      &kVersionCommand,
  };
  // clang-format on
  return kCommands;
}

}  // namespace tocsin::cli
