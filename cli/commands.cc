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
      &kRulesLintCommand,
      &kRulesExplainCommand,
      &kRulesBacktestCommand,
      &kRulesEvalCommand,
      &kRulesFmtCommand,
      &kRulesDiffCommand,
      &kImportCommand,
      &kQueryInstantCommand,
      &kQueryRangeCommand,
      &kQuerySeriesCommand,
      &kQueryLabelsCommand,
      &kQueryAnalyzeCommand,
      &kPushMetricsCommand,
      &kDebugAllCommand,
      &kTsdbAnalyzeCommand,
      &kTsdbDumpCommand,
      &kTsdbLoadCommand,
      &kTsdbBackfillCommand,
      &kCollectorsListCommand,
      &kPromqlParseCommand,
      &kPromqlFormatCommand,
      &kPromqlMatchersSetCommand,
      &kPromqlMatchersDeleteCommand,
      &kTestRulesCommand,
      &kTestPromqlCommand,
      &kLoadCommand,
      &kValidateCommand,
      &kGateCommand,
      &kReportCommand,
      &kManCommand,
      &kCompletionCommand,
      &kVersionCommand,
  };
  // clang-format on
  return kCommands;
}

}  // namespace tocsin::cli
