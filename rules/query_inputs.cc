#include "rules/query_inputs.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "engine/model/labels.h"
#include "engine/promql/function_table.h"

namespace tocsin {
namespace {

using promql::Aggregate;
using promql::Binary;
using promql::Call;
using promql::Expr;
using promql::VectorMatching;
using promql::VectorSelector;

bool TellsAbsence(const Call& call) {
  return call.function->name == "absent" || call.function->name == "absent_over_time";
}

struct Collector {
  std::vector<QueryInput>& inputs;
  int64_t range_ms = 0;
  int64_t offset_ms = 0;
  bool tells_absence = false;

  void operator()(const promql::NumberLiteral&) const {}
  void operator()(const promql::StringLiteral&) const {}
  void operator()(const VectorSelector& selector) const {
    inputs.push_back({.selector = &selector,
                      .range_ms = range_ms,
                      .offset_ms = offset_ms + selector.time.offset_ms,
                      .tells_absence = tells_absence});
  }
  void operator()(const promql::MatrixSelector& matrix) const {
    Collector{inputs, range_ms + matrix.range_ms, offset_ms, tells_absence}(*matrix.selector);
  }
  void operator()(const promql::Subquery& subquery) const {
    Collector inner = *this;
    inner.range_ms += subquery.range_ms;
    inner.offset_ms += subquery.time.offset_ms;
    inner.Visit(subquery.expr);
  }
  void operator()(const Call& call) const {
    Collector inner = *this;
    inner.tells_absence |= TellsAbsence(call);
    for (const Expr* arg : call.args) inner.Visit(arg);
  }
  void operator()(const Aggregate& aggregate) const {
    Visit(aggregate.expr);
    Visit(aggregate.param);
  }
  void operator()(const Binary& binary) const {
    Visit(binary.lhs);
    Visit(binary.rhs);
  }
  void operator()(const promql::Unary& unary) const { Visit(unary.expr); }
  void operator()(const promql::Paren& paren) const { Visit(paren.expr); }

  void Visit(const Expr* expr) const {
    if (expr != nullptr) std::visit(*this, expr->node);
  }
};

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

LabelSet Only(const LabelSet& labels, const std::vector<std::string>& names) {
  LabelSet some;
  for (const auto& [name, value] : labels) {
    if (Contains(names, name)) some.Set(name, value);
  }
  return some;
}
LabelSet Without(LabelSet labels, const std::vector<std::string>& names) {
  for (const std::string& name : names) labels.Remove(name);
  return labels;
}

// What of the result's labels a side of a matching has had.
LabelSet OfMatching(const LabelSet& labels, const VectorMatching& matching) {
  return matching.on ? Only(labels, matching.labels) : Without(labels, matching.labels);
}
LabelSet OfOneSide(const LabelSet& labels, const VectorMatching& matching) {
  LabelSet one = OfMatching(labels, matching);
  for (const std::string& name : matching.include) one.Set(name, labels.Get(name));
  return one;
}

bool MayCarry(const LabelSet& series, const LabelSet& element) {
  return std::ranges::all_of(element, [&](const LabelSet::Pair& label) {
    const std::string_view value = series.Get(label.first);
    return value.empty() || value == label.second || label.first == kMetricName;
  });
}

const std::string* TextOf(const Expr* expr) {
  while (const auto* paren = expr->As<promql::Paren>()) expr = paren->expr;
  const auto* text = expr->As<promql::StringLiteral>();
  return text == nullptr ? nullptr : &text->value;
}

}  // namespace

std::vector<QueryInput> InputsOf(const Expr& expr) {
  std::vector<QueryInput> inputs;
  Collector{inputs}.Visit(&expr);
  return inputs;
}

struct InputPresence::Visitor {
  InputPresence& presence;
  const LabelSet& element;
  Shift shift;

