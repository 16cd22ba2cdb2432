// The kernels of the checks, by the file that defines them; rows in check_table.cc.
#pragma once

#include "rules/lint/check.h"

namespace tocsin::lint {

// checks_series.cc: what selectors read.
void CheckSeries(const RuleContext& context, Reporter& report);
void CheckUnscoped(const RuleContext& context, Reporter& report);
void CheckTraps(const RuleContext& context, Reporter& report);
void CheckRegexp(const RuleContext& context, Reporter& report);

// checks_matching.cc: what operators make of two sides.
void CheckVectorMatching(const RuleContext& context, Reporter& report);
void CheckImpossible(const RuleContext& context, Reporter& report);
void CheckSelfDivision(const RuleContext& context, Reporter& report);

// checks_functions.cc: functions and aggregations.
void CheckRate(const RuleContext& context, Reporter& report);
void CheckCounter(const RuleContext& context, Reporter& report);
void CheckNan(const RuleContext& context, Reporter& report);
void CheckFragile(const RuleContext& context, Reporter& report);
void CheckFeatures(const RuleContext& context, Reporter& report);
void CheckOffset(const RuleContext& context, Reporter& report);
void CheckRange(const RuleContext& context, Reporter& report);
void CheckCost(const RuleContext& context, Reporter& report);

// checks_alerts.cc: thresholds and times of alerts.
void CheckAbsent(const RuleContext& context, Reporter& report);
void CheckComparison(const RuleContext& context, Reporter& report);
void CheckFor(const RuleContext& context, Reporter& report);
void CheckShortFor(const RuleContext& context, Reporter& report);
void CheckScrapeGap(const RuleContext& context, Reporter& report);
void CheckUnreachable(const RuleContext& context, Reporter& report);
void CheckTrafficFloor(const RuleContext& context, Reporter& report);
void CheckGranularity(const RuleContext& context, Reporter& report);

// checks_templates.cc: labels and annotations.
void CheckTemplate(const RuleContext& context, Reporter& report);
void CheckExternalLabels(const RuleContext& context, Reporter& report);
void CheckLabelConflict(const RuleContext& context, Reporter& report);
void CheckIdentity(const RuleContext& context, Reporter& report);

// checks_policy.cc: house rules.
void CheckAnnotationPolicy(const RuleContext& context, Reporter& report);
void CheckLabelPolicy(const RuleContext& context, Reporter& report);
void CheckNamePolicy(const RuleContext& context, Reporter& report);
void CheckForPolicy(const RuleContext& context, Reporter& report);
void CheckRejectPolicy(const RuleContext& context, Reporter& report);
void CheckLinkPolicy(const RuleContext& context, Reporter& report);
void CheckOwnerPolicy(const RuleContext& context, Reporter& report);
void CheckReportPolicy(const RuleContext& context, Reporter& report);
void CheckAggregatePolicy(const RuleContext& context, Reporter& report);
void CheckSelectorPolicy(const RuleContext& context, Reporter& report);

// checks_files.cc: groups and files as a whole.
void CheckComments(const LintInput& input, Reporter& report);
void CheckGroupInterval(const LintInput& input, Reporter& report);
void CheckDuplicates(const LintInput& input, Reporter& report);
void CheckDependency(const LintInput& input, Reporter& report);
void CheckRestart(const LintInput& input, Reporter& report);
void CheckRunbooks(const LintInput& input, Reporter& report);
void CheckSeverityOrder(const LintInput& input, Reporter& report);

// checks_stack.cc: rules against the jobs and the Alertmanager.
void CheckLiveness(const LintInput& input, Reporter& report);
void CheckUnwatched(const LintInput& input, Reporter& report);
void CheckBlueGreen(const LintInput& input, Reporter& report);
void CheckRouting(const RuleContext& context, Reporter& report);
void CheckInhibitions(const LintInput& input, Reporter& report);

// thresholds.cc: `value > number` somewhere in an alert's condition.
struct Threshold {
  const promql::Expr* comparison = nullptr;
  const promql::Expr* value = nullptr;  // the side that is no number
  promql::BinaryOp op{};                // with the value on the left
  double limit = 0;
};
// The comparisons with numbers that decide over the alert: at the root, and through and, or,
// unless and parentheses.
std::vector<Threshold> ThresholdsOf(const promql::Expr& root);

// The first selector below, in the order of the text; null when there is none.
struct FoundSelector {
  const promql::Expr* expr = nullptr;
  const promql::VectorSelector* selector = nullptr;
};
std::vector<FoundSelector> SelectorsBelow(const promql::Expr& expr);

// The job that the rule means when it names none: the only scraped job of the configuration, or
// "my-app".
std::string JobOf(const LintInput& input);

}  // namespace tocsin::lint
