#include "cli/commands.h"

namespace tocsin::cli {

std::span<const CommandSpec* const> Commands() {
  // clang-format off: a line each
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
      &kPromqlParseCommand,
      &kPromqlFormatCommand,
      &kPromqlMatchersSetCommand,
      &kPromqlMatchersDeleteCommand,
      &kTestRulesCommand,
      &kTestPromqlCommand,
      &kRulesLintCommand,
      &kLoadCommand,
      &kValidateCommand,
      &kGateCommand,
      &kCompletionCommand,
      &kVersionCommand,
  };
  // clang-format on
  return kCommands;
}

}  // namespace tocsin::cli
