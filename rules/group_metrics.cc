#include "rules/group_metrics.h"

#include <vector>

namespace tocsin {
namespace {

const std::vector<double>& DurationBounds() {
  static const std::vector<double> kBounds = {0.01, 0.1, 1, 10};
  return kBounds;
}

}  // namespace

GroupMetrics::GroupMetrics(Metrics& metrics, const std::string& rule_group) {
  const MetricLabels labels = {{"rule_group", rule_group}};
  evaluations = metrics.MakeCounter("prometheus_rule_evaluations_total",
                                    "The total number of rule evaluations.", labels);
  evaluation_failures =
      metrics.MakeCounter("prometheus_rule_evaluation_failures_total",
                          "The total number of rule evaluation failures.", labels);
  iterations = metrics.MakeCounter(
      "prometheus_rule_group_iterations_total",
      "The total number of scheduled rule group evaluations, whether executed or missed.", labels);
  iterations_missed = metrics.MakeCounter(
      "prometheus_rule_group_iterations_missed_total",
      "The total number of rule group evaluations missed due to slow rule group evaluation.",
      labels);
  interval = metrics.MakeGauge("prometheus_rule_group_interval_seconds",
                               "The interval of a rule group.", labels);
  rules = metrics.MakeGauge("prometheus_rule_group_rules", "The number of rules.", labels);
  last_evaluation_timestamp =
      metrics.MakeGauge("prometheus_rule_group_last_evaluation_timestamp_seconds",
                        "The timestamp of the last rule group evaluation in seconds.", labels);
  last_duration = metrics.MakeGauge("prometheus_rule_group_last_duration_seconds",
                                    "The duration of the last rule group evaluation.", labels);
  last_rule_duration_sum = metrics.MakeGauge(
      "prometheus_rule_group_last_rule_duration_sum_seconds",
      "The sum of time in seconds it took to evaluate each rule in the group.", labels);
  last_restore_duration =
      metrics.MakeGauge("prometheus_rule_group_last_restore_duration_seconds",
                        "The duration of the last alert rules alerts restoration using the "
                        "`ALERTS_FOR_STATE` series.",
                        labels);
  last_evaluation_samples = metrics.MakeGauge(
      "prometheus_rule_group_last_evaluation_samples",
      "The number of samples returned during the last rule group evaluation.", labels);
  rule_duration = metrics.MakeSummary("prometheus_rule_evaluation_duration_seconds",
                                      "The duration for a rule to execute.");
  rule_duration_histogram =
      metrics.MakeHistogram("prometheus_rule_evaluation_duration_histogram_seconds",
                            "The duration for a rule to execute.", DurationBounds());
  group_duration = metrics.MakeSummary("prometheus_rule_group_duration_seconds",
                                       "The duration of rule group evaluations.");
  group_duration_histogram =
      metrics.MakeHistogram("prometheus_rule_group_duration_histogram_seconds",
                            "The duration of rule group evaluations.", DurationBounds());
  template_expansions = metrics.MakeCounter("prometheus_template_text_expansions_total",
                                            "The total number of template text expansions.");
  template_failures = metrics.MakeCounter("prometheus_template_text_expansion_failures_total",
                                          "The total number of template text expansion failures.");
}

}  // namespace tocsin
