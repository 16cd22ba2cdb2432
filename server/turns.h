// A bounded number of requests of one kind at a time; who comes beyond it is told to come later.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace tocsin::server {

// Thread safety: all methods may be called from any thread. A turn outlives the object.
class Turns {
 public:
  // Held while the request runs; given back by its end.
  using Turn = std::shared_ptr<void>;

  explicit Turns(size_t count) : free_(std::make_shared<std::atomic<size_t>>(count)) {}

  // Null when all are taken.
  Turn TryTake() const {
    size_t free = *free_;
    while (free > 0 && !free_->compare_exchange_weak(free, free - 1)) continue;
    if (free == 0) return nullptr;
    return {free_.get(), [counter = free_](void*) { ++*counter; }};
  }

 private:
  const std::shared_ptr<std::atomic<size_t>> free_;
};

}  // namespace tocsin::server
