#include "rules/lint/expr_walk.h"

#include <algorithm>
#include <cmath>

#include "engine/promql/function_table.h"
#include "engine/promql/plan.h"

namespace tocsin::lint {
namespace {

using promql::Expr;

void AddOperand(std::vector<const Expr*>& into, const Expr* operand) {
  if (operand != nullptr) into.push_back(operand);
}

struct ChildrenOf {
  std::vector<const Expr*> operator()(const promql::NumberLiteral&) const { return {}; }
  std::vector<const Expr*> operator()(const promql::StringLiteral&) const { return {}; }
  std::vector<const Expr*> operator()(const promql::VectorSelector&) const { return {}; }
  std::vector<const Expr*> operator()(const promql::MatrixSelector&) const { return {}; }
  std::vector<const Expr*> operator()(const promql::Subquery& subquery) const {
    return {subquery.expr};
  }
  std::vector<const Expr*> operator()(const promql::Call& call) const { return call.args; }
  std::vector<const Expr*> operator()(const promql::Aggregate& aggregate) const {
    std::vector<const Expr*> operands;
    AddOperand(operands, aggregate.param);
    AddOperand(operands, aggregate.expr);
    return operands;
  }
  std::vector<const Expr*> operator()(const promql::Binary& binary) const {
    return {binary.lhs, binary.rhs};
  }
  std::vector<const Expr*> operator()(const promql::Unary& unary) const { return {unary.expr}; }
  std::vector<const Expr*> operator()(const promql::Paren& paren) const { return {paren.expr}; }
};

void WalkBelow(const Expr& expr, std::vector<const Expr*>& above, const Visit& visit) {
  visit(expr, above);
  above.push_back(&expr);
  for (const Expr* child : Children(expr)) WalkBelow(*child, above, visit);
  above.pop_back();
}

std::optional<double> Arithmetic(promql::BinaryOp op, double a, double b) {
  switch (op) {
    case promql::BinaryOp::kAdd:
      return a + b;
    case promql::BinaryOp::kSub:
      return a - b;
    case promql::BinaryOp::kMul:
      return a * b;
    case promql::BinaryOp::kDiv:
      return a / b;
    case promql::BinaryOp::kMod:
      return std::fmod(a, b);
    case promql::BinaryOp::kPow:
      return std::pow(a, b);
    case promql::BinaryOp::kAtan2:
      return std::atan2(a, b);
    case promql::BinaryOp::kEqual:
    case promql::BinaryOp::kNotEqual:
    case promql::BinaryOp::kLess:
    case promql::BinaryOp::kLessEqual:
    case promql::BinaryOp::kGreater:
    case promql::BinaryOp::kGreaterEqual:
    case promql::BinaryOp::kAnd:
    case promql::BinaryOp::kOr:
    case promql::BinaryOp::kUnless:
    case promql::BinaryOp::kTrimUpper:
    case promql::BinaryOp::kTrimLower:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::vector<const Expr*> Children(const Expr& expr) { return std::visit(ChildrenOf{}, expr.node); }

void Walk(const Expr& root, const Visit& visit) {
  std::vector<const Expr*> above;
  WalkBelow(root, above, visit);
}

const promql::VectorSelector* SelectorOf(const Expr& expr) {
  if (const auto* matrix = expr.As<promql::MatrixSelector>()) return matrix->selector;
  return expr.As<promql::VectorSelector>();
}

promql::PositionRange SelectorPosition(const Expr& expr) {
  if (const auto* matrix = expr.As<promql::MatrixSelector>()) return matrix->selector_position;
  return expr.position;
}

std::string_view MetricOf(const promql::VectorSelector& selector) {
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() == kMetricName && matcher.op() == MatchOp::kEqual) return matcher.value();
  }
  return selector.name;
}

std::string MatcherText(const promql::VectorSelector& selector) {
  std::string text;
  for (const Matcher& matcher : selector.matchers) {
    if (matcher.name() == kMetricName) continue;
    text += (text.empty() ? "" : ",") + matcher.ToString();
  }
  return text;
}

std::string_view TextOf(const promql::ParsedQuery& query, promql::PositionRange position) {
  const std::string_view text = query.text();
  const auto begin = std::min(static_cast<size_t>(std::max(position.begin, 0)), text.size());
  const auto end = std::min(static_cast<size_t>(std::max(position.end, 0)), text.size());
  return text.substr(begin, end - std::min(begin, end));
}

std::string_view CalledFunction(const Expr& expr) {
  const auto* call = promql::Unwrapped(expr).As<promql::Call>();
  return call == nullptr ? std::string_view() : call->function->name;
}

const Expr* ParentOf(Ancestors above) {
  for (size_t i = above.size(); i > 0; --i) {
    if (above[i - 1]->As<promql::Paren>() == nullptr) return above[i - 1];
  }
  return nullptr;
}

bool Inside(Ancestors above, std::string_view function) {
  return std::ranges::any_of(above, [&](const Expr* expr) {
    const auto* call = expr->As<promql::Call>();
    return call != nullptr && call->function->name == function;
  });
}

std::optional<double> ConstantOf(const Expr& expr) {
  const Expr& bare = promql::Unwrapped(expr);
  if (const auto* number = bare.As<promql::NumberLiteral>()) return number->value;
  if (const auto* unary = bare.As<promql::Unary>()) {
    const std::optional<double> value = ConstantOf(*unary->expr);
    return value ? std::optional(unary->negate ? -*value : *value) : std::nullopt;
  }
  const auto* binary = bare.As<promql::Binary>();
  if (binary == nullptr) return std::nullopt;
  const std::optional<double> a = ConstantOf(*binary->lhs);
  const std::optional<double> b = ConstantOf(*binary->rhs);
  return a && b ? Arithmetic(binary->op, *a, *b) : std::nullopt;
}

}  // namespace tocsin::lint
