// Walking through syntax trees.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/promql/ast.h"

namespace tocsin::lint {

// The operands of a node, in the order of the text.
std::vector<const promql::Expr*> Children(const promql::Expr& expr);

// The nodes above, the root first.
using Ancestors = std::span<const promql::Expr* const>;
using Visit = std::function<void(const promql::Expr& expr, Ancestors above)>;
// Calls `visit` for every node, parents before children.
void Walk(const promql::Expr& root, const Visit& visit);

// The selector of an instant or a range selector; null for everything else.
const promql::VectorSelector* SelectorOf(const promql::Expr& expr);
// Where the selector itself stands, without range, offset and @.
promql::PositionRange SelectorPosition(const promql::Expr& expr);

// The metric name that the selector is sure to have: written before the braces, or as an equality
// of __name__; "" when there is none.
std::string_view MetricOf(const promql::VectorSelector& selector);
// The matchers but for the name's, as PromQL writes them: job="a",x=~"b"; "" when there are none.
std::string MatcherText(const promql::VectorSelector& selector);

// The part of the query that the expression was written as.
std::string_view TextOf(const promql::ParsedQuery& query, promql::PositionRange position);

// The function's name when the expression (through parentheses) is a call; "" otherwise.
std::string_view CalledFunction(const promql::Expr& expr);
// The nearest node above that is no parenthesis; null at the root.
const promql::Expr* ParentOf(Ancestors above);
// Whether a call of that function stands above.
bool Inside(Ancestors above, std::string_view function);

// A number, through parentheses, signs and arithmetic of numbers: 2 * 2^30, (1024*1024).
std::optional<double> ConstantOf(const promql::Expr& expr);

}  // namespace tocsin::lint
