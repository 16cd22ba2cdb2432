// Whether results are what a test script expects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/promql/engine.h"
#include "engine/promqltest/script.h"

namespace tocsin::promqltest {

// Equal bits, both NaN, or a difference of less than 1e-6 of the sum of the magnitudes.
bool AlmostEqual(double a, double b);

// Text for a difference; nothing when the result is as expected.
using Difference = std::optional<std::string>;
Difference CompareInstant(const promql::QueryValue& value, const EvalCommand& eval);
Difference CompareRange(const promql::QueryValue& value, const EvalCommand& eval);
// The point at `t_ms` of each series of a range query against an instant expectation.
Difference ComparePoint(const promql::QueryValue& value, const EvalCommand& eval, int64_t t_ms);
// Without positions: of a query that was made from that of the eval, so that things stand
// elsewhere.
enum class Positions { kCompared, kIgnored };
Difference CompareAnnotations(const promql::QueryResult& result, const EvalCommand& eval,
                              Positions positions);
Difference CompareError(const Error& error, const EvalCommand& eval);

}  // namespace tocsin::promqltest
