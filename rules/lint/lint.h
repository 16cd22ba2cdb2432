// Lint: runs all checks over rule files.
//
//   const LintResult result = Lint(request);
//   for (const Finding& finding : result.findings) …
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/finding.h"
#include "rules/lint/check.h"

namespace tocsin::lint {

// One rule that cannot do what it is for.
struct RuleVerdict {
  std::string file;
  std::string group;
  size_t rule = 0;  // its index in the group
  std::string name;
  Consequence consequence = Consequence::kNone;
  std::string reason;  // one line
};

struct LintResult {
  std::vector<Finding> findings;  // by file, line, column, check
  std::vector<RuleVerdict> verdicts;
  // Expressions with the corrections of all their findings, by file and rule.
  struct Corrected {
    std::string file;
    std::string rule;
    std::string expr;
  };
  std::vector<Corrected> corrected;
  size_t rules = 0;
};

struct LintRequest {
  std::vector<RuleDocument> documents;
  std::vector<Finding> read_findings;  // of ReadRuleDocument
  MetricSchema schema;                 // without what rules record: Lint adds that
  LintSettings settings;
  const Config* config = nullptr;
  const AlertRouting* routing = nullptr;
  const std::vector<RuleDocument>* base = nullptr;
  Timestamp now{};
  std::function<Status(const std::string& url)> follow;
  std::function<Result<LintInput::Cost>(const std::string& query)> cost;
  // Only these checks; empty: all.
  std::vector<std::string> only;
};

LintResult Lint(const LintRequest& request);

// The rules of these groups that can never fire, or always do, as far as that is certain: no
// finding that rests on a convention counts. What `serve` says of the rules that it loads.
std::vector<RuleVerdict> JudgeRules(const std::vector<RuleGroupSpec>& groups,
                                         const MetricSchema& schema, const Config& config);

// Adds what recording rules give to the schema: their names, labels and types.
void AddRecordedMetrics(const std::vector<RuleGroupSpec>& groups, MetricSchema& schema);

}  // namespace tocsin::lint
