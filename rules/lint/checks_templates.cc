// Labels and annotations: what templates read, and how values are told.
#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "engine/promql/parser.h"
#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"
#include "rules/template/functions.h"
#include "rules/template/value.h"

namespace tocsin::lint {
namespace {

using promql::Expr;

struct TemplateText {
  std::string_view name;
  const AlertTemplate* text = nullptr;
  bool annotation = false;
};

std::vector<TemplateText> TemplatesOf(const RuleSpec& rule) {
  std::vector<TemplateText> texts;
  for (const TemplatedLabel& label : rule.label_templates) {
    texts.push_back({label.name, &label.value, false});
  }
  for (const TemplatedLabel& annotation : rule.annotation_templates) {
    texts.push_back({annotation.name, &annotation.value, true});
  }
  return texts;
}

Remark About(const TemplateText& text) {
  Remark remark;
  (text.annotation ? remark.annotation : remark.label) = text.name;
  return remark;
}

// All first submatches of the pattern.
std::vector<std::string> FindAll(std::string_view pattern, std::string_view text) {
  std::vector<std::string> found;
  const Result<Regex> regex = Regex::Compile(pattern);
  if (!regex.ok()) return found;
  std::vector<std::string_view> groups;
  while (regex->Match(text, &groups) && !groups[0].empty()) {
    found.emplace_back(groups[1]);
    text = std::string_view(
        groups[0].data() + groups[0].size(),
        static_cast<size_t>(text.data() + text.size() - (groups[0].data() + groups[0].size())));
  }
  return found;
}

bool Contains(std::string_view text, std::string_view pattern) {
  const Result<Regex> regex = Regex::Compile(pattern);
  return regex.ok() && regex->Matches(text);
}

// Runs the template on a sample as the query could give it.
void RunOnSample(const RuleContext& context, const TemplateText& text, Reporter& report) {
  LabelSet labels;
  for (const auto& [name, fact] : context.flow.root().labels) {
    labels.Set(name, fact.value.empty() ? "some-" + name : fact.value);
  }
  templates::AlertFields fields;
  fields.labels = std::make_shared<const LabelSet>(std::move(labels));
  fields.external_labels = std::make_shared<const LabelSet>(
      context.input.config == nullptr ? LabelSet() : context.input.config->global.external_labels);
  fields.external_url = "http://tocsin.example";
  fields.value = 1.5;
  templates::Environment environment{.now = context.input.now,
                                     .external_url = "http://tocsin.example"};
  environment.query = [](const std::string& expression) -> Result<templates::List> {
    const auto query = promql::ParseQuery(expression, {.experimental_functions = true});
    if (!query.ok()) return query.error();
    // One sample, so that `first` and `range` have something.
    auto sample = std::make_shared<templates::QuerySample>();
    sample->value = 1.5;
    auto list = std::make_shared<std::vector<templates::Value>>();
    list->emplace_back(templates::SamplePointer(std::move(sample)));
    return list;
  };
  const Result<std::string> expanded = text.text->Expand(fields, environment);
  if (expanded.ok()) return;
  Remark remark = About(text);
  remark.message = fmt::format("{}: {}", text.name, expanded.error().message);
  remark.explanation = "The alert would fire with this error in the place of the text.";
  remark.severity = Severity::kError;
  report.Say(std::move(remark));
}

void CheckLabelsRead(const RuleContext& context, const TemplateText& text, Reporter& report) {
  const LabelShape& root = context.flow.root();
  for (const std::string& label :
       FindAll(R"re((?:\$labels|\.Labels)\.([a-zA-Z_][a-zA-Z0-9_]*))re", text.text->text())) {
    if (root.Of(label) != Presence::kNever) continue;
    Remark remark = About(text);
    const std::string_view remover = root.Remover(label);
    std::string likely;
    for (const auto& [name, fact] : root.labels) {
      const bool generic = name == "job" || name == "instance" || name == "quantile";
      if (!generic && fact.value.empty() && likely.empty()) likely = name;
    }
    if (root.labels.contains("handler")) likely = "handler";
    remark.message =
        fmt::format("{}: $labels.{} is always empty: the query gives {}{}", text.name, label,
                    root.ToString(), root.assumed ? " with the usual instrumentation" : "");
    remark.explanation =
        remover.empty() ? fmt::format("No series has a label {}: the text has a hole there.", label)
                        : fmt::format("{} removes it.", remover);
    if (!likely.empty())
      remark.write = fmt::format("{}: … {{{{ $labels.{} }}}}", text.name, likely);
    report.Say(std::move(remark));
  }
}

// Functions that count.
bool GivesCounts(const Expr& root) {
  const std::vector<Threshold> thresholds = ThresholdsOf(root);
  const Expr& value = thresholds.empty() ? root : *thresholds[0].value;
  const std::string_view function = CalledFunction(value);
  return function == "changes" || function == "resets" || function == "count_over_time";
}

bool GivesFractions(const Expr& root) {
  if (GivesCounts(root)) return false;
  bool fractions = false;
  Walk(root, [&](const Expr& expr, Ancestors) {
    if (const auto* binary = expr.As<promql::Binary>()) {
      fractions |= binary->op == promql::BinaryOp::kDiv;
    }
    const std::string_view function = CalledFunction(expr);
    fractions |= function == "rate" || function == "irate" || function == "increase" ||
                 function == "delta" || function == "deriv" || function == "histogram_quantile" ||
                 function == "avg_over_time" || function == "predict_linear";
    const auto* aggregate = expr.As<promql::Aggregate>();
    fractions |= aggregate != nullptr && aggregate->op == promql::AggregateOp::kAvg;
    if (const promql::VectorSelector* selector = SelectorOf(expr)) {
      fractions |= MetricOf(*selector).find("_seconds") != std::string_view::npos;
    }
  });
  return fractions;
}

enum class Unit { kNone, kSeconds, kBytes, kRatio };

Unit UnitOf(const RuleContext& context) {
  const Expr* value = &context.root();
  const std::vector<Threshold> thresholds = ThresholdsOf(*value);
  if (!thresholds.empty()) value = thresholds.front().value;
  for (const FoundSelector& found : SelectorsBelow(*value)) {
    const std::string_view metric = MetricOf(*found.selector);
    if (metric.find("_bytes") != std::string_view::npos) return Unit::kBytes;
    if (metric.find("_seconds") != std::string_view::npos) return Unit::kSeconds;
  }
  const auto* binary = promql::Unwrapped(*value).As<promql::Binary>();
  const bool ratio = binary != nullptr && binary->op == promql::BinaryOp::kDiv && binary->matching;
  return ratio ? Unit::kRatio : Unit::kNone;
}

std::string FormattedValue(Unit unit) {
  switch (unit) {
    case Unit::kSeconds:
      return "{{ $value | humanizeDuration }}";
    case Unit::kBytes:
      return "{{ $value | humanize1024 }}B";
    case Unit::kRatio:
      return "{{ $value | humanizePercentage }}";
    case Unit::kNone:
      break;
  }
  return "{{ $value | humanize }}";
}

void CheckValue(const RuleContext& context, const TemplateText& text, Reporter& report) {
  const std::string& written = text.text->text();
  if (!text.annotation) {
    if (!Contains(written, R"re(\$value|\.Value)re")) return;
    Remark remark = About(text);
    remark.message =
        fmt::format("label {} has the value in it: a new alert at each evaluation", text.name);
    remark.explanation =
        "An alert is told by its labels: with each new value the old one resolves "
        "and `for` begins anew. Values belong into annotations.";
    remark.severity = Severity::kError;
    report.Say(std::move(remark));
    return;
  }
  const bool raw = Contains(written, R"re(\{\{-?\s*(\$value|\.Value)\s*-?\}\})re");
  if (!raw || !GivesFractions(context.root())) return;
  const Unit unit = UnitOf(context);
  Remark remark = About(text);
  remark.message = fmt::format("{}: the value is printed raw, like 2.199999999254942", text.name);
  remark.explanation = "humanize and its kin round to four digits and add the unit.";
  if (unit == Unit::kBytes) remark.explanation += " They want bytes: take the division out.";
  remark.write = fmt::format("{}: … {}", text.name, FormattedValue(unit));
  report.Say(std::move(remark));
  const bool divided =
      Contains(context.query().text(), R"re(1024\s*\*\s*1024|2\s*\^\s*30|1<<30)re");
  if (unit != Unit::kBytes || !divided || !Contains(written, R"re(\}\}\s*[KMGT]B)re")) return;
  Remark unit_remark = About(text);
  unit_remark.message = fmt::format(
      "{}: the text says GB, the expression divides by 1024³: these are GiB", text.name);
  unit_remark.explanation = "2 GiB are 2.147 GB.";
  unit_remark.write = fmt::format("{}: … {}", text.name, FormattedValue(unit));
  unit_remark.severity = Severity::kNote;
  report.Say(std::move(unit_remark));
}

void CheckNestedQueries(const RuleContext& context, const TemplateText& text, Reporter& report) {
  static_cast<void>(context);
  for (std::string query : FindAll(R"re(query\s+"((?:[^"\\]|\\.)*)")re", text.text->text())) {
    for (size_t at = 0; (at = query.find("\\\"", at)) != std::string::npos; ++at)
      query.erase(at, 1);
    const auto parsed = promql::ParseQuery(query, {.experimental_functions = true});
    if (parsed.ok()) continue;
    Remark remark = About(text);
    remark.message =
        fmt::format("{}: the query inside does not parse: {}", text.name, parsed.error().message);
    remark.severity = Severity::kError;
    report.Say(std::move(remark));
  }
}

}  // namespace

void CheckTemplate(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting) return;
  for (const TemplateText& text : TemplatesOf(context.rule)) {
    if (text.text->text().find("{{") == std::string::npos) continue;
    CheckNestedQueries(context, text, report);
    RunOnSample(context, text, report);
    CheckLabelsRead(context, text, report);
    CheckValue(context, text, report);
  }
}

void CheckExternalLabels(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting || context.input.config == nullptr) return;
  const LabelSet& known = context.input.config->global.external_labels;
  for (const TemplateText& text : TemplatesOf(context.rule)) {
    for (const std::string& label :
         FindAll(R"re((?:\$externalLabels|\.ExternalLabels)\.([a-zA-Z_][a-zA-Z0-9_]*))re",
                 text.text->text())) {
      if (known.Has(label)) continue;
      Remark remark = About(text);
      remark.message = fmt::format("{}: $externalLabels.{} is not configured", text.name, label);
      remark.explanation = fmt::format("{} has the external labels {}.", context.input.config->path,
                                       known.ToString());
      remark.write = fmt::format("global: {{external_labels: {{{}: …}}}}", label);
      report.Say(std::move(remark));
    }
  }
}

void CheckLabelConflict(const RuleContext& context, Reporter& report) {
  for (const auto& [name, value] : context.rule.labels) {
    if (context.input.config != nullptr && context.input.config->global.external_labels.Has(name)) {
      report.Say({.label = name,
                  .message = fmt::format("label {} is also an external label", name),
                  .explanation =
                      "The rule's value wins, and the alert does not tell where it comes "
                      "from."});
      continue;
    }
    const bool from_target = name == "job" || name == "instance";
    if (!from_target || context.flow.root().Of(name) != Presence::kAlways) continue;
    report.Say({.label = name,
                .message = fmt::format("label {} of the rule hides that of the series", name),
                .explanation = "Alerts of several targets get equal labels, which is an error, and "
                               "nobody sees which one it was."});
  }
}

void CheckIdentity(const RuleContext& context, Reporter& report) {
  if (!context.rule.alerting || context.rule.annotations.empty()) return;
  const LabelShape& root = context.flow.root();
  const bool several = root.Of("instance") == Presence::kAlways &&
                       root.labels.find("instance")->second.value.empty();
  if (!several) return;
  const bool told = std::ranges::any_of(context.rule.annotations, [](const LabelSet::Pair& pair) {
    return Contains(pair.second, R"re(\$labels|\.Labels)re");
  });
  if (told) return;
  report.Say({.field = "annotations",
              .message = "no annotation says which instance it is about",
              .explanation = "There may be an alert for each instance, and the text is all that a "
                             "pager shows.",
              .write = "summary: \"… on {{ $labels.instance }}\"",
              .severity = Severity::kNote});
}

}  // namespace tocsin::lint
