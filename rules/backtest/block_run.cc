#include "rules/backtest/block_run.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "engine/model/histogram.h"
#include "engine/promql/function_table.h"
#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/recording_rule.h"
#include "rules/rule_batches.h"

namespace tocsin {
namespace {

using promql::Expr;

bool ReadsWhatItWrites(const RuleSpec& reader, const RuleSpec& writer) {
  bool reads = false;
  lint::Walk(reader.query->root(), [&](const Expr& expr, lint::Ancestors) {
    const promql::VectorSelector* selector = lint::SelectorOf(expr);
    reads |= selector != nullptr && MayReadSeriesOf(*selector, writer);
  });
  return reads;
}

bool AsksInTemplates(const RuleSpec& rule) {
  const auto asks = [](const TemplatedLabel& text) {
    return text.value.text().find("query") != std::string::npos;
  };
  return std::ranges::any_of(rule.label_templates, asks) ||
         std::ranges::any_of(rule.annotation_templates, asks);
}

// start(), end(), step() and range() mean other times in a range query.
bool DependsOnRange(const Expr& root) {
  bool depends = false;
  lint::Walk(root, [&](const Expr& expr, lint::Ancestors) {
    const promql::VectorSelector* selector = lint::SelectorOf(expr);
    const auto* subquery = expr.As<promql::Subquery>();
    const auto* matrix = expr.As<promql::MatrixSelector>();
    const promql::TimeModifiers* time = selector != nullptr   ? &selector->time
                                        : subquery != nullptr ? &subquery->time
                                                              : nullptr;
    if (time == nullptr) return;
    depends |= time->offset_expr != nullptr;
    depends |= time->at && time->at->kind != promql::AtModifier::Kind::kTime;
    depends |= matrix != nullptr && matrix->range_expr != nullptr;
    depends |=
        subquery != nullptr && (subquery->range_expr != nullptr || subquery->step_expr != nullptr);
  });
  return depends;
}

bool UsesExtensions(const RuleSpec& rule) {
  return rule.extensions.on_missing != MissingPolicy::kResolve ||
         rule.extensions.resolve_query != nullptr;
}

// Whether any other rule of the group reads it.
bool IsReadIn(const RuleSpec& writer, const RuleGroupSpec& group) {
  return std::ranges::any_of(group.rules, [&](const RuleSpec& reader) {
    return ReadsWhatItWrites(reader, writer) || AsksInTemplates(reader);
  });
}

promql::VectorElement ElementAt(const promql::MatrixElement& series, const promql::Point& point) {
  return {.labels = series.labels, .point = point};
}

Result<promql::VectorValue> VectorOf(promql::QueryValue value) {
  if (auto* vector = std::get_if<promql::VectorValue>(&value)) return std::move(*vector);
  if (const auto* scalar = std::get_if<promql::ScalarValue>(&value)) {
    promql::VectorElement element;
    element.point = {.t_ms = scalar->t_ms, .value = scalar->value, .histogram = nullptr};
    return promql::VectorValue{std::move(element)};
  }
  return ExecutionError("rule result is not a vector or scalar");
}

}  // namespace

bool GoesInBlocks(const RuleGroupSpec& group) {
  for (size_t i = 0; i < group.rules.size(); ++i) {
    const RuleSpec& rule = group.rules[i];
    if (DependsOnRange(rule.query->root()) || UsesExtensions(rule) || AsksInTemplates(rule)) {
      return false;
    }
    if (rule.query->root().type == promql::ValueType::kString) return false;
    // What a later rule writes is read as it was one slot ago.
    for (size_t writer = i; writer < group.rules.size(); ++writer) {
      if (ReadsWhatItWrites(rule, group.rules[writer])) return false;
    }
  }
  return true;
}

bool ReadsOthers(const RuleGroupSpec& group, const std::vector<RuleGroupSpec>& all) {
  for (const RuleGroupSpec& other : all) {
    if (&other == &group) continue;
    for (const RuleSpec& reader : group.rules) {
      for (const RuleSpec& writer : other.rules) {
        if (ReadsWhatItWrites(reader, writer)) return true;
      }
    }
  }
  return false;
}

BlockRule::BlockRule(const RuleSpec& spec, const RuleGroupSpec& group, const BlockWorld& world)
    : spec_(spec),
      group_(group),
      world_(world),
      external_labels_(std::make_shared<const LabelSet>(world.external_labels)),
      alerting_(spec),
      written_(world.sink),
      is_read_(IsReadIn(spec, group)) {}

void BlockRule::Run(std::span<const Timestamp> slots, Duration step) {
  // Of recording rules that nobody reads only failures would be told.
  const int64_t first = ToMs(slots.front() - group_.query_offset);
  const int64_t last = ToMs(slots.back() - group_.query_offset);
  Result<promql::QueryResult> result =
      world_.engine.Range(*spec_.query, world_.querier, first, std::max(last, first), step.count());
  const auto* matrix = result.ok() ? std::get_if<promql::MatrixValue>(&result->value) : nullptr;
  if (matrix == nullptr) {
    // Some slot fails, perhaps not all: each for itself.
    for (const Timestamp at : slots) RunSlot(Instant(at), at);
    return;
  }
  std::vector<promql::VectorValue> vectors(slots.size());
  for (const promql::MatrixElement& series : *matrix) {
    for (const promql::Point& point : series.points) {
      const auto slot = static_cast<size_t>((point.t_ms - first) / step.count());
      vectors[slot].push_back(ElementAt(series, point));
    }
  }
  for (size_t i = 0; i < slots.size(); ++i) RunSlot(std::move(vectors[i]), slots[i]);
}

Result<promql::VectorValue> BlockRule::Instant(Timestamp at) const {
  ASSIGN_OR_RETURN(
      promql::QueryResult result,
      world_.engine.Instant(*spec_.query, world_.querier, ToMs(at - group_.query_offset)));
  return VectorOf(std::move(result.value));
}

void BlockRule::RunSlot(Result<promql::VectorValue> vector, Timestamp at) {
  if (!vector.ok()) return Fail(vector.error());
  RuleSamples samples;
  if (spec_.alerting) {
    const Status status = alerting_.Update(
        *vector,
        {.at = at,
         .limit = group_.limit,
         .resolved_retention = Duration::zero(),
         .wants_annotations =
             [this](const LabelSet& labels) { return timeline_.WantsAnnotations(labels); }},
        ContextAt(at));
    timeline_.Note(alerting_.alerts(), at);
    if (is_read_) samples = alerting_.Samples();
    if (!status.ok()) Fail(status.error());
  } else {
    Result<RuleSamples> recorded = Record(spec_, *std::move(vector), group_.limit);
    if (!recorded.ok()) return Fail(recorded.error());
    samples = *std::move(recorded);
  }
  if (!is_read_) return;
  const Status written = written_.Write(samples, ToMs(at - group_.query_offset));
  if (!written.ok()) Fail(written.error());
}

ExpansionContext BlockRule::ContextAt(Timestamp at) const {
  ExpansionContext context;
  context.external_labels = external_labels_;
  context.interval = group_.interval;
  context.environment.now = at;
  context.environment.external_url = world_.external_url;
  return context;
}

void BlockRule::Fail(const Error& error) {
  if (failures_++ == 0) first_error_ = error.message;
}

}  // namespace tocsin
