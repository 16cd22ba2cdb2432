#include "engine/promql/slices.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <thread>

namespace tocsin::promql {
namespace {

constexpr size_t kSlicesOfHelper = 16;

// Who works on the slices of one call. Lives until the last helper has looked whether it is needed.
class Crew : public std::enable_shared_from_this<Crew> {
 public:
  Crew(Executor* helpers, Slices& slices, const SliceWork& work)
      : helpers_(helpers), slices_(&slices), work_(&work) {}

  void Call() {
    helpers_->Post([crew = shared_from_this()] { crew->Help(); });
  }

  void Work(size_t at_most) {
    SliceSource source(*slices_, at_most);
    const Status status = (*work_)(source);
    if (status.ok()) return;
    slices_->Stop();
    const MutexLock lock(mutex_);
    if (status_.ok()) status_ = status;
  }

  // No helper begins after this; those that have begun are waited for.
  Status Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    while (inside_ > 0) left_.wait(lock);
    return status_;
  }

 private:
  void Help() {
    {
      const MutexLock lock(mutex_);
      if (closed_) return;
      ++inside_;
    }
    Work(kSlicesOfHelper);
    const bool again = !slices_->exhausted();
    {
      const MutexLock lock(mutex_);
      --inside_;
    }
    left_.notify_all();
    if (again) Call();
  }

  Executor* const helpers_;
  Slices* const slices_;
  const SliceWork* const work_;
  Mutex mutex_;
  std::condition_variable_any left_;
  bool closed_ GUARDED_BY(mutex_) = false;
  size_t inside_ GUARDED_BY(mutex_) = 0;
  Status status_ GUARDED_BY(mutex_);
};

}  // namespace

std::optional<Slice> Slices::Next() {
  if (stopped_) return std::nullopt;
  const size_t index = next_.fetch_add(1);
  const size_t begin = index * size_;
  if (begin >= count_) return std::nullopt;
  return Slice{index, begin, std::min(count_, begin + size_)};
}

bool Slices::AwaitTurn(const Slice& slice) {
  MutexLock lock(mutex_);
  while (turn_ != slice.index && !stopped_) moved_.wait(lock);
  return !stopped_;
}

void Slices::EndTurn() {
  {
    const MutexLock lock(mutex_);
    ++turn_;
  }
  moved_.notify_all();
}

void Slices::Stop() {
  {
    const MutexLock lock(mutex_);
    stopped_ = true;
  }
  moved_.notify_all();
}

Status RunSliced(Executor* helpers, Slices& slices, const SliceWork& work) {
  constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const size_t wanted = std::min(cores, slices.size());
  if (helpers == nullptr || wanted <= 1) {
    SliceSource source(slices, kNoLimit);
    return work(source);
  }
  const auto crew = std::make_shared<Crew>(helpers, slices, work);
  for (size_t helper = 1; helper < wanted; ++helper) crew->Call();
  crew->Work(kNoLimit);
  return crew->Close();
}

}  // namespace tocsin::promql
