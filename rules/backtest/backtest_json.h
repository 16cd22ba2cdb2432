// What a backtest found, as JSON: for the command line and the HTTP API.
#pragma once

#include "base/json.h"
#include "rules/backtest/backtest.h"

namespace tocsin {

// The members of an object: from, to, evaluations, rules with their alerts and each transition.
void WriteBacktestResult(JsonWriter& json, const BacktestResult& result);
// One object.
void WriteBacktestAlert(JsonWriter& json, const BacktestAlert& alert);

}  // namespace tocsin
