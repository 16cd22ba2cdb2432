// Interned strings: label names and values as 32-bit ids.
//
// One global table holds what the store knows. A query makes an overlay on top of it: it finds
// the global ids, and what it invents (label_replace, count_values, remote series) gets ids of
// its own that die with it, so queries never grow the global table.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/thread_annotations.h"

namespace tocsin {

using SymbolId = uint32_t;
// The empty string, in every table.
constexpr SymbolId kEmptySymbol = 0;

// Append-only. Equal texts have equal ids within a table and the overlays on it, as long as the
// text was interned in the base before it was in the overlay.
//
// Thread safety: all methods may be called from any thread. Text() takes no lock.
class SymbolTable {
 public:
  SymbolTable();
  // An overlay; `base` must outlive it and be no overlay itself.
  explicit SymbolTable(const SymbolTable& base);
  ~SymbolTable();
  SymbolTable& operator=(const SymbolTable&) = delete;

  SymbolId Intern(std::string_view text);
  std::optional<SymbolId> Find(std::string_view text) const;
  // `id` must come from this table or its base. The view lives as long as the table.
  std::string_view Text(SymbolId id) const {
    if (base_ != nullptr && (id & kOverlayBit) == 0) return base_->Text(id);
    const uint32_t index = id & ~kOverlayBit;
    return blocks_[index >> kBlockBits].load(std::memory_order_acquire)[index & kBlockMask];
  }

  // The number of strings in this table alone.
  size_t size() const;

 private:
  static constexpr SymbolId kOverlayBit = 0x80000000;
  static constexpr uint32_t kBlockBits = 12;
  static constexpr uint32_t kBlockMask = (1u << kBlockBits) - 1;
  static constexpr size_t kBlocks = 1u << 14;  // 64 M strings

  const SymbolTable* const base_ = nullptr;
  std::unique_ptr<std::atomic<std::string_view*>[]> blocks_;
  const size_t block_count_;
  mutable Mutex mutex_;
  std::unordered_map<std::string_view, SymbolId> ids_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<std::string_view[]>> owned_blocks_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<char[]>> slabs_ GUARDED_BY(mutex_);
  char* slab_cursor_ GUARDED_BY(mutex_) = nullptr;
  size_t slab_left_ GUARDED_BY(mutex_) = 0;
  uint32_t next_ GUARDED_BY(mutex_) = 0;
};

}  // namespace tocsin
