#include "engine/model/symbols.h"

#include <algorithm>
#include <cstring>

namespace tocsin {
namespace {

constexpr size_t kSlabBytes = 64 << 10;
constexpr size_t kOverlayBlocks = 1u << 10;  // 4 M strings invented by one query

}  // namespace

SymbolTable::SymbolTable()
    : blocks_(new std::atomic<std::string_view*>[kBlocks]()), block_count_(kBlocks) {
  // The names that every query asks for are known before any series has them: an overlay never
  // holds them under an id of its own.
  for (const std::string_view text : {"", "__name__", "__type__", "__unit__"}) {
    static_cast<void>(Intern(text));
  }
}

SymbolTable::SymbolTable(const SymbolTable& base)
    : base_(&base),
      blocks_(new std::atomic<std::string_view*>[kOverlayBlocks]()),
      block_count_(kOverlayBlocks) {}

SymbolTable::~SymbolTable() = default;

std::optional<SymbolId> SymbolTable::Find(std::string_view text) const {
  if (text.empty()) return kEmptySymbol;
  if (base_ != nullptr) {
    if (const auto id = base_->Find(text)) return id;
  }
  const MutexLock lock(mutex_);
  const auto found = ids_.find(text);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

SymbolId SymbolTable::Intern(std::string_view text) {
  // An overlay keeps the id it gave, even if the base learns the text later.
  {
    const MutexLock lock(mutex_);
    if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  }
  if (base_ != nullptr) {
    if (const auto id = base_->Find(text)) return *id;
  }
  const MutexLock lock(mutex_);
  if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  const uint32_t index = next_;
  const size_t block = index >> kBlockBits;
  if (block >= block_count_) return kEmptySymbol;  // cardinality limits stop callers long before
  if ((index & kBlockMask) == 0) {
    owned_blocks_.push_back(std::make_unique<std::string_view[]>(size_t{1} << kBlockBits));
    blocks_[block].store(owned_blocks_.back().get(), std::memory_order_release);
  }
  if (text.size() > slab_left_) {
    const size_t bytes = std::max(kSlabBytes, text.size());
    slabs_.push_back(std::make_unique<char[]>(bytes));
    slab_cursor_ = slabs_.back().get();
    slab_left_ = bytes;
  }
  if (!text.empty()) std::memcpy(slab_cursor_, text.data(), text.size());
  const std::string_view kept(slab_cursor_, text.size());
  slab_cursor_ += text.size();
  slab_left_ -= text.size();
  owned_blocks_[block][index & kBlockMask] = kept;
  const SymbolId id = base_ == nullptr ? index : index | kOverlayBit;
  ids_.emplace(kept, id);
  ++next_;
  return id;
}

size_t SymbolTable::size() const {
  const MutexLock lock(mutex_);
  return next_;
}

}  // namespace tocsin
