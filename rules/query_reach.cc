#include "rules/query_reach.h"

#include <algorithm>
#include <variant>

namespace tocsin {
namespace {

struct ReachOf {
  int64_t operator()(const promql::NumberLiteral&) const { return 0; }
  int64_t operator()(const promql::StringLiteral&) const { return 0; }
  int64_t operator()(const promql::VectorSelector& selector) const {
    return std::max<int64_t>(selector.time.offset_ms, 0);
  }
  int64_t operator()(const promql::MatrixSelector& matrix) const {
    return matrix.range_ms + (*this)(*matrix.selector);
  }
  int64_t operator()(const promql::Subquery& subquery) const {
    return subquery.range_ms + std::max<int64_t>(subquery.time.offset_ms, 0) + Of(subquery.expr);
  }
  int64_t operator()(const promql::Call& call) const {
    int64_t longest = 0;
    for (const promql::Expr* arg : call.args) longest = std::max(longest, Of(arg));
    return longest;
  }
  int64_t operator()(const promql::Aggregate& aggregate) const {
    return std::max(Of(aggregate.expr), Of(aggregate.param));
  }
  int64_t operator()(const promql::Binary& binary) const {
    return std::max(Of(binary.lhs), Of(binary.rhs));
  }
  int64_t operator()(const promql::Unary& unary) const { return Of(unary.expr); }
  int64_t operator()(const promql::Paren& paren) const { return Of(paren.expr); }

  int64_t Of(const promql::Expr* expr) const {
    return expr == nullptr ? 0 : std::visit(*this, expr->node);
  }
};

}  // namespace

Duration Reach(const promql::Expr& expr) { return Duration{std::visit(ReachOf{}, expr.node)}; }

}  // namespace tocsin
