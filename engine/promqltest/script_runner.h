// Runs test scripts of PromQL against the engine, each on a store of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/promql/engine.h"
#include "engine/promqltest/script.h"

namespace tocsin::promqltest {

struct ScriptReport {
  size_t passed = 0;
  size_t failed = 0;
  // "file:12: expression: expected …, got …", one for each failed eval.
  std::vector<std::string> failures;
};

// What scripts expect to be on: experimental functions and syntax, delayed name removal, start
// timestamps, at most 10,000 samples for a query.
promql::EngineOptions ScriptEngineOptions();

// An unreadable script is one failure. `name` stands in front of the lines' numbers.
//
// Each eval counts once, although an instant query is also asked with @ and as a range query.
ScriptReport RunScript(std::string_view name, std::string_view text,
                       const promql::EngineOptions& options);

}  // namespace tocsin::promqltest
