#include "cli/commands.h"

namespace tocsin::cli {

std::span<const CommandSpec* const> Commands() {
  static constexpr const CommandSpec* kCommands[] = {
      &kServeCommand,      &kAlertsCommand,       &kHealthcheckCommand, &kCheckConfigCommand,
      &kCheckRulesCommand, &kQueryInstantCommand, &kQueryRangeCommand,  &kCollectorsListCommand,
      &kTestPromqlCommand, &kCompletionCommand,   &kRulesLintCommand,   &kVersionCommand,
  };
  return kCommands;
}

}  // namespace tocsin::cli
