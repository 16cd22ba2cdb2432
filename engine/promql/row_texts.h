// The rows of a result as JSON.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/model/symbols.h"
#include "engine/promql/query_table.h"

namespace tocsin::promql {

// The beginning of a point at a step, [1700000000.500," : made once for all series. Of one length
// in memory, so that copying needs no call.
struct StepText {
  std::array<char, 32> text{};
  size_t size = 0;
};
using StepTexts = std::vector<StepText>;
StepTexts StepTextsOf(const Steps& steps);

// Writes rows one after the other, straight from ids and columns. A thread has one of its own.
class RowTexts {
 public:
  // All outlive it.
  RowTexts(const ResultRows& result, const StepTexts& steps, const SymbolTable& symbols);

  // Appends {"metric":{…},"values":[…]}, or what else there is of the row of the block.
  void Append(size_t row, std::string& text);

 private:
  struct Name {
    std::string key;  // "job":"
    size_t place;     // among the pairs
  };

  void AppendLabels(const Labels& labels, std::string& text);
  void LearnNames(const Labels& labels);
  void AppendValue(size_t row, std::string& text) const;
  void AppendValues(size_t row, std::string& text);
  void AppendHistograms(size_t row, std::string& text) const;

  const ResultRows& result_;
  const StepTexts& steps_;
  const SymbolTable& symbols_;
  std::vector<SymbolId> name_ids_;  // of the row before, in their order in it
  std::vector<Name> names_;         // the same in the order of their texts
  std::vector<char> points_;        // of a row, while they are written
};

}  // namespace tocsin::promql
