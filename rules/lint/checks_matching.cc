// What operators make of two sides: pairs that never meet, series that meet themselves.
#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "engine/promql/parser.h"
#include "engine/promql/plan.h"
#include "rules/lint/expr_walk.h"
#include "rules/lint/kernels.h"

namespace tocsin::lint {
namespace {

using promql::BinaryOp;
using promql::Expr;

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Labels that both sides are sure to have.
std::vector<std::string> Common(const LabelShape& left, const LabelShape& right) {
  std::vector<std::string> names;
  for (const auto& [name, fact] : left.labels) {
    if (fact.presence == Presence::kAlways && right.Of(name) == Presence::kAlways) {
      names.push_back(name);
    }
  }
  if (names.empty()) names = {"job", "instance"};
  // job before instance, as people write it.
  std::ranges::stable_partition(names, [](const std::string& name) { return name == "job"; });
  return names;
}

bool HasOthers(const LabelShape& shape, const std::vector<std::string>& names) {
  return shape.open || shape.labels.size() > names.size();
}

// The operand inside a call or an aggregation: insertions, so that corrections inside it stay.
void Wrap(const Expr& operand, const std::string& head, std::vector<TextEdit>& edits) {
  const promql::PositionRange where = operand.position;
  const bool parens = operand.As<promql::Paren>() != nullptr;
  edits.push_back({{where.begin, where.begin}, head + (parens ? "" : "(")});
  if (!parens) edits.push_back({{where.end, where.end}, ")"});
}

// The side summed down to the labels that both have; as it is when it has no others.
void Sum(const RuleContext& context, const Expr& side, std::string_view aggregation,
         const std::vector<std::string>& names, std::vector<TextEdit>& edits) {
  if (!HasOthers(context.flow.Of(side), names)) return;
  Wrap(side, fmt::format("{} by ({}) ", aggregation, Join(names)), edits);
}

bool OneToOne(const promql::Binary& binary) {
  return binary.matching->cardinality == promql::VectorMatching::Cardinality::kOneToOne;
}

std::string Difference(const std::vector<Mismatch>& mismatches) {
  std::vector<std::string> left;
  std::vector<std::string> right;
  std::string values;
  for (const Mismatch& mismatch : mismatches) {
    if (!mismatch.left_value.empty()) {
      values += fmt::format("{}{} is \"{}\" on the left and \"{}\" on the right",
                            values.empty() ? "" : "; ", mismatch.label, mismatch.left_value,
                            mismatch.right_value);
    } else {
      (mismatch.on_left ? left : right).push_back(mismatch.label);
    }
  }
  std::string text;
  if (!left.empty()) text += fmt::format("only the left side has {}", Join(left));
  if (!right.empty()) {
    text += fmt::format("{}only the right side has {}", text.empty() ? "" : "; ", Join(right));
  }
  if (!values.empty()) text += (text.empty() ? "" : "; ") + values;
  return text;
}

// What the labels of a side that others lack were removed by.
std::string Removers(const std::vector<Mismatch>& mismatches, const LabelShape& left,
                     const LabelShape& right) {
  std::string text;
  for (const Mismatch& mismatch : mismatches) {
    const LabelShape& without = mismatch.on_left ? right : left;
    const std::string_view remover = without.Remover(mismatch.label);
    if (!remover.empty()) text += fmt::format("\n{} was removed by {}.", mismatch.label, remover);
  }
  return text;
}

void SayMismatch(const RuleContext& context, const Expr& expr, const promql::Binary& binary,
                 const std::vector<Mismatch>& mismatches, Reporter& report) {
  const LabelShape& left = context.flow.Of(*binary.lhs);
  const LabelShape& right = context.flow.Of(*binary.rhs);
  const std::optional<EmptyReason>& root = context.flow.root().empty;
  const bool empties = root && root->where == &expr;
  const bool assumed = mismatches[0].assumed;
  const std::vector<std::string> common = Common(left, right);
  Remark remark{
      .in_expr =
          binary.op_position.end > binary.op_position.begin ? binary.op_position : expr.position,
      .message = fmt::format("the two sides of {} never match: {}{}",
                             promql::BinaryOpText(binary.op), Difference(mismatches),
                             !empties                ? ""
                             : context.rule.alerting ? "; the rule can never fire"
                                                     : "; it records nothing"),
      .explanation = fmt::format(
          "Series are paired when all their labels are equal{}. The left side has {}, the right "
          "side {}.{}",
          binary.matching->on ? " of those in on(…)" : "", left.ToString(), right.ToString(),
          Removers(mismatches, left, right)),
      .consequence = empties && !assumed ? Consequence::kNeverFires : Consequence::kNone};
  const bool summable = OneToOne(binary) && !binary.matching->on &&
                        std::ranges::all_of(mismatches, [](const Mismatch& mismatch) {
                          return mismatch.left_value.empty();
                        });
  if (summable && binary.op != BinaryOp::kAnd) {
    Sum(context, *binary.lhs, "sum", common, remark.edits);
    Sum(context, *binary.rhs, remark.edits.empty() ? "sum" : "max", common, remark.edits);
  } else if (summable) {
    remark.edits.push_back({binary.op_position, fmt::format("and on ({})", Join(common))});
  }
  report.Say(std::move(remark));
}

}  // namespace

void CheckVectorMatching(const RuleContext& context, Reporter& report) {
  Walk(context.root(), [&](const Expr& expr, Ancestors) {
    const auto* binary = expr.As<promql::Binary>();
    if (binary == nullptr || !binary->matching) return;
    if (binary->op == BinaryOp::kOr || binary->op == BinaryOp::kUnless) return;
    if (binary->matching->fill_left || binary->matching->fill_right) return;
    const std::vector<Mismatch> mismatches =
        Mismatches(*binary->matching, context.flow.Of(*binary->lhs), context.flow.Of(*binary->rhs));
    if (!mismatches.empty()) SayMismatch(context, expr, *binary, mismatches, report);
  });
}

namespace {

void CheckIncluded(const RuleContext& context, const promql::Binary& binary, Reporter& report) {
  const bool swapped =
      binary.matching->cardinality == promql::VectorMatching::Cardinality::kOneToMany;
  const LabelShape& one = context.flow.Of(swapped ? *binary.lhs : *binary.rhs);
  for (const std::string& name : binary.matching->include) {
    if (one.Of(name) != Presence::kNever) continue;
    const std::string_view remover = one.Remover(name);
    report.Say({.in_expr = binary.op_position,
                .message = fmt::format("group_{}({}) takes a label that its side does not have",
                                       swapped ? "right" : "left", name),
                .explanation = remover.empty() ? "That side has " + one.ToString() + "."
                                               : fmt::format("{} removes it.", remover)});
  }
}

void CheckUnless(const RuleContext& context, const promql::Binary& binary, Reporter& report) {
  const LabelShape& left = context.flow.Of(*binary.lhs);
  const LabelShape& right = context.flow.Of(*binary.rhs);
  const std::vector<Mismatch> mismatches = Mismatches(*binary.matching, left, right);
  if (mismatches.empty()) return;
  report.Say(
      {.in_expr = binary.op_position,
       .message = "unless never takes anything away: " + Difference(mismatches),
       .explanation = fmt::format("The left side has {}, the right side {}; write unless on "
                                  "({}).",
                                  left.ToString(), right.ToString(), Join(Common(left, right))),
       .edits = {{binary.op_position, fmt::format("unless on ({})", Join(Common(left, right)))}}});
}

void CheckGrouping(const RuleContext& context, const Expr& expr, const promql::Aggregate& aggregate,
                   Reporter& report) {
  if (aggregate.without) return;
  const LabelShape& inner = context.flow.Of(*aggregate.expr);
  for (const std::string& name : aggregate.grouping) {
    if (inner.Of(name) != Presence::kNever || inner.empty) continue;
    const std::string_view remover = inner.Remover(name);
    report.Say({.in_expr = expr.position,
                .message = fmt::format("by ({}) groups by a label that no series has", name),
                .explanation = remover.empty() ? "The series have " + inner.ToString() + "."
                                               : fmt::format("{} removes it.", remover)});
  }
}

// x > 10 and x < 5; 10 < x < 5.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

void CheckContradiction(const RuleContext& context, Reporter& report) {
  std::map<std::string, Bounds> bounds;
  const Expr* root = &promql::Unwrapped(context.root());
  const auto* top = root->As<promql::Binary>();
  const bool joined =
      top != nullptr && (top->op == BinaryOp::kAnd || promql::IsComparison(top->op));
  if (!joined) return;
  for (const Threshold& threshold : ThresholdsOf(context.root())) {
    const Expr* value = &promql::Unwrapped(*threshold.value);
    // The chain 10 < x < 5: the inner comparison is a threshold of its own.
    while (const auto* inner = value->As<promql::Binary>()) {
      if (!promql::IsComparison(inner->op)) break;
      value = &promql::Unwrapped(ConstantOf(*inner->lhs) ? *inner->rhs : *inner->lhs);
    }
    Bounds& bound = bounds[promql::Print(*value)];
    const bool lower =
        threshold.op == BinaryOp::kGreater || threshold.op == BinaryOp::kGreaterEqual;
    const bool upper = threshold.op == BinaryOp::kLess || threshold.op == BinaryOp::kLessEqual;
    if (lower || threshold.op == BinaryOp::kEqual) bound.low = std::max(bound.low, threshold.limit);
    if (upper || threshold.op == BinaryOp::kEqual) {
      bound.high = std::min(bound.high, threshold.limit);
    }
  }
  for (const auto& [value, bound] : bounds) {
    if (bound.low <= bound.high || value.find(" or ") != std::string::npos) continue;
    if (context.query().text().find(" or ") != std::string::npos) continue;
    report.Say({.in_expr = context.root().position,
                .message = fmt::format("{} cannot be above {} and below {} at once", value,
                                       bound.low, bound.high),
                .explanation = "The comparisons exclude each other.",
                .consequence = Consequence::kNeverFires});
  }
}

// Something that always has a value hides what stands behind `or`.
void CheckDeadBranch(const RuleContext& context, const promql::Binary& binary, Reporter& report) {
  const auto* call = promql::Unwrapped(*binary.lhs).As<promql::Call>();
  if (call == nullptr || CalledFunction(*binary.lhs) != "vector") return;
  const LabelShape& right = context.flow.Of(*binary.rhs);
  const bool same = !right.open && right.labels.empty();
  if (!same) return;
  report.Say({.in_expr = binary.rhs->position,
              .message = fmt::format("{} is never reached: what stands before `or` always gives a "
                                     "value with the same labels",
                                     context.Text(*binary.rhs)),
              .explanation = "or takes from the right what is not on the left.",
              .edits = {}});
}

}  // namespace

void CheckImpossible(const RuleContext& context, Reporter& report) {
  Walk(context.root(), [&](const Expr& expr, Ancestors) {
    if (const auto* aggregate = expr.As<promql::Aggregate>()) {
      CheckGrouping(context, expr, *aggregate, report);
    }
    const std::optional<EmptyReason>& empty = context.flow.Of(expr).empty;
    if (empty && empty->where == &expr && empty->kind == EmptyReason::Kind::kNoBuckets) {
      report.Say({.in_expr = expr.position,
                  .message = "histogram_quantile without `le` gives nothing",
                  .explanation = "The aggregation inside removes the label that tells the buckets "
                                 "apart: add le to its by (…).",
                  .consequence = Consequence::kNeverFires});
    }
    const auto* binary = expr.As<promql::Binary>();
    if (binary == nullptr || !binary->matching) return;
    CheckIncluded(context, *binary, report);
    if (binary->op == BinaryOp::kUnless) CheckUnless(context, *binary, report);
    if (binary->op == BinaryOp::kOr) CheckDeadBranch(context, *binary, report);
  });
  CheckContradiction(context, report);
}

namespace {

struct Operand {
  std::string skeleton;           // without matchers
  std::vector<Matcher> matchers;  // but for names
};

// The expression with the matchers taken out.
Operand OperandOf(const RuleContext& context, const Expr& expr) {
  Operand operand;
  std::vector<TextEdit> edits;
  for (const FoundSelector& found : SelectorsBelow(expr)) {
    edits.push_back({SelectorPosition(*found.expr), std::string(MetricOf(*found.selector))});
    for (const Matcher& matcher : found.selector->matchers) {
      if (matcher.name() != kMetricName) operand.matchers.push_back(matcher);
    }
  }
  for (TextEdit& edit : edits) {
    edit.where.begin -= expr.position.begin;
    edit.where.end -= expr.position.begin;
  }
  const Result<std::shared_ptr<const promql::ParsedQuery>> bare =
      promql::ParseQuery(Edited(context.Text(expr), std::move(edits)),
                         {.experimental_functions = true, .extended_range_selectors = true});
  if (bare.ok()) operand.skeleton = promql::Print(promql::Unwrapped((*bare)->root()));
  return operand;
}

// Those of `a` that `b` lacks.
std::vector<Matcher> Beyond(const std::vector<Matcher>& a, const std::vector<Matcher>& b) {
  std::vector<Matcher> beyond;
  for (const Matcher& matcher : a) {
    if (std::ranges::find(b, matcher) == b.end()) beyond.push_back(matcher);
  }
  return beyond;
}

bool IsPartOfPairing(const promql::VectorMatching& matching, const std::string& label,
                     const LabelShape& left, const LabelShape& right) {
  const bool listed = std::ranges::find(matching.labels, label) != matching.labels.end();
  if (matching.on != listed) return false;
  return left.Of(label) != Presence::kNever && right.Of(label) != Presence::kNever;
}

// `job` when the sides may have it.
std::string CoarseGrouping(const LabelShape& shape) {
  return shape.Of("job") == Presence::kNever ? "instance" : "job";
}

}  // namespace

void CheckSelfDivision(const RuleContext& context, Reporter& report) {
  Walk(context.root(), [&](const Expr& expr, Ancestors above) {
    const auto* binary = expr.As<promql::Binary>();
    if (binary == nullptr || !binary->matching || !OneToOne(*binary)) return;
    if (binary->op != BinaryOp::kDiv && binary->op != BinaryOp::kSub) return;
    const Operand left = OperandOf(context, *binary->lhs);
    const Operand right = OperandOf(context, *binary->rhs);
    if (left.skeleton.empty() || left.skeleton != right.skeleton) return;
    const std::vector<Matcher> more_left = Beyond(left.matchers, right.matchers);
    const std::vector<Matcher> more_right = Beyond(right.matchers, left.matchers);
    if (!more_left.empty() && !more_right.empty()) return;
    const LabelShape& left_shape = context.flow.Of(*binary->lhs);
    const LabelShape& right_shape = context.flow.Of(*binary->rhs);
    for (const Matcher& matcher : more_left.empty() ? more_right : more_left) {
      if (!IsPartOfPairing(*binary->matching, matcher.name(), left_shape, right_shape)) return;
    }
    const bool division = binary->op == BinaryOp::kDiv;
    const std::string grouping = CoarseGrouping(left_shape);
    const Expr* parent = ParentOf(above);
    const auto* comparison = parent == nullptr ? nullptr : parent->As<promql::Binary>();
    const bool compared = comparison != nullptr && promql::IsComparison(comparison->op);
    const std::optional<double> limit = compared ? ConstantOf(*comparison->rhs) : std::nullopt;
    const double constant = division ? 1 : 0;
    const bool greater = compared && (comparison->op == BinaryOp::kGreater ||
                                      comparison->op == BinaryOp::kGreaterEqual);
    const bool always = limit && greater && constant > *limit;
    const bool never = limit && greater && constant < *limit;
    std::string message = fmt::format("each series is {} itself: the {} is always {}",
                                      division ? "divided by" : "subtracted from",
                                      division ? "ratio" : "difference", constant);
    if (always) message += fmt::format(", so any value at all is above {}", *limit);
    if (never) message += fmt::format(", never above {}", *limit);
    std::vector<TextEdit> edits;
    Wrap(*binary->lhs, fmt::format("sum by ({}) ", grouping), edits);
    Wrap(*binary->rhs, fmt::format("sum by ({}) ", grouping), edits);
    report.Say(
        {.in_expr = expr.position,
         .message = std::move(message),
         .explanation =
             "Both sides read the same metric and pair series whose labels are all equal, the one "
             "that was to tell the sides apart included. One failed request makes it fire, and it "
             "goes on as long as the range of rate(). Sum both sides first.",
         .edits = std::move(edits),
         .consequence = always  ? Consequence::kAlwaysFires
                        : never ? Consequence::kNeverFires
                                : Consequence::kNone});
  });
}

}  // namespace tocsin::lint
