// How far back a query looks.
#pragma once

#include "base/time.h"
#include "engine/promql/ast.h"

namespace tocsin {

// The age of the oldest sample that the query may use beside the newest ones: its longest range
// plus offset. Durations that are arithmetic expressions count as nothing.
Duration Reach(const promql::Expr& expr);

}  // namespace tocsin
