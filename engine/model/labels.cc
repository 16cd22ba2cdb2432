#include "engine/model/labels.h"

#include <algorithm>

#include "base/hash.h"

namespace tocsin {

Labels Labels::FromPairs(std::vector<LabelPair> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const LabelPair& a, const LabelPair& b) { return a.name < b.name; });
  Labels labels;
  labels.pairs_.reserve(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const bool overridden = i + 1 < pairs.size() && pairs[i + 1].name == pairs[i].name;
    if (!overridden && pairs[i].value != kEmptySymbol) labels.pairs_.push_back(pairs[i]);
  }
  return labels;
}

Labels Labels::Intern(const LabelSet& set, SymbolTable& symbols) {
  std::vector<LabelPair> pairs;
  pairs.reserve(set.size());
  for (const auto& [name, value] : set)
    pairs.push_back({symbols.Intern(name), symbols.Intern(value)});
  return FromPairs(std::move(pairs));
}

void Labels::Set(SymbolId name, SymbolId value) {
  const auto found = std::lower_bound(pairs_.begin(), pairs_.end(), name,
                                      [](const LabelPair& p, SymbolId n) { return p.name < n; });
  const bool present = found != pairs_.end() && found->name == name;
  if (value == kEmptySymbol) {
    if (present) pairs_.erase(found);
  } else if (present) {
    found->value = value;
  } else {
    pairs_.insert(found, {name, value});
  }
}

uint64_t Labels::Hash() const {
  return Hash64({reinterpret_cast<const char*>(pairs_.data()), pairs_.size() * sizeof(LabelPair)});
}

LabelSet Labels::ToLabelSet(const SymbolTable& symbols) const {
  std::vector<LabelSet::Pair> pairs;
  pairs.reserve(pairs_.size());
  for (const LabelPair& pair : pairs_) {
    pairs.emplace_back(symbols.Text(pair.name), symbols.Text(pair.value));
  }
  return LabelSet::FromPairs(std::move(pairs));
}

int CompareByText(const Labels& a, const Labels& b, const SymbolTable& symbols) {
  const auto sorted = [&](const Labels& labels) {
    std::vector<std::pair<std::string_view, std::string_view>> pairs;
    pairs.reserve(labels.size());
    for (const LabelPair& pair : labels) {
      pairs.emplace_back(symbols.Text(pair.name), symbols.Text(pair.value));
    }
    std::sort(pairs.begin(), pairs.end());
    return pairs;
  };
  const auto order = sorted(a) <=> sorted(b);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace tocsin
