#include "rules/lint/lint.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/promql/parser.h"
#include "rules/lint/expr_walk.h"

namespace tocsin::lint {
namespace {

// Turns remarks into findings.
class Collector final : public Reporter {
 public:
  Collector(const LintRequest& request, LintResult& result) : request_(request), result_(result) {}

  void Begin(const CheckSpec& check, const RuleContext* context, size_t rule) {
    check_ = &check;
    context_ = context;
    rule_ = rule;
  }

  void Say(Remark remark) override {
    const TextPlace place = PlaceOf(remark);
    SayOf(context_->document, place, &context_->places, std::move(remark));
  }

  void SayOf(const RuleDocument& document, TextPlace place, const RulePlaces* rule,
             Remark remark) override {
    if (IsSilenced(document, rule, check_->name, remark.subject, place.line, request_.now)) return;
    Finding finding{.severity = SeverityOf(remark),
                    .check = std::string(check_->name),
                    .file = document.file,
                    .line = place.line,
                    .column = place.column,
                    .message = std::move(remark.message),
                    .explanation = std::move(remark.explanation),
                    .fix = std::move(remark.write)};
    if (context_ != nullptr) {
      finding.message.insert(0, context_->rule.name + ": ");
      if (remark.in_expr) {
        const TextPlace end =
            document.PlaceOf(context_->places, context_->query(), remark.in_expr->end);
        finding.end_line = end.line;
        finding.end_column = end.column;
      }
      if (!remark.edits.empty()) {
        finding.fix = "expr: " + Edited(context_->query().text(), remark.edits);
        std::ranges::move(remark.edits, std::back_inserter(edits_));
      }
      AddVerdict(remark.consequence, finding);
    }
    result_.findings.push_back(std::move(finding));
  }

  std::vector<TextEdit> TakeEdits() { return std::exchange(edits_, {}); }

 private:
  Severity SeverityOf(const Remark& remark) const {
    const auto set = request_.settings.severities.find(check_->name);
    if (set != request_.settings.severities.end()) return set->second;
    return remark.severity.value_or(check_->severity);
  }

  TextPlace PlaceOf(const Remark& remark) const {
    const RulePlaces& places = context_->places;
    if (remark.in_expr) {
      return context_->document.PlaceOf(places, context_->query(), remark.in_expr->begin);
    }
    const auto among = [](const auto& map, std::string_view key) {
      const auto found = map.find(key);
      return found == map.end() ? std::optional<TextPlace>() : std::optional(found->second);
    };
    std::optional<TextPlace> place;
    if (!remark.annotation.empty()) place = among(places.annotations, remark.annotation);
    if (!place && !remark.label.empty()) place = among(places.labels, remark.label);
    if (!place && !remark.field.empty()) place = among(places.fields, remark.field);
    if (!place) place = among(places.fields, context_->rule.alerting ? "alert" : "record");
    return place.value_or(places.rule);
  }

  void AddVerdict(Consequence consequence, const Finding& finding) {
    if (consequence == Consequence::kNone) return;
    for (const RuleVerdict& verdict : result_.verdicts) {
      if (verdict.file == finding.file && verdict.group == context_->group.name &&
          verdict.rule == rule_) {
        return;
      }
    }
    result_.verdicts.push_back({.file = finding.file,
                                .group = context_->group.name,
                                .rule = rule_,
                                .name = context_->rule.name,
                                .consequence = consequence,
                                .reason = finding.message});
  }

