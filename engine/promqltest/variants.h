// Other ways to ask for the value that an instant query has at one time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/promql/ast.h"

namespace tocsin::promqltest {

// The query with `@ t` put on every selector and subquery that has none, as long as no subquery
// around it has one. Nothing when the query asks for the evaluation time itself.
std::optional<std::string> FixedToTime(const promql::ParsedQuery& query, int64_t t_ms);
// Where a fixed query is asked: -10·t, 0, t/5, t and 10·t.
std::vector<int64_t> TimesAround(int64_t t_ms);
// False for queries that ask for the bounds of the query.
bool MayBecomeRange(const promql::ParsedQuery& query);

}  // namespace tocsin::promqltest
