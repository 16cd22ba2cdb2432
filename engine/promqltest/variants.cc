#include "engine/promqltest/variants.h"

#include <algorithm>

#include "base/go_float.h"
#include "engine/promql/function_table.h"

namespace tocsin::promqltest {
namespace {

using promql::AtModifier;
using promql::Expr;

std::vector<const Expr*> Children(const Expr& expr) {
  if (const auto* paren = expr.As<promql::Paren>()) return {paren->expr};
  if (const auto* unary = expr.As<promql::Unary>()) return {unary->expr};
  if (const auto* binary = expr.As<promql::Binary>()) return {binary->lhs, binary->rhs};
  if (const auto* call = expr.As<promql::Call>()) return call->args;
  if (const auto* subquery = expr.As<promql::Subquery>()) return {subquery->expr};
  if (const auto* aggregate = expr.As<promql::Aggregate>()) {
    if (aggregate->param == nullptr) return {aggregate->expr};
    return {aggregate->param, aggregate->expr};
  }
  return {};
}

const promql::TimeModifiers* TimesOf(const Expr& expr) {
  if (const auto* selector = expr.As<promql::VectorSelector>()) return &selector->time;
  if (const auto* matrix = expr.As<promql::MatrixSelector>()) return &matrix->selector->time;
  if (const auto* subquery = expr.As<promql::Subquery>()) return &subquery->time;
  return nullptr;
}

// The end of an expression's text. The position of one that ends with a parenthesis may include
// the closing parenthesis of what is around it, as in Prometheus.
int32_t EndOf(const Expr& expr, std::string_view text) {
  int depth = 0;
  char quote = 0;
  for (int32_t at = expr.position.begin; at < expr.position.end; ++at) {
    const char c = text[static_cast<size_t>(at)];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'' || c == '`') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth < 0) {
      return at;
    }
  }
  return expr.position.end;
}

// The ends of what has to be fixed.
void FindEnds(const Expr& expr, std::string_view text, std::vector<int32_t>& ends) {
  if (const promql::TimeModifiers* times = TimesOf(expr)) {
    if (!times->at) ends.push_back(EndOf(expr, text));
    return;
  }
  for (const Expr* child : Children(expr)) FindEnds(*child, text, ends);
}

template <typename Predicate>
bool CallsAny(const Expr& expr, Predicate predicate) {
  if (const auto* call = expr.As<promql::Call>(); call != nullptr && predicate(*call)) return true;
  return std::ranges::any_of(Children(expr),
                             [&](const Expr* child) { return CallsAny(*child, predicate); });
}

bool UsesBounds(const promql::DurationExpr* expr) {
  if (expr == nullptr) return false;
  using enum promql::DurationExpr::Op;
  return expr->op == kStep || expr->op == kRange || UsesBounds(expr->lhs) || UsesBounds(expr->rhs);
}

bool AsksForBounds(const Expr& expr) {
  if (const promql::TimeModifiers* times = TimesOf(expr)) {
    if (times->at && times->at->kind != AtModifier::Kind::kTime) return true;
    if (UsesBounds(times->offset_expr)) return true;
  }
  if (const auto* matrix = expr.As<promql::MatrixSelector>()) return UsesBounds(matrix->range_expr);
  if (const auto* subquery = expr.As<promql::Subquery>()) {
    if (UsesBounds(subquery->range_expr) || UsesBounds(subquery->step_expr)) return true;
  }
  if (const auto* call = expr.As<promql::Call>()) {
    const std::string_view name = call->function->name;
    if (name == "start" || name == "end" || name == "range" || name == "step") return true;
  }
  return std::ranges::any_of(Children(expr),
                             [](const Expr* child) { return AsksForBounds(*child); });
}

}  // namespace

std::optional<std::string> FixedToTime(const promql::ParsedQuery& query, int64_t t_ms) {
  if (CallsAny(query.root(),
               [](const promql::Call& call) { return call.function->depends_on_time; })) {
    return std::nullopt;
  }
  std::vector<int32_t> ends;
  FindEnds(query.root(), query.text(), ends);
  std::ranges::sort(ends, std::greater());
  std::string text = query.text();
  const std::string at = " @ " + FormatGoF(static_cast<double>(t_ms) / 1000);
  for (const int32_t end : ends) text.insert(static_cast<size_t>(end), at);
  return text;
}

std::vector<int64_t> TimesAround(int64_t t_ms) {
  if (t_ms == 0) return {-1000, 0, 1000};
  return {-10 * t_ms, 0, t_ms / 5, t_ms, 10 * t_ms};
}

bool MayBecomeRange(const promql::ParsedQuery& query) { return !AsksForBounds(query.root()); }

}  // namespace tocsin::promqltest
