// Work on many series, split over the calling thread and helpers of an executor.
//
// Slices are handed out in their order, so each worker takes the next one when it is done with its
// own, and what has to happen in the order of the series (sums, whose bits depend on it) can wait
// for its turn without waiting long. A query gives the same answer however many workers it had.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <optional>

#include "base/executor.h"
#include "base/result.h"
#include "base/thread_annotations.h"

namespace tocsin::promql {

struct Slice {
  size_t index = 0;
  size_t begin = 0;
  size_t end = 0;
};

// Thread safety: all methods may be called from any thread.
class Slices {
 public:
  // Of `count` things, `size` in each but the last.
  Slices(size_t count, size_t size) : count_(count), size_(size == 0 ? 1 : size) {}

  size_t size() const { return (count_ + size_ - 1) / size_; }
  // Nothing when none is left, or after Stop.
  std::optional<Slice> Next();
  bool exhausted() const { return stopped_ || next_ * size_ >= count_; }
  // Waits until every slice before this one has had its turn; false when that will not be.
  bool AwaitTurn(const Slice& slice);
  void EndTurn();
  void Stop();

 private:
  const size_t count_;
  const size_t size_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  Mutex mutex_;
  std::condition_variable_any moved_;
  size_t turn_ GUARDED_BY(mutex_) = 0;
};

// What one worker gets of the slices.
class SliceSource {
 public:
  SliceSource(Slices& slices, size_t at_most) : slices_(slices), left_(at_most) {}
  std::optional<Slice> Next() { return left_ == 0 ? std::nullopt : (--left_, slices_.Next()); }
  bool AwaitTurn(const Slice& slice) { return slices_.AwaitTurn(slice); }
  void EndTurn() { slices_.EndTurn(); }

 private:
  Slices& slices_;
  size_t left_;
};

// What a worker does: takes slices until there are no more.
using SliceWork = std::function<Status(SliceSource& source)>;

// Runs `work` on the calling thread and, when there are several slices, on `helpers`, which may be
// null. A helper that is late is not waited for, and each takes a few slices at a time, so that
// other work of the executor is not held up. Returns the first error, which stops the others.
Status RunSliced(Executor* helpers, Slices& slices, const SliceWork& work);

}  // namespace tocsin::promql
