// What the linter is told: which checks, which house rules, which limits; a YAML file.
//
//   target: tocsin                   # or prometheus (default): where the rules will run
//   checks:
//     disable: [promql/fragile]
//     severity: {alerts/scrape_gap: note}
//   policies:                        # house rules
//     - match: {kind: alerting, name: "Redis.*"}
//       annotations: {required: [summary, runbook_url], values: {runbook_url: "https://.*"}}
//       labels: {required: [severity], values: {severity: "critical|warning|info"}}
//   limits:                          # the highest value that a metric can have
//     - {metric: process_resident_memory_bytes, labels: {job: app}, max: 2147483648, reason: …}
//   metrics:                         # what the application exposes
//     - {name: orders_total, type: counter, labels: [job, instance, state]}
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/finding.h"
#include "base/regex.h"
#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"
#include "engine/model/matcher.h"
#include "rules/lint/metric_schema.h"

namespace tocsin::lint {

// Which of a rule's labels or annotations must be there, must not, and what they must say.
struct EntryPolicy {
  std::vector<std::string> required;
  std::vector<std::string> forbidden;
  std::vector<std::pair<std::string, Regex>> values;
};

struct Policy {
  // Which rules it holds for; empty ones match all.
  std::string kind;  // "alerting", "recording"
  std::optional<Regex> name;
  std::optional<Regex> path;
  std::optional<Regex> group;
  LabelSet labels;

  EntryPolicy annotations;
  EntryPolicy label_entries;
  std::optional<Regex> rule_name;
  std::optional<Duration> min_for;
  std::optional<Duration> max_for;
  std::vector<std::string> keep;             // labels that aggregations must keep
  std::vector<std::string> strip;            // labels that aggregations must drop
  std::vector<std::string> selector_labels;  // matchers that selectors must have
  std::vector<Regex> reject;                 // texts that labels and annotations must not contain
  bool owner_required = false;
  std::vector<std::string> owners;  // those that are allowed; empty: any
  std::string report;               // said of every rule that matches
  bool follow_links = false;
};

struct MetricLimit {
  std::string metric;
  LabelSet labels;
  double max = 0;
  std::string reason;  // "the memory limit of service app-green"
};

struct CostLimits {
  size_t max_series = 0;  // 0: none
  size_t max_samples = 0;
  double max_seconds = 0;
};

enum class RuleTarget { kPrometheus, kTocsin };

struct LintSettings {
  RuleTarget target = RuleTarget::kPrometheus;
  std::vector<std::string> disabled;
  std::map<std::string, Severity, std::less<>> severities;
  std::vector<Policy> policies;
  std::vector<MetricLimit> limits;
  std::vector<MetricShape> metrics;
  CostLimits cost;
  // Names of features that are switched on where the rules run.
  std::vector<std::string> features;
  Duration retention{};  // 0: unknown
  Duration resend_delay = std::chrono::minutes(1);
  Duration lookback = std::chrono::minutes(5);

  bool IsDisabled(std::string_view check) const;
};

Result<LintSettings> ReadLintSettings(const std::string& file, std::string_view text);

// Where alerts go; the routing tree of an Alertmanager, as far as the linter asks for it.
struct AlertRouting {
  std::string file;
  // The receivers that an alert with these labels reaches.
  std::function<std::vector<std::string>(const LabelSet& labels)> receivers;
  std::string default_receiver;
  // Inhibition: what the source and the target must be, and which labels must be equal.
  struct Inhibition {
    int line = 0;
    std::vector<Matcher> source;
    std::vector<Matcher> target;
    std::vector<std::string> equal;
  };
  std::vector<Inhibition> inhibitions;
};

}  // namespace tocsin::lint
