// Labels: labels as interned ids, inside the store and the query engine.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/model/label_set.h"
#include "engine/model/symbols.h"

namespace tocsin {

struct LabelPair {
  SymbolId name = kEmptySymbol;
  SymbolId value = kEmptySymbol;
  friend auto operator<=>(const LabelPair&, const LabelPair&) = default;
};

// Pairs sorted by the *id* of the name; names unique, values never empty. Two Labels of the same
// table are equal iff their bytes are, so equality is memcmp and the hash is over the ids.
// The order by text, which Prometheus shows, needs the table: CompareByText.
class Labels {
 public:
  Labels() = default;
  // Any order; drops empty values; of equal names the last wins.
  static Labels FromPairs(std::vector<LabelPair> pairs);
  static Labels Intern(const LabelSet& set, SymbolTable& symbols);

  // kEmptySymbol when there is no such label.
  SymbolId Get(SymbolId name) const {
    for (const LabelPair& pair : pairs_) {
      if (pair.name == name) return pair.value;
    }
    return kEmptySymbol;
  }
  // kEmptySymbol removes the label.
  void Set(SymbolId name, SymbolId value);

  bool empty() const { return pairs_.empty(); }
  size_t size() const { return pairs_.size(); }
  auto begin() const { return pairs_.begin(); }
  auto end() const { return pairs_.end(); }

  uint64_t Hash() const;
  LabelSet ToLabelSet(const SymbolTable& symbols) const;

  friend bool operator==(const Labels& a, const Labels& b) {
    return a.pairs_.size() == b.pairs_.size() &&
           (a.pairs_.empty() || std::memcmp(a.pairs_.data(), b.pairs_.data(),
                                            a.pairs_.size() * sizeof(LabelPair)) == 0);
  }

 private:
  std::vector<LabelPair> pairs_;
};

// Prometheus' order of label sets: sorted by name text, then pair by pair. Negative, 0, positive.
int CompareByText(const Labels& a, const Labels& b, const SymbolTable& symbols);

struct LabelsHash {
  size_t operator()(const Labels& labels) const { return labels.Hash(); }
};

}  // namespace tocsin
