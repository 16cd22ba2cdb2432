#include "rules/rule_metrics.h"

#include <limits>

namespace tocsin {
namespace {

using Figures = RuleMetrics::Figures;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Row {
  const char* name;
  const char* help;
  double (*value)(const Figures& figures);
};
constexpr Row kRows[] = {
    {"tocsin_rule_evaluation_duration_seconds", "How long the last evaluation of the rule took.",
     [](const Figures& f) { return f.seconds; }},
    {"tocsin_rule_samples", "Samples that the last evaluation of the rule gave.",
     [](const Figures& f) { return static_cast<double>(f.samples); }},
    {"tocsin_rule_series_fetched",
     "Series that the expression has read; 0 is a rule that can never fire.",
     [](const Figures& f) { return static_cast<double>(f.series_fetched); }},
    {"tocsin_rule_state",
     "0 inactive, 1 pending, 2 firing: the highest of the rule's alerts; NaN for recording rules.",
     [](const Figures& f) { return f.phase ? static_cast<double>(*f.phase) : kUnknown; }},
    {"tocsin_rule_seconds_since_last_success",
     "From the last evaluation that did not fail to the last one; NaN before the first.",
     [](const Figures& f) { return f.since_success ? ToSeconds(*f.since_success) : kUnknown; }},
    {"tocsin_rule_consecutive_failures", "Evaluations that have failed since the last success.",
     [](const Figures& f) { return static_cast<double>(f.consecutive_failures); }},
    {"tocsin_rule_no_input", "Whether the expression selects series and there were none.",
     [](const Figures& f) { return f.no_input ? 1.0 : 0.0; }},
    {"tocsin_rule_degraded", "Whether a target that the rule reads from fails.",
     [](const Figures& f) { return f.degraded ? 1.0 : 0.0; }},
    {"tocsin_rule_transitions",
     "How often alerts of the rule have begun or ceased to fire within the last hour.",
     [](const Figures& f) { return static_cast<double>(f.transitions_per_hour); }},
};

}  // namespace

RuleMetrics::RuleMetrics(Metrics& metrics, const std::string& rule_group, const std::string& rule,
                         size_t index) {
  const MetricLabels labels = {
      {"rule_group", rule_group}, {"rule", rule}, {"rule_index", std::to_string(index)}};
  for (const Row& row : kRows) gauges_.push_back(metrics.MakeGauge(row.name, row.help, labels));
}

void RuleMetrics::Set(const Figures& figures) const {
  for (size_t i = 0; i < gauges_.size(); ++i) gauges_[i]->Set(kRows[i].value(figures));
}

}  // namespace tocsin
