// The result of a query as the evaluator leaves it: rows of a block, whose labels are ids.
//
// A long answer is written straight from it; the QueryValue that outlives the store is made of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/model/symbols.h"
#include "engine/promql/block.h"
#include "engine/promql/engine.h"

namespace tocsin::promql {

// The series of an instant vector, whose block has one step, or of a range query.
struct ResultRows {
  enum class Kind { kVector, kMatrix };
  Kind kind = Kind::kVector;
  Block block;
  Steps steps;
  std::vector<size_t> rows;  // of the block: those with values, in the order they are shown in
};

// A matrix is what the window of a range selector holds; it has its labels as text.
using QueryTable = std::variant<ScalarValue, StringValue, MatrixValue, ResultRows>;

// `symbols` has the texts of the labels.
QueryValue ToValue(const QueryTable& table, const SymbolTable& symbols);

// What a query gave. Needs the querier's symbols as long as it lives.
struct QueryAnswer {
  std::shared_ptr<const SymbolTable> symbols;
  QueryTable table;
  std::vector<std::string> warnings;  // with positions
  std::vector<std::string> infos;
  QueryStats stats;
};

}  // namespace tocsin::promql
