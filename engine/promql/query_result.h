// From blocks to results: which rows, in what order.
#pragma once

#include "engine/promql/evaluator.h"
#include "engine/promql/query_table.h"

namespace tocsin::promql {

// Evaluates a query: what the type of its expression says at the only step of an instant query, a
// matrix sorted by labels for a range query.
Result<QueryTable> ResultOfQuery(Evaluator& evaluator, const PlanEdge& root, const Expr& expr,
                                 QueryBudget& budget, Annotations& annotations);

}  // namespace tocsin::promql
