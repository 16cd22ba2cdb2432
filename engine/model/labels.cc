#include "engine/model/labels.h"

#include <algorithm>
#include <new>

#include "base/hash.h"

namespace tocsin {

Labels Labels::FromPairs(std::vector<LabelPair> pairs) {
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const LabelPair& a, const LabelPair& b) { return a.name < b.name; });
  size_t kept = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const bool overridden = i + 1 < pairs.size() && pairs[i + 1].name == pairs[i].name;
    if (!overridden && pairs[i].value != kEmptySymbol) pairs[kept++] = pairs[i];
  }
  return FromSortedPairs({pairs.data(), kept});
}

Labels Labels::FromSortedPairs(std::span<const LabelPair> pairs) {
  Labels labels;
  if (pairs.empty()) return labels;
  void* const memory = ::operator new(sizeof(Shared) + pairs.size_bytes());
  labels.pairs_ = new (memory) Shared{.refs = 1, .size = static_cast<uint32_t>(pairs.size())};
  std::memcpy(labels.pairs_->first(), pairs.data(), pairs.size_bytes());
  return labels;
}

void Labels::Free() {
  pairs_->~Shared();
  ::operator delete(pairs_);
}

Labels Labels::Intern(const LabelSet& set, SymbolTable& symbols) {
  std::vector<LabelPair> pairs;
  pairs.reserve(set.size());
  for (const auto& [name, value] : set)
    pairs.push_back({symbols.Intern(name), symbols.Intern(value)});
  return FromPairs(std::move(pairs));
}

void Labels::Set(SymbolId name, SymbolId value) {
  std::vector<LabelPair> pairs;
  pairs.reserve(size() + 1);
  for (const LabelPair& pair : *this) {
    if (pair.name != name) pairs.push_back(pair);
  }
  if (value != kEmptySymbol) {
    const auto after = std::find_if(pairs.begin(), pairs.end(),
                                    [name](const LabelPair& p) { return p.name > name; });
    pairs.insert(after, {name, value});
  }
  *this = FromSortedPairs(pairs);
}

uint64_t Labels::Hash() const {
  return Hash64({reinterpret_cast<const char*>(begin()), size() * sizeof(LabelPair)});
}

LabelSet Labels::ToLabelSet(const SymbolTable& symbols) const {
  using View = std::pair<std::string_view, std::string_view>;
  std::vector<View> views;
  views.reserve(size());
  for (const LabelPair& pair : *this) {
    const View view{symbols.Text(pair.name), symbols.Text(pair.value)};
    // Few, and nearly in order: cheaper put in their place one by one than sorted.
    views.insert(std::ranges::upper_bound(views, view), view);
  }
  return LabelSet::FromPairs({views.begin(), views.end()});
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