  Result<bool> operator()(const promql::NumberLiteral&) const { return true; }
  Result<bool> operator()(const promql::StringLiteral&) const { return true; }
  Result<bool> operator()(const VectorSelector& selector) const {
    Shift back = shift;
    back.offset_ms += selector.time.offset_ms;
    ASSIGN_OR_RETURN(const std::vector<LabelSet>* live, presence.Live(selector, back));
    return std::ranges::any_of(
        *live, [this](const LabelSet& series) { return MayCarry(series, element); });
  }
  Result<bool> operator()(const promql::MatrixSelector& matrix) const {
    Shift longer = shift;
    longer.range_ms += matrix.range_ms;
    return Visitor{presence, element, longer}(*matrix.selector);
  }
  Result<bool> operator()(const promql::Subquery& subquery) const {
    Shift longer = shift;
    longer.range_ms += subquery.range_ms;
    longer.offset_ms += subquery.time.offset_ms;
    return Visitor{presence, element, longer}.Has(subquery.expr, element);
  }
  Result<bool> operator()(const Call& call) const {
    const std::string_view name = call.function->name;
    if (TellsAbsence(call)) return true;
    // Of scalar(x) and time() nothing of the element is known.
    const bool drops_labels = name == "scalar" || name == "vector";
    LabelSet inner = drops_labels ? LabelSet() : element;
    const bool renames = name == "label_replace" || name == "label_join";
    if (renames && TextOf(call.args[1]) != nullptr) inner.Remove(*TextOf(call.args[1]));
    if (name == "info") return Has(call.args[0], inner);
    for (const Expr* arg : call.args) {
      ASSIGN_OR_RETURN(const bool has, Has(arg, inner));
      if (!has) return false;
    }
    return true;
  }
  Result<bool> operator()(const Aggregate& aggregate) const {
    LabelSet inner = element;
    const bool keeps_labels = aggregate.op == promql::AggregateOp::kTopk ||
                              aggregate.op == promql::AggregateOp::kBottomk ||
                              aggregate.op == promql::AggregateOp::kLimitk ||
                              aggregate.op == promql::AggregateOp::kLimitRatio;
    if (!keeps_labels) {
      inner = aggregate.without ? Without(element, aggregate.grouping)
                                : Only(element, aggregate.grouping);
    }
    if (aggregate.op == promql::AggregateOp::kCountValues && TextOf(aggregate.param) != nullptr) {
      inner.Remove(*TextOf(aggregate.param));
    }
    return Has(aggregate.expr, inner);
  }
  Result<bool> operator()(const Binary& binary) const {
    if (!binary.matching) return Both(binary, element, element);
    const VectorMatching& matching = *binary.matching;
    const LabelSet matched = OfMatching(element, matching);
    switch (binary.op) {
      case promql::BinaryOp::kUnless:
        return Has(binary.lhs, element);
      case promql::BinaryOp::kOr: {
        ASSIGN_OR_RETURN(const bool left, Has(binary.lhs, element));
        return left ? Result<bool>(true) : Has(binary.rhs, element);
      }
      case promql::BinaryOp::kAnd:
        return Both(binary, element, matched);
      default:  // NOLINT(clang-diagnostic-switch-enum): arithmetic and comparisons
        break;
    }
    const LabelSet many = Without(element, matching.include);
    switch (matching.cardinality) {
      case VectorMatching::Cardinality::kManyToOne:
        return Both(binary, many, OfOneSide(element, matching));
      case VectorMatching::Cardinality::kOneToMany:
        return Both(binary, OfOneSide(element, matching), many);
      case VectorMatching::Cardinality::kOneToOne:
      case VectorMatching::Cardinality::kManyToMany:
        return Both(binary, element, matched);
    }
    return true;
  }
  Result<bool> operator()(const promql::Unary& unary) const { return Has(unary.expr, element); }
  Result<bool> operator()(const promql::Paren& paren) const { return Has(paren.expr, element); }

  Result<bool> Both(const Binary& binary, const LabelSet& left, const LabelSet& right) const {
    ASSIGN_OR_RETURN(const bool has, Has(binary.lhs, left));
    return has ? Has(binary.rhs, right) : Result<bool>(false);
  }
  Result<bool> Has(const Expr* expr, const LabelSet& labels) const {
    return std::visit(Visitor{presence, labels, shift}, expr->node);
  }
};

InputPresence::InputPresence(const Querier& querier, int64_t t_ms, int64_t lookback_ms)
    : querier_(querier), t_ms_(t_ms), lookback_ms_(lookback_ms) {}

Result<bool> InputPresence::Has(const Expr& expr, const LabelSet& element) {
  return std::visit(Visitor{*this, element, {}}, expr.node);
}

Result<const std::vector<LabelSet>*> InputPresence::Live(const VectorSelector& selector,
                                                         Shift shift) {
  const auto [entry, is_new] = live_.try_emplace({&selector, shift});
  if (!is_new) return &entry->second;
  const int64_t end = t_ms_ - shift.offset_ms;
  const TimeRange range{end - std::max(shift.range_ms, lookback_ms_) + 1, end};
  SymbolTable overlay(querier_.symbols());
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> series,
                   querier_.Select(selector.matchers, range, {}, overlay));
  for (size_t i = 0; i < series->size(); ++i) {
    const std::optional<SeriesSet::Newest> newest = series->ReadNewest(i, range);
    const bool ended = !newest || (newest->histogram == nullptr && IsStaleNan(newest->value));
    if (!ended) entry->second.push_back(series->labels(i).ToLabelSet(overlay));
  }
  return &entry->second;
}

}  // namespace tocsin