  const LintRequest& request_;
  LintResult& result_;
  const CheckSpec* check_ = nullptr;
  const RuleContext* context_ = nullptr;
  size_t rule_ = 0;
  std::vector<TextEdit> edits_;
};

bool IsAsked(const LintRequest& request, const CheckSpec& check) {
  if (request.settings.IsDisabled(check.name)) return false;
  return request.only.empty() || std::ranges::find(request.only, check.name) != request.only.end();
}

void LintRule(const LintRequest& request, const RuleContext& context, size_t rule,
              Collector& collector, LintResult& result) {
  for (const CheckSpec& check : Checks()) {
    if (check.rule == nullptr || !IsAsked(request, check)) continue;
    collector.Begin(check, &context, rule);
    check.rule(context, collector);
  }
  std::vector<TextEdit> edits = collector.TakeEdits();
  if (edits.empty()) return;
  std::string expr = Edited(context.query().text(), std::move(edits));
  // Corrections may get in each other's way; then each stands for itself.
  if (!promql::ParseQuery(expr, {.experimental_functions = true}).ok()) return;
  result.corrected.push_back(
      {.file = context.document.file, .rule = context.rule.name, .expr = std::move(expr)});
}

void LintDocument(const LintRequest& request, const LintInput& input, const RuleDocument& document,
                  Collector& collector, LintResult& result) {
  for (size_t g = 0; g < document.groups.size() && g < document.places.size(); ++g) {
    const RuleGroupSpec& group = document.groups[g];
    const GroupPlaces& places = document.places[g];
    for (size_t r = 0; r < group.rules.size() && r < places.rules.size(); ++r) {
      const LabelFlow flow(*group.rules[r].query, input.schema);
      const RuleContext context{input, document, group, group.rules[r], places.rules[r], flow};
      LintRule(request, context, r, collector, result);
      ++result.rules;
    }
  }
}

// The labels that a recording rule's series have, by the labels of its query and its own.
MetricShape RecordedShape(const RuleSpec& rule, const MetricSchema& schema) {
  const LabelFlow flow(*rule.query, schema);
  const LabelShape& root = flow.root();
  MetricShape shape{.name = rule.name,
                    .open = root.open,
                    .origin = Origin::kRule,
                    .source = "the recording rule " + rule.name};
  if (root.assumed) shape.origin = Origin::kConvention;
  for (const auto& [name, fact] : root.labels) {
    shape.labels.insert(name);
    if (fact.presence == Presence::kMaybe) shape.optional_labels.insert(name);
  }
  for (const auto& [name, value] : rule.labels) shape.labels.insert(name);
  return shape;
}

}  // namespace

void AddRecordedMetrics(const std::vector<RuleGroupSpec>& groups, MetricSchema& schema) {
  std::map<std::string, int> times;
  for (const RuleGroupSpec& group : groups) {
    for (const RuleSpec& rule : group.rules) {
      if (!rule.alerting) ++times[rule.name];
    }
  }
  for (const RuleGroupSpec& group : groups) {
    for (const RuleSpec& rule : group.rules) {
      if (rule.alerting) continue;
      MetricShape shape = RecordedShape(rule, schema);
      // Several rules of one name give series of several shapes.
      if (times[rule.name] > 1) shape = {.name = rule.name, .open = true, .origin = Origin::kRule};
      schema.Add(std::move(shape));
    }
  }
}

LintResult Lint(const LintRequest& request) {
  LintResult result;
  result.findings = request.read_findings;
  MetricSchema schema = request.schema;
  for (const MetricShape& metric : request.settings.metrics) schema.Add(metric);
  std::vector<RuleGroupSpec> groups;
  for (const RuleDocument& document : request.documents) {
    groups.insert(groups.end(), document.groups.begin(), document.groups.end());
  }
  AddRecordedMetrics(groups, schema);
  const LintInput input{.documents = request.documents,
                        .schema = schema,
                        .settings = request.settings,
                        .config = request.config,
                        .routing = request.routing,
                        .base = request.base,
                        .now = request.now,
                        .follow = request.follow,
                        .cost = request.cost};
  Collector collector(request, result);
  for (const RuleDocument& document : request.documents) {
    LintDocument(request, input, document, collector, result);
  }
  for (const CheckSpec& check : Checks()) {
    if (check.files == nullptr || !IsAsked(request, check)) continue;
    collector.Begin(check, nullptr, 0);
    check.files(input, collector);
  }
  std::ranges::stable_sort(result.findings, {}, [](const Finding& finding) {
    return std::tuple(finding.file, finding.line, finding.column, finding.check);
  });
  return result;
}

std::vector<RuleVerdict> JudgeRules(const std::vector<RuleGroupSpec>& groups,
                                    const MetricSchema& schema, const Config& config) {
  LintRequest request;
  request.config = &config;
  request.schema = schema;
  // Without the files' text there are no places; nobody asks for them here.
  std::map<std::string, RuleDocument> documents;
  for (const RuleGroupSpec& group : groups) {
    RuleDocument& document = documents[group.file];
    document.file = group.file;
    document.groups.push_back(group);
    document.places.emplace_back().rules.resize(group.rules.size());
  }
  for (auto& [file, document] : documents) request.documents.push_back(std::move(document));
  LintResult result = Lint(request);
  return std::move(result.verdicts);
}

std::string Edited(std::string_view text, std::vector<TextEdit> edits) {
  // At one place what is inserted comes first, and of replacements the wider one is kept.
  std::ranges::stable_sort(edits, {}, [](const TextEdit& edit) {
    const bool replaces = edit.where.end > edit.where.begin;
    return std::tuple(edit.where.begin, replaces, -edit.where.end);
  });
  std::string out;
  size_t at = 0;
  for (const TextEdit& edit : edits) {
    const auto begin = static_cast<size_t>(edit.where.begin);
    if (begin < at || begin > text.size()) continue;
    out += text.substr(at, begin - at);
    out += edit.text;
    at = std::min(static_cast<size_t>(edit.where.end), text.size());
  }
  out += text.substr(at);
  while (out.ends_with('\n') || out.ends_with(' ')) out.pop_back();
  return out;
}

std::string_view RuleContext::Text(const promql::Expr& expr) const {
  return TextOf(query(), expr.position);
}

const MetricShape* RuleContext::Metric(const promql::VectorSelector& selector) const {
  const std::string_view metric = MetricOf(selector);
  return metric.empty() ? nullptr : input.schema.Find(metric);
}

Duration LintInput::scrape_interval() const {
  return config == nullptr ? Duration(std::chrono::seconds(15)) : config->global.scrape_interval;
}

}  // namespace tocsin::lint
