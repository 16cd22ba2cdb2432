#include "engine/promql/ordered_pieces.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"

namespace tocsin::promql {
namespace {

// How far makers may be ahead of the user, for each of them.
constexpr size_t kAhead = 2;

// The pieces between the one that is used next and the last that may be made, in a ring. Lives
// until the last helper has looked whether it is needed.
class Pieces : public std::enable_shared_from_this<Pieces> {
 public:
  Pieces(Executor* helpers, size_t makers, size_t count, const MakePiece& make)
      : helpers_(helpers),
        helpers_wanted_(makers - 1),
        count_(count),
        make_(&make),
        ring_(kAhead * makers) {}

  bool UseAll(const UsePiece& use) {
    bool wanted = true;
    std::string text;
    for (size_t index = 0; index < count_ && wanted; ++index) {
      CallHelpers();
      Await(index, text);
      wanted = use(text);
      text.clear();
    }
    Close();
    return wanted;
  }

 private:
  struct Slot {
    std::string text;
    bool made = false;
  };

  Slot& At(size_t index) REQUIRES_LOCK(mutex_) { return ring_[index % ring_.size()]; }

  // Takes the piece, and makes others, or this one, as long as it is not there.
  void Await(size_t index, std::string& text) {
    while (true) {
      {
        MutexLock lock(mutex_);
        while (!At(index).made && !CanMake()) changed_.wait(lock);
        if (At(index).made) {
          std::swap(text, At(index).text);
          At(index).made = false;
          used_ = index + 1;
          return;
        }
      }
      MakeOne();
    }
  }

  bool CanMake() const REQUIRES_LOCK(mutex_) {
    return !closed_ && next_ < std::min(count_, used_ + ring_.size());
  }

  // False when there is nothing to make now.
  bool MakeOne() {
    size_t index = 0;
    std::string text;
    {
      const MutexLock lock(mutex_);
      if (!CanMake()) return false;
      index = next_++;
      std::swap(text, At(index).text);
    }
    text.clear();
    (*make_)(index, text);
    {
      const MutexLock lock(mutex_);
      std::swap(text, At(index).text);
      At(index).made = true;
    }
    changed_.notify_all();
    return true;
  }

  void CallHelpers() {
    size_t called = 0;
    {
      const MutexLock lock(mutex_);
      if (!CanMake()) return;
      called = helpers_wanted_ - helpers_called_;
      helpers_called_ = helpers_wanted_;
    }
    for (; called > 0; --called) {
      helpers_->Post([pieces = shared_from_this()] { pieces->Help(); });
    }
  }

  // Gives its thread back when it is ahead; it is called again.
  void Help() {
    {
      const MutexLock lock(mutex_);
      if (closed_) return;
      ++inside_;
    }
    while (MakeOne()) {
    }
    {
      const MutexLock lock(mutex_);
      --inside_;
      --helpers_called_;
    }
    changed_.notify_all();
  }

  // No helper begins after this; those that have begun are waited for.
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    while (inside_ > 0) changed_.wait(lock);
  }

  Executor* const helpers_;
  const size_t helpers_wanted_;
  const size_t count_;
  const MakePiece* const make_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Slot> ring_ GUARDED_BY(mutex_);
  size_t next_ GUARDED_BY(mutex_) = 0;  // to be made
  size_t used_ GUARDED_BY(mutex_) = 0;
  size_t helpers_called_ GUARDED_BY(mutex_) = 0;
  size_t inside_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace

bool UseInOrder(Executor* helpers, size_t count, const MakePiece& make, const UsePiece& use) {
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const size_t makers = helpers == nullptr ? 1 : std::max<size_t>(1, std::min(cores, count));
  return std::make_shared<Pieces>(helpers, makers, count, make)->UseAll(use);
}

}  // namespace tocsin::promql
