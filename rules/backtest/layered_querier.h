// History with what rules write on top: a Querier over two stores.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/storage/appender.h"
#include "engine/storage/querier.h"
#include "rules/rule_file.h"

namespace tocsin {

// Series of the `shadowed` names come from the upper store, all others from the lower one: what
// the rules once wrote into history must not be taken for what they write now.
//
// Thread safety: all methods may be called from any thread. Both stores outlive the querier.
class LayeredQuerier final : public Querier {
 public:
  LayeredQuerier(const Querier& lower, const Querier& upper,
                 std::set<std::string, std::less<>> shadowed);

  const SymbolTable& symbols() const override { return lower_.symbols(); }
  Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers, TimeRange range,
                                            const SelectHints& hints,
                                            SymbolTable& overlay) const override;
  Result<std::vector<std::string>> LabelNames(Selectors selectors, TimeRange range) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name, Selectors selectors,
                                               TimeRange range) const override;
  Result<std::vector<LabelSet>> Series(Selectors selectors, TimeRange range) const override;

 private:
  const Querier& lower_;
  const Querier& upper_;
  const std::set<std::string, std::less<>> shadowed_;
};

// Where rules write in the past, and what they read of it: an empty store, for one run alone. Times
// of any age must be taken.
struct WrittenStore {
  SampleSink& sink;
  const Querier& querier;
};

// ALERTS, ALERTS_FOR_STATE and what the rules record.
std::set<std::string, std::less<>> NamesWrittenBy(const std::vector<RuleGroupSpec>& groups);

}  // namespace tocsin
