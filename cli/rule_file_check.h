// What `check rules` and `check config` do with one rule file: promtool's words, exit codes and
// lint, as findings.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/findings_report.h"
#include "engine/promql/parser.h"

namespace tocsin::cli {

// Which of promtool's lint checks are wanted: the value of --lint.
struct LintSelection {
  bool duplicate_rules = true;
  bool long_scrape_interval = false;
};
constexpr FlagSpec kLintFlag = {
    .name = "--lint",
    .value = "CHECKS",
    .fallback = "duplicate-rules",
    .help = "Lint checks, by commas: all, duplicate-rules, too-long-scrape-interval, none."};
Result<LintSelection> ParseLint(std::string_view text);

constexpr FlagSpec kIgnoreUnknownFieldsFlag = {
    .name = "--ignore-unknown-fields", .help = "Unknown fields of rule files are no errors."};

struct RuleFileCheck {
  promql::ParserOptions parser;
  LintSelection lint;
  bool ignore_unknown_fields = false;
  // Whether rules may say more than Prometheus knows.
  bool extension_fields = true;
};

// Reads standard input when `path` is "-".
void CheckRuleFile(const std::string& path, const RuleFileCheck& options, CommandContext& context,
                   FindingsReport& report);

// Where standard input can be read like a file, and what it is called in messages.
constexpr std::string_view kStandardInput = "/dev/stdin";

}  // namespace tocsin::cli
