// What groups and matches are made of: some of the labels of each row, and numbers for those that
// are distinct.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "engine/promql/block.h"

namespace tocsin::promql {

// The labels of rows lie anywhere: who looks at all of them in turn asks for those of coming rows.
inline void PrefetchLabels(const SeriesList& list, size_t row) {
  constexpr size_t kAhead = 8;
  if (row + kAhead >= list.size()) return;
  const Labels& coming = list[row + kAhead];
  __builtin_prefetch(coming.begin());
  __builtin_prefetch(coming.end());
}

// The labels with certain names, or all others.
//
// Not thread-safe.
class LabelPicker {
 public:
  LabelPicker(std::vector<SymbolId> names, bool others)
      : others_(others), names_(std::move(names)) {
    std::ranges::sort(names_);
  }

  // Sorted as in Labels; valid until the next call.
  std::span<const LabelPair> Of(const Labels& labels) {
    picked_.clear();
    // Both are sorted by the ids of names.
    auto name = names_.begin();
    for (const LabelPair& pair : labels) {
      while (name != names_.end() && *name < pair.name) ++name;
      if (name == names_.end() && !others_) break;
      const bool named = name != names_.end() && *name == pair.name;
      if (named != others_) picked_.push_back(pair);
    }
    return picked_;
  }

 private:
  const bool others_;
  std::vector<SymbolId> names_;
  std::vector<LabelPair> picked_;
};

// Numbers distinct label sets in the order in which they come: a hash table with open addressing,
// in which a label set that is known costs no allocation.
//
// Not thread-safe.
class LabelIndex {
 public:
  struct Entry {
    uint32_t number;
    bool fresh;
  };

  // `pairs` sorted by the id of the name, as in Labels.
  Entry Find(std::span<const LabelPair> pairs) {
    const uint64_t hash = HashOf(pairs);
    if (labels_.size() * 2 >= slots_.size()) Grow();
    uint32_t& slot = SlotOf(hash, pairs);
    if (slot != kFree) return {slot, false};
    slot = static_cast<uint32_t>(labels_.size());
    labels_.push_back(Labels::FromSortedPairs(pairs));
    hashes_.push_back(hash);
    return {slot, true};
  }
  Entry Find(const Labels& labels) { return Find({labels.begin(), labels.size()}); }

  size_t size() const { return labels_.size(); }
  // By number. The index is empty afterwards.
  SeriesList TakeLabels() {
    slots_.clear();
    hashes_.clear();
    return std::exchange(labels_, {});
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;

  static uint64_t HashOf(std::span<const LabelPair> pairs) {
    return Hash64({reinterpret_cast<const char*>(pairs.data()), pairs.size_bytes()});
  }

  uint32_t& SlotOf(uint64_t hash, std::span<const LabelPair> pairs) {
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      const uint32_t number = slots_[at];
      if (number == kFree || (hashes_[number] == hash && Equal(labels_[number], pairs))) {
        return slots_[at];
      }
    }
  }

  static bool Equal(const Labels& labels, std::span<const LabelPair> pairs) {
    return labels.size() == pairs.size() &&
           (pairs.empty() || std::memcmp(labels.begin(), pairs.data(), pairs.size_bytes()) == 0);
  }

  void Grow() {
    slots_.assign(slots_.empty() ? 16 : slots_.size() * 2, kFree);
    const size_t mask = slots_.size() - 1;
    for (uint32_t number = 0; number < hashes_.size(); ++number) {
      size_t at = hashes_[number] & mask;
      while (slots_[at] != kFree) at = (at + 1) & mask;
      slots_[at] = number;
    }
  }

  std::vector<uint32_t> slots_;  // numbers; a power of two, at most half full
  std::vector<uint64_t> hashes_;
  SeriesList labels_;
};

}  // namespace tocsin::promql
