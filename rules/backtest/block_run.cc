#include "rules/backtest/block_run.h"

#include <algorithm>
#include <memory>
#include <numeric>
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

// The result of a range query turned round: for each slot what its series have there. Slots are
// numbered from 0; the matrix outlives this.
class SlotResults {
 public:
  SlotResults(const promql::MatrixValue& matrix, int64_t first_ms, Duration step, size_t slots)
      : first_ms_(first_ms), step_ms_(step.count()), begin_(slots + 1) {
    for (const promql::MatrixElement& series : matrix) {
      if (series.points.empty()) continue;
      for (const int64_t t_ms : *series.points.times()) ++begin_[SlotOf(t_ms) + 1];
    }
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    samples_.resize(begin_.back());
    std::vector<size_t> next = begin_;
    for (const promql::MatrixElement& series : matrix) {
      for (size_t i = 0; i < series.points.size(); ++i) {
        const size_t slot = SlotOf((*series.points.times())[i]);
        samples_[next[slot]++] = {.labels = &series.labels,
                                  .value = series.points.values()[i],
                                  .histogram = series.points.has_histograms()
                                                   ? series.points[i].histogram.get()
                                                   : nullptr};
      }
    }
  }

  std::span<const AlertSample> operator[](size_t slot) const {
    return std::span(samples_).subspan(begin_[slot], begin_[slot + 1] - begin_[slot]);
  }

 private:
  size_t SlotOf(int64_t t_ms) const { return static_cast<size_t>((t_ms - first_ms_) / step_ms_); }

  const int64_t first_ms_;
  const int64_t step_ms_;
  std::vector<size_t> begin_;  // of each slot in samples_, and their end
  std::vector<AlertSample> samples_;
};

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

Status BlockRule::Run(std::span<const Timestamp> slots, Duration step) {
  const int64_t first = ToMs(slots.front() - group_.query_offset);
  const int64_t last = ToMs(slots.back() - group_.query_offset);
  Result<promql::QueryResult> result =
      world_.engine.Range(*spec_.query, world_.querier, first, std::max(last, first), step.count(),
                          {.canceled = world_.limits.Canceled()});
  RETURN_IF_ERROR(world_.limits.Check());
  const auto* matrix = result.ok() ? std::get_if<promql::MatrixValue>(&result->value) : nullptr;
  // Some slot fails, perhaps not all.
  if (matrix == nullptr) return RunSingly(slots);
  if (spec_.alerting) {
    const SlotResults results(*matrix, first, step, slots.size());
    for (size_t i = 0; i < slots.size(); ++i) {
      RETURN_IF_ERROR(UpdateAlerts(results[i], slots[i]));
    }
    return Ok();
  }
  std::vector<promql::VectorValue> vectors(slots.size());
  for (const promql::MatrixElement& series : *matrix) {
    for (const promql::Point& point : series.points) {
      const auto slot = static_cast<size_t>((point.t_ms - first) / step.count());
      vectors[slot].push_back({.labels = series.labels, .point = point});
    }
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    RETURN_IF_ERROR(Keep(std::move(vectors[i]), slots[i]));
  }
  return Ok();
}

Status BlockRule::RunSingly(std::span<const Timestamp> slots) {
  for (const Timestamp at : slots) {
    Result<promql::VectorValue> vector = Instant(at);
    RETURN_IF_ERROR(world_.limits.Check());
    if (!vector.ok()) {
      Fail(vector.error());
    } else if (spec_.alerting) {
      RETURN_IF_ERROR(UpdateAlerts(SamplesOf(*vector), at));
    } else {
      RETURN_IF_ERROR(Keep(*std::move(vector), at));
    }
  }
  return Ok();
}

Result<promql::VectorValue> BlockRule::Instant(Timestamp at) const {
  ASSIGN_OR_RETURN(
      promql::QueryResult result,
      world_.engine.Instant(*spec_.query, world_.querier, ToMs(at - group_.query_offset),
                            {.canceled = world_.limits.Canceled()}));
  return VectorOf(std::move(result.value));
}

Status BlockRule::UpdateAlerts(std::span<const AlertSample> samples, Timestamp at) {
  const Status status = alerting_.Update(samples,
                                         {.at = at,
                                          .limit = group_.limit,
                                          .resolved_retention = Duration::zero(),
                                          .annotate_changes_only = true},
                                         ContextAt(at));
  if (!status.ok()) Fail(status.error());
  const std::vector<AlertTransition> changes = alerting_.TakeTransitions();
  timeline_.NoteChanges(changes, alerting_.alerts(), at);
  RETURN_IF_ERROR(world_.limits.Keep(changes.size()));
  return is_read_ ? Write(alerting_.Samples(), at) : Ok();
}

Status BlockRule::Keep(promql::VectorValue vector, Timestamp at) {
  const Result<RuleSamples> samples = Record(spec_, std::move(vector), group_.limit);
  if (!samples.ok()) {
    Fail(samples.error());
    return Ok();
  }
  // Of what nobody reads only failures would be told.
  return is_read_ ? Write(*samples, at) : Ok();
}

Status BlockRule::Write(const RuleSamples& samples, Timestamp at) {
  const Status written = written_.Write(samples, ToMs(at - group_.query_offset));
  if (!written.ok()) Fail(written.error());
  return world_.limits.Keep(samples.size());
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
