// The checks of the linter: one row each, with a kernel that looks at a rule, a group or all files.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/http_client.h"
#include "config/config.h"
#include "rules/lint/label_flow.h"
#include "rules/lint/lint_settings.h"
#include "rules/lint/metric_schema.h"
#include "rules/lint/rule_document.h"

namespace tocsin::lint {

// What a defect means for the rule as a whole.
enum class Consequence { kNone, kNeverFires, kAlwaysFires };

// Part of a query that is to be written differently.
struct TextEdit {
  promql::PositionRange where;
  std::string text;
};

// What a kernel says.
struct Remark {
  // One of these says where; the rule as a whole when none is set.
  std::optional<promql::PositionRange> in_expr;
  std::string_view field = {};       // "for"
  std::string_view label = {};       // of the field `labels`
  std::string_view annotation = {};  // of the field `annotations`
  std::string message;               // one line
  std::string explanation = {};
  // What to write instead: edits of the expression, or whole lines of YAML.
  std::vector<TextEdit> edits = {};
  std::string write = {};
  std::optional<Severity> severity = {};  // instead of the row's
  std::string subject = {};               // what a comment may name in parentheses: the metric
  Consequence consequence = Consequence::kNone;
};

struct LintInput;

// A rule and all that a kernel may want to know of it.
struct RuleContext {
  const LintInput& input;
  const RuleDocument& document;
  const RuleGroupSpec& group;
  const RuleSpec& rule;
  const RulePlaces& places;
  const LabelFlow& flow;

  const promql::ParsedQuery& query() const { return *rule.query; }
  const promql::Expr& root() const { return rule.query->root(); }
  std::string_view Text(const promql::Expr& expr) const;
  const MetricShape* Metric(const promql::VectorSelector& selector) const;
  // How often the targets that the selector reads are scraped.
  Duration ScrapeIntervalOf(const promql::VectorSelector& selector) const;
};

// What came before the lint of the whole: the server, and what the linter was told.
struct LintInput {
  const std::vector<RuleDocument>& documents;
  const MetricSchema& schema;
  const LintSettings& settings;
  const Config* config = nullptr;  // null: unknown
  // The receivers' routing; empty: unknown. True when a receiver of its own takes the alert.
  const AlertRouting* routing = nullptr;
  // The file before the change, for rule/dependency; empty: none.
  const std::vector<RuleDocument>* base = nullptr;
  Timestamp now{};
  // Answers whether a link is alive; empty: links are not followed.
  std::function<Status(const std::string& url)> follow;
  // Cost of a query, asked of the server; empty: unknown.
  struct Cost {
    size_t series = 0;
    size_t samples = 0;
    double seconds = 0;
  };
  std::function<Result<Cost>(const std::string& query)> cost;

  Duration scrape_interval() const;
};

// Takes the remarks of one kernel.
class Reporter {
 public:
  virtual ~Reporter() = default;
  // About the rule that is being checked.
  virtual void Say(Remark remark) = 0;
  // About a place of its own.
  virtual void SayOf(const RuleDocument& document, TextPlace place, const RulePlaces* rule,
                     Remark remark) = 0;
};

// What a check needs to be of use.
enum class Needs { kText, kSchema, kConfig, kServer, kRouting, kBase, kPolicy };

struct CheckSpec {
  std::string_view name;
  Severity severity = Severity::kWarning;
  Needs needs = Needs::kText;
  std::string_view summary;
  void (*rule)(const RuleContext& context, Reporter& report) = nullptr;
  void (*files)(const LintInput& input, Reporter& report) = nullptr;
};

// Sorted by name.
std::span<const CheckSpec> Checks();
// Null when there is none of that name.
const CheckSpec* FindCheck(std::string_view name);

// The query's text after the edits; those that overlap an earlier one are left out.
std::string Edited(std::string_view text, std::vector<TextEdit> edits);

}  // namespace tocsin::lint
