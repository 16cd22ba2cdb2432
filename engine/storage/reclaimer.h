// Lets readers look at memory that writers replace, without counting references per object.
//
// A reader pins before it takes pointers and unpins when it has dropped them. What a writer
// replaces meanwhile is retired: it is freed when every reader that may have seen it is gone, and
// at once when there is none, which is nearly always. (Epoch-based reclamation; K. Fraser,
// "Practical lock-freedom", 2004, section 5.2.3.)
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/thread_annotations.h"

namespace tocsin {

// Thread safety: Pin, Retire and quiet() need the lock that guards the data structure; Unpin may be
// called from any thread without it.
class Reclaimer {
 public:
  using Epoch = uint64_t;
  using Garbage = std::unique_ptr<void, void (*)(void*)>;

  Epoch Pin();
  void Unpin(Epoch epoch);

  template <typename T>
  void Retire(std::unique_ptr<T> garbage) {
    if (!garbage || quiet()) return;  // freed here
    Keep(Garbage(garbage.release(), [](void* p) { const std::unique_ptr<T> owner(Cast<T>(p)); }));
  }
  // No reader holds anything, and none can begin while the caller has the lock.
  bool quiet() const { return pins_.load(std::memory_order_acquire) == 0; }
  // How many retired objects wait for readers.
  size_t waiting() const;

 private:
  template <typename T>
  static typename std::unique_ptr<T>::pointer Cast(void* p) {
    return static_cast<typename std::unique_ptr<T>::pointer>(p);
  }
  void Keep(Garbage garbage);

  struct Retired {
    Epoch epoch;  // pins up to this one may see it
    Garbage garbage;
  };

  std::atomic<size_t> pins_ = 0;
  mutable Mutex mutex_;
  Epoch newest_ GUARDED_BY(mutex_) = 0;
  std::vector<Epoch> active_ GUARDED_BY(mutex_);    // increasing
  std::deque<Retired> retired_ GUARDED_BY(mutex_);  // oldest first
};

}  // namespace tocsin
