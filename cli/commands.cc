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
      &kCheckMetricsCommand,
      &kCheckWebConfigCommand,
      &kCheckServiceDiscoveryCommand,
      &kCheckAlertmanagerCommand,
      &kCheckHealthyCommand,
      &kCheckReadyCommand,
      &kRouteCommand,
      &kAlertSendCommand,
      &kQueryInstantCommand,
      &kQueryRangeCommand,
      &kQuerySeriesCommand,
      &kQueryLabelsCommand,
      &kQueryAnalyzeCommand,
      &kPushMetricsCommand,
      &kDebugAllCommand,
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
      &kManCommand,
      &kVersionCommand,
  };
  // clang-format on
  return kCommands;
}

}  // namespace tocsin::cli
