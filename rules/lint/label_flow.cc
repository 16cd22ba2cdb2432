#include "rules/lint/label_flow.h"

#include <algorithm>

#include "engine/model/label_set.h"
#include "engine/promql/function_table.h"
#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"

namespace tocsin::lint {
namespace {

using promql::Expr;

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

std::string GroupingText(const promql::Aggregate& aggregate) {
  std::string text(promql::AggregateOpText(aggregate.op));
  if (aggregate.without || !aggregate.grouping.empty()) {
    text += aggregate.without ? " without (" : " by (";
    text += Join(aggregate.grouping) + ")";
  }
  return text;
}

// Only those of the labels that stay, for `remover`'s sake.
template <typename Keeps>
LabelShape Reduced(const LabelShape& from, const std::string& remover, const Keeps& keeps) {
  LabelShape shape{.open = from.open, .gone = from.gone, .assumed = from.assumed};
  for (const auto& [name, fact] : from.labels) {
    if (keeps(name)) {
      shape.labels.emplace(name, fact);
    } else {
      shape.gone.insert_or_assign(name, remover);
    }
  }
  return shape;
}

LabelShape OnlyThese(const LabelShape& from, const std::vector<std::string>& names,
                     const std::string& remover) {
  LabelShape shape =
      Reduced(from, remover, [&](std::string_view name) { return Contains(names, name); });
  for (const std::string& name : names) {
    if (!shape.labels.contains(name) && from.Of(name) == Presence::kMaybe) {
      shape.labels[name] = {Presence::kMaybe, ""};
    }
  }
  shape.open = false;
  return shape;
}

LabelShape Without(const LabelShape& from, const std::vector<std::string>& names,
                   const std::string& remover) {
  LabelShape shape =
      Reduced(from, remover, [&](std::string_view name) { return !Contains(names, name); });
  for (const std::string& name : names) shape.gone.insert_or_assign(name, remover);
  return shape;
}

// Series of either.
LabelShape Union(const LabelShape& a, const LabelShape& b) {
  LabelShape shape{.open = a.open || b.open, .assumed = a.assumed || b.assumed};
  if (a.empty && b.empty) shape.empty = a.empty;
  const auto add = [&](const LabelShape& one, const LabelShape& other) {
    for (const auto& [name, fact] : one.labels) {
      const auto found = other.labels.find(name);
      const bool both = found != other.labels.end();
      LabelShape::Fact merged = fact;
      if (!both || found->second.presence != Presence::kAlways) merged.presence = Presence::kMaybe;
      if (!both || found->second.value != fact.value) merged.value.clear();
      shape.labels.insert_or_assign(name, merged);
    }
    for (const auto& [name, remover] : one.gone) {
      if (other.Of(name) == Presence::kNever) shape.gone.emplace(name, remover);
    }
  };
  add(a, b);
  add(b, a);
  return shape;
}

bool MatchesAnyOf(const Matcher& matcher, const std::set<std::string>& values) {
  return std::ranges::any_of(values,
                             [&](const std::string& value) { return matcher.Matches(value); });
}

// What one matcher says of its label.
void ApplyMatcher(const Matcher& matcher, const Expr& expr, const MetricShape* known,
                  LabelShape& shape) {
  const std::string& name = matcher.name();
  if (name == kMetricName) return;
  const bool wants_it = !matcher.MatchesEmpty();
  if (wants_it && shape.Of(name) == Presence::kNever && !shape.empty) {
    shape.empty = EmptyReason{&expr, EmptyReason::Kind::kNoLabel, name,
                              known != nullptr && !known->certain()};
    return;
  }
  const bool equals_nothing = matcher.op() == MatchOp::kEqual && matcher.value().empty();
  if (equals_nothing) {
    shape.labels.erase(name);
    shape.gone[name] = "the matcher " + matcher.ToString();
    return;
  }
  if (!wants_it) return;
  LabelShape::Fact& fact = shape.labels[name];
  fact.presence = Presence::kAlways;
  if (matcher.op() == MatchOp::kEqual) fact.value = matcher.value();
  if (known == nullptr || shape.empty) return;
  const auto values = known->values.find(name);
  if (values != known->values.end() && !MatchesAnyOf(matcher, values->second)) {
    shape.empty = EmptyReason{&expr, EmptyReason::Kind::kNoValue, name, !known->certain()};
  }
}

// The labels that absent() gives its only series.
LabelShape AbsentShape(const Expr& argument) {
  LabelShape shape;
  const promql::VectorSelector* selector = SelectorOf(promql::Unwrapped(argument));
  if (selector == nullptr) return shape;
  std::set<std::string> twice;
  std::set<std::string> seen;
  for (const Matcher& matcher : selector->matchers) {
    if (!seen.insert(matcher.name()).second) twice.insert(matcher.name());
  }
  for (const Matcher& matcher : selector->matchers) {
    if (matcher.op() != MatchOp::kEqual || matcher.name() == kMetricName) continue;
    if (matcher.value().empty() || twice.contains(matcher.name())) continue;
    shape.labels[matcher.name()] = {Presence::kAlways, matcher.value()};
  }
  return shape;
}

std::string TextArgument(const promql::Call& call, size_t index) {
  if (index >= call.args.size()) return "";
  const auto* text = promql::Unwrapped(*call.args[index]).As<promql::StringLiteral>();
  return text == nullptr ? "" : text->value;
}

}  // namespace

Presence LabelShape::Of(std::string_view label) const {
  if (const auto found = labels.find(label); found != labels.end()) return found->second.presence;
  if (gone.find(label) != gone.end()) return Presence::kNever;
  return open ? Presence::kMaybe : Presence::kNever;
}

std::string_view LabelShape::Remover(std::string_view label) const {
  const auto found = gone.find(label);
  return found == gone.end() ? std::string_view() : found->second;
}

std::string LabelShape::ToString() const {
  std::string text;
  for (const auto& [name, fact] : labels) text += (text.empty() ? "" : ", ") + name;
  if (open) text += text.empty() ? "…" : ", …";
  return "{" + text + "}";
}

LabelFlow::LabelFlow(const promql::ParsedQuery& query, const MetricSchema& schema)
    : query_(query), schema_(schema) {
  Compute(query.root());
}

const LabelShape& LabelFlow::Compute(const Expr& expr) {
  LabelShape shape = OfNode(expr);
  return shapes_.insert_or_assign(&expr, std::move(shape)).first->second;
}

LabelShape LabelFlow::OfNode(const Expr& expr) {
  if (const promql::VectorSelector* selector = SelectorOf(expr)) return Shape(expr, *selector);
  if (const auto* call = expr.As<promql::Call>()) return OfCall(expr, *call);
  if (const auto* aggregate = expr.As<promql::Aggregate>()) return OfAggregate(expr, *aggregate);
  if (const auto* binary = expr.As<promql::Binary>()) return OfBinary(expr, *binary);
  LabelShape shape;
  for (const Expr* child : Children(expr)) shape = Compute(*child);
  return shape;
}

LabelShape LabelFlow::Shape(const Expr& expr, const promql::VectorSelector& selector) const {
  const std::string_view metric = MetricOf(selector);
  const MetricShape* known = metric.empty() ? nullptr : schema_.Find(metric);
  LabelShape shape{.open = known == nullptr || known->open};
  if (known != nullptr) {
    shape.assumed = !known->certain();
    for (const std::string& name : known->labels) {
      const bool some = known->optional_labels.contains(name);
      shape.labels[name] = {some ? Presence::kMaybe : Presence::kAlways, ""};
    }
    if (known->missing) {
      shape.empty =
          EmptyReason{&expr, EmptyReason::Kind::kNoMetric, std::string(metric), !known->certain()};
    }
  } else if (!metric.empty() && schema_.OwnsPrefix(metric, nullptr)) {
    shape.empty =
        EmptyReason{&expr, EmptyReason::Kind::kNoMetric, std::string(metric), /*assumed=*/true};
  }
  for (const Matcher& matcher : selector.matchers) ApplyMatcher(matcher, expr, known, shape);
  return shape;
}

LabelShape LabelFlow::OfCall(const Expr& expr, const promql::Call& call) {
  const std::string_view function = call.function->name;
  const LabelShape* vector = nullptr;
  for (const Expr* arg : call.args) {
    const LabelShape& shape = Compute(*arg);
    const bool series =
        arg->type == promql::ValueType::kVector || arg->type == promql::ValueType::kMatrix;
    if (series && vector == nullptr) vector = &shape;
  }
  if (function == "absent" || function == "absent_over_time") return AbsentShape(*call.args[0]);
  if (expr.type == promql::ValueType::kScalar || vector == nullptr || function == "vector")
    return {};
  LabelShape shape = *vector;
  if (function == "label_replace" || function == "label_join") {
    const std::string target = TextArgument(call, 1);
    shape.gone.erase(target);
    shape.labels[target] = {Presence::kMaybe, ""};
  } else if (function == "histogram_quantile" || function == "histogram_fraction") {
    const Presence le = vector->Of("le");
    shape = Without(shape, {"le"}, std::string(function));
    shape.empty = vector->empty;
    const bool classic = vector->Remover("le") != "";
    if (le == Presence::kNever && classic && !shape.empty) {
      shape.empty = EmptyReason{&expr, EmptyReason::Kind::kNoBuckets, "le", vector->assumed};
    }
  } else if (function == "info") {
    shape.open = true;
  }
  return shape;
}

LabelShape LabelFlow::OfAggregate(const Expr& /*expr*/, const promql::Aggregate& aggregate) {
  if (aggregate.param != nullptr) Compute(*aggregate.param);
  const LabelShape& inner = Compute(*aggregate.expr);
  using enum promql::AggregateOp;
  const bool picks = aggregate.op == kTopk || aggregate.op == kBottomk || aggregate.op == kLimitk ||
                     aggregate.op == kLimitRatio;
  if (picks) return inner;
  const std::string remover = GroupingText(aggregate);
  LabelShape shape = aggregate.without ? Without(inner, aggregate.grouping, remover)
                                       : OnlyThese(inner, aggregate.grouping, remover);
  shape.empty = inner.empty;
  if (aggregate.op == kCountValues && aggregate.param != nullptr) {
    if (const auto* name = promql::Unwrapped(*aggregate.param).As<promql::StringLiteral>()) {
      shape.gone.erase(name->value);
      shape.labels[name->value] = {Presence::kAlways, ""};
    }
  }
  return shape;
}

LabelShape LabelFlow::OfBinary(const Expr& expr, const promql::Binary& binary) {
  const LabelShape left = Compute(*binary.lhs);
  const LabelShape right = Compute(*binary.rhs);
  if (!binary.matching) {
    const bool left_is_vector = binary.lhs->type == promql::ValueType::kVector;
    return left_is_vector ? left : right;
  }
  const promql::VectorMatching& matching = *binary.matching;
  if (binary.op == promql::BinaryOp::kOr) return Union(left, right);
  if (binary.op == promql::BinaryOp::kUnless) return left;
  const std::vector<Mismatch> mismatches = Mismatches(matching, left, right);
  const bool filled = matching.fill_left || matching.fill_right;
  const bool swapped = matching.cardinality == promql::VectorMatching::Cardinality::kOneToMany;
  const LabelShape& many = swapped ? right : left;
  const LabelShape& one = swapped ? left : right;
  LabelShape shape = many;
  if (matching.cardinality == promql::VectorMatching::Cardinality::kOneToOne) {
    const std::string remover =
        std::string(matching.on ? "on (" : "ignoring (") + Join(matching.labels) + ")";
    if (matching.on) {
      shape = OnlyThese(many, matching.labels, remover);
    } else if (!matching.labels.empty()) {
      shape = Without(many, matching.labels, remover);
    }
  }
  for (const std::string& name : matching.include) {
    const auto found = one.labels.find(name);
    shape.labels.erase(name);
    shape.gone.erase(name);
    if (found != one.labels.end()) {
      shape.labels.insert(*found);
    } else if (one.Of(name) == Presence::kNever) {
      shape.gone[name] =
          "the side that group_" + std::string(swapped ? "right" : "left") + " takes it from";
    }
  }
  shape.assumed = left.assumed || right.assumed;
  shape.empty = left.empty ? left.empty : right.empty;
  if (filled) {
    shape.empty.reset();
  } else if (!mismatches.empty() && !shape.empty) {
    shape.empty = EmptyReason{&expr, EmptyReason::Kind::kNoPartner, mismatches[0].label,
                              mismatches[0].assumed};
  }
  return shape;
}

std::vector<Mismatch> Mismatches(const promql::VectorMatching& matching, const LabelShape& left,
                                 const LabelShape& right) {
  std::set<std::string> names(matching.labels.begin(), matching.labels.end());
  if (!matching.on) {
    names.clear();
    for (const LabelShape* side : {&left, &right}) {
      for (const auto& [name, fact] : side->labels) {
        if (!Contains(matching.labels, name)) names.insert(name);
      }
    }
  }
  std::vector<Mismatch> mismatches;
  const bool assumed = left.assumed || right.assumed;
  for (const std::string& name : names) {
    const Presence on_left = left.Of(name);
    const Presence on_right = right.Of(name);
    if (on_left == Presence::kAlways && on_right == Presence::kNever) {
      mismatches.push_back({.label = name, .on_left = true, .assumed = assumed});
    } else if (on_left == Presence::kNever && on_right == Presence::kAlways) {
      mismatches.push_back({.label = name, .on_left = false, .assumed = assumed});
    } else if (on_left == Presence::kAlways && on_right == Presence::kAlways) {
      const std::string& a = left.labels.find(name)->second.value;
      const std::string& b = right.labels.find(name)->second.value;
      if (a.empty() || b.empty() || a == b) continue;
      mismatches.push_back({.label = name, .left_value = a, .right_value = b, .assumed = assumed});
    }
  }
  return mismatches;
}

}  // namespace tocsin::lint
