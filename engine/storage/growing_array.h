// An append-only array that readers may look at while it grows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "engine/storage/reclaimer.h"

namespace tocsin {

// Elements never change once they are there, so a reader that took (data(), size()) under the
// writer's lock may read that many without it; growing retires the old memory. Grows in small
// steps, because there is one of these for every series: by a quarter, to odd sizes, which is what
// malloc hands out anyway for 8-byte elements.
template <typename T>
class GrowingArray {
 public:
  const T* data() const { return data_.get(); }
  uint32_t size() const { return size_; }
  uint32_t capacity() const { return capacity_; }
  const T& operator[](uint32_t i) const { return data_[i]; }
  const T* begin() const { return data_.get(); }
  const T* end() const { return data_.get() + size_; }

  void Append(T element, Reclaimer& reclaimer) {
    if (size_ == capacity_) Reallocate(0, (capacity_ + std::max(2u, capacity_ / 4)) | 1, reclaimer);
    data_[size_++] = std::move(element);
  }
  void DropFront(uint32_t count, Reclaimer& reclaimer) {
    if (count > 0) Reallocate(count, size_ - count, reclaimer);
  }
  void Clear(Reclaimer& reclaimer) { DropFront(size_, reclaimer); }

 private:
  void Reallocate(uint32_t skip, uint32_t capacity, Reclaimer& reclaimer) {
    std::unique_ptr<T[]> grown;
    if (capacity > 0) grown = std::make_unique<T[]>(capacity);
    std::copy(data_.get() + skip, data_.get() + size_, grown.get());
    reclaimer.Retire(std::exchange(data_, std::move(grown)));
    size_ -= skip;
    capacity_ = capacity;
  }

  std::unique_ptr<T[]> data_;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace tocsin
