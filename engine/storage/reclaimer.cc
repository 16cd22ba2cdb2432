#include "engine/storage/reclaimer.h"

#include <algorithm>

namespace tocsin {

Reclaimer::Epoch Reclaimer::Pin() {
  const MutexLock lock(mutex_);
  active_.push_back(++newest_);
  pins_.fetch_add(1, std::memory_order_relaxed);
  return newest_;
}

void Reclaimer::Unpin(Epoch epoch) {
  std::vector<Garbage> free_now;  // destroyed outside the lock
  {
    const MutexLock lock(mutex_);
    active_.erase(std::lower_bound(active_.begin(), active_.end(), epoch));
    while (!retired_.empty() && (active_.empty() || retired_.front().epoch < active_.front())) {
      free_now.push_back(std::move(retired_.front().garbage));
      retired_.pop_front();
    }
  }
  pins_.fetch_sub(1, std::memory_order_release);
}

void Reclaimer::Keep(Garbage garbage) {
  const MutexLock lock(mutex_);
  retired_.push_back({newest_, std::move(garbage)});
}

size_t Reclaimer::waiting() const {
  const MutexLock lock(mutex_);
  return retired_.size();
}

}  // namespace tocsin
