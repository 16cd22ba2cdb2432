// Every subcommand, one row each.
#pragma once

#include <span>

#include "cli/command.h"

namespace tocsin::cli {

// All rows, in the order of --help.
std::span<const CommandSpec* const> Commands();

extern const CommandSpec kServeCommand;                  // serve_command.cc
extern const CommandSpec kAlertsCommand;                 // alerts_command.cc
extern const CommandSpec kHealthcheckCommand;            // healthcheck_command.cc
extern const CommandSpec kCheckConfigCommand;            // check_config_command.cc
extern const CommandSpec kCheckRulesCommand;             // check_rules_command.cc
extern const CommandSpec kQueryInstantCommand;           // query_command.cc
extern const CommandSpec kQueryRangeCommand;             // query_command.cc
extern const CommandSpec kCompletionCommand;             // completion_command.cc
extern const CommandSpec kCollectorsListCommand;         // collectors_command.cc
extern const CommandSpec kPromqlParseCommand;            // promql_command.cc
extern const CommandSpec kPromqlFormatCommand;           // promql_command.cc
extern const CommandSpec kPromqlMatchersSetCommand;      // promql_command.cc
extern const CommandSpec kPromqlMatchersDeleteCommand;   // promql_command.cc
extern const CommandSpec kTestPromqlCommand;             // test_promql_command.cc
extern const CommandSpec kRulesLintCommand;              // rules_lint_command.cc
extern const CommandSpec kTestRulesCommand;              // test_rules_command.cc
extern const CommandSpec kCheckAlertmanagerCommand;      // check_alertmanager_command.cc
extern const CommandSpec kRouteCommand;                  // route_command.cc
extern const CommandSpec kVersionCommand;                // version_command.cc
extern const CommandSpec kLoadCommand;                   // load_command.cc
extern const CommandSpec kValidateCommand;               // validate_command.cc
extern const CommandSpec kGateCommand;                   // gate_command.cc
extern const CommandSpec kReportCommand;                 // report_command.cc
extern const CommandSpec kCheckMetricsCommand;           // check_metrics_command.cc
extern const CommandSpec kCheckWebConfigCommand;         // check_web_config_command.cc
extern const CommandSpec kCheckServiceDiscoveryCommand;  // check_service_discovery_command.cc
extern const CommandSpec kCheckHealthyCommand;           // check_server_command.cc
extern const CommandSpec kCheckReadyCommand;             // check_server_command.cc
extern const CommandSpec kAlertSendCommand;              // alert_send_command.cc
extern const CommandSpec kQuerySeriesCommand;            // query_command.cc
extern const CommandSpec kQueryLabelsCommand;            // query_command.cc
extern const CommandSpec kQueryAnalyzeCommand;           // query_analyze_command.cc
extern const CommandSpec kPushMetricsCommand;            // push_metrics_command.cc
extern const CommandSpec kDebugAllCommand;               // debug_all_command.cc
extern const CommandSpec kTsdbAnalyzeCommand;            // tsdb_analyze_command.cc
extern const CommandSpec kTsdbDumpCommand;               // tsdb_dump_command.cc
extern const CommandSpec kTsdbLoadCommand;               // tsdb_load_command.cc
extern const CommandSpec kTsdbBackfillCommand;           // tsdb_load_command.cc
extern const CommandSpec kManCommand;                    // man_command.cc
extern const CommandSpec kRulesExplainCommand;       // rules_explain_command.cc
extern const CommandSpec kRulesFmtCommand;           // rules_fmt_command.cc
extern const CommandSpec kRulesDiffCommand;          // rules_diff_command.cc
extern const CommandSpec kImportCommand;             // import_command.cc
extern const CommandSpec kRulesEvalCommand;          // rules_eval_command.cc
extern const CommandSpec kRulesBacktestCommand;      // rules_backtest_command.cc

}  // namespace tocsin::cli
