// Which series carry a label pair.
#pragma once

#include <cstddef>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/model/labels.h"
#include "engine/model/matcher.h"
#include "engine/model/series_ref.h"

namespace tocsin {

// Invariant: every list is strictly increasing, because refs are handed out in increasing order
// and each is added once.
//
// Thread safety: as a plain value.
class Postings {
 public:
  // Strictly increasing.
  using List = std::vector<SeriesRef>;
  struct Entry {
    SeriesRef ref = kNoSeries;
    Labels labels;
  };

  // `ref` is higher than any before.
  void Add(SeriesRef ref, const Labels& labels);
  // What was added, with the same labels, by increasing ref.
  void Remove(std::span<const Entry> entries);

  // The series that satisfy all matchers; all series when there is none. The labels were interned
  // in `symbols`.
  List Find(std::span<const Matcher> matchers, const SymbolTable& symbols) const;

  // Estimated.
  size_t bytes() const;

 private:
  using ByValue = std::unordered_map<SymbolId, List>;
  using Lists = std::vector<const List*>;

  Lists ListsOfLiterals(const ByValue& values, const Matcher& matcher,
                        const SymbolTable& symbols) const;
  // The lists of the values that the matcher accepts, and of those that it refuses. Series without
  // the label are in no list.
  Lists Accepted(const Matcher& matcher, const SymbolTable& symbols) const;
  Lists Refused(const Matcher& matcher, const SymbolTable& symbols) const;
  const ByValue* Values(const Matcher& matcher, const SymbolTable& symbols) const;

  std::unordered_map<SymbolId, ByValue> by_name_;
  List all_;
};

}  // namespace tocsin
