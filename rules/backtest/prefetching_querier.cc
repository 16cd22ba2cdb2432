#include "rules/backtest/prefetching_querier.h"

#include <chrono>
#include <condition_variable>
#include <optional>

namespace tocsin {

// One selection, made by whoever begins it first: the background, or the thread that needs it.
class PrefetchingQuerier::Fetch {
 public:
  Fetch(std::vector<Matcher> matchers, TimeRange range)
      : matchers_(std::move(matchers)), range_(range) {}

  TimeRange range() const { return range_; }

  // Does nothing, and returns false, when it has begun already.
  bool Run(const Querier& source, const SelectHints& hints) {
    if (begun_.exchange(true)) return false;
    auto symbols = std::make_unique<SymbolTable>(source.symbols());
    Result<std::unique_ptr<SeriesSet>> set = source.Select(matchers_, range_, hints, *symbols);
    const MutexLock lock(mutex_);
    symbols_ = std::move(symbols);
    set_ = std::move(set);
    over_.notify_all();
    return true;
  }
  // Returns when it is over; false when the caller does not want to wait any longer.
  bool Await(const std::function<bool()>& canceled) {
    constexpr auto kLook = std::chrono::milliseconds(100);
    MutexLock lock(mutex_);
    while (!IsOver()) {
      over_.wait_for(lock, kLook);
      if (canceled && canceled()) return IsOver();
    }
    return true;
  }

  // After Await has returned true. What is over does not change any more.
  const Result<std::unique_ptr<SeriesSet>>& set() const NO_THREAD_SAFETY_ANALYSIS { return *set_; }
  const SymbolTable& symbols() const NO_THREAD_SAFETY_ANALYSIS { return *symbols_; }

 private:
  bool IsOver() const REQUIRES_LOCK(mutex_) { return set_.has_value(); }

  const std::vector<Matcher> matchers_;
  const TimeRange range_;
  std::atomic<bool> begun_ = false;
  mutable Mutex mutex_;
  std::condition_variable_any over_;
  std::unique_ptr<SymbolTable> symbols_ GUARDED_BY(mutex_);
  std::optional<Result<std::unique_ptr<SeriesSet>>> set_ GUARDED_BY(mutex_);
};

namespace {

// A set whose labels are in the table of the query that asks.
class TranslatedSet final : public SeriesSet {
 public:
  // `owner` keeps the set and its symbols.
  TranslatedSet(std::shared_ptr<const void> owner, const SeriesSet& set, const SymbolTable& symbols,
                SymbolTable& overlay)
      : owner_(std::move(owner)), set_(set) {
    labels_.reserve(set.size());
    for (size_t i = 0; i < set.size(); ++i) {
      labels_.push_back(Labels::Intern(set.labels(i).ToLabelSet(symbols), overlay));
    }
  }

  size_t size() const override { return labels_.size(); }
  const Labels& labels(size_t series) const override { return labels_[series]; }
  uint64_t id(size_t /*series*/) const override { return 0; }
  Status Read(size_t series, TimeRange range, SampleColumns& columns) const override {
    return set_.Read(series, range, columns);
  }
  std::optional<Newest> ReadNewest(size_t series, TimeRange range) const override {
    return set_.ReadNewest(series, range);
  }

 private:
  const std::shared_ptr<const void> owner_;
  const SeriesSet& set_;
  std::vector<Labels> labels_;
};

bool AreSame(TimeRange a, TimeRange b) { return a.min_ms == b.min_ms && a.max_ms == b.max_ms; }

std::string TextOf(std::span<const Matcher> matchers) {
  std::string text;
  for (const Matcher& matcher : matchers) text += matcher.ToString() + ",";
  return text;
}

}  // namespace

PrefetchingQuerier::PrefetchingQuerier(const Querier& source, Executor& background,
                                       int64_t until_ms)
    : source_(source), background_(background), until_ms_(until_ms) {}

PrefetchingQuerier::~PrefetchingQuerier() { *stopped_ = true; }

std::pair<std::shared_ptr<PrefetchingQuerier::Fetch>, std::shared_ptr<PrefetchingQuerier::Fetch>>
PrefetchingQuerier::Take(std::span<const Matcher> matchers, TimeRange range) const {
  std::vector<Matcher> owned(matchers.begin(), matchers.end());
  const MutexLock lock(mutex_);
  Track& track = tracks_[{TextOf(matchers), range.max_ms - range.min_ms}];
  if (track.last && AreSame(track.last->range(), range)) return {track.last, nullptr};
  const std::shared_ptr<Fetch> before =
      std::exchange(track.last, track.next && AreSame(track.next->range(), range)
                                    ? std::exchange(track.next, nullptr)
                                    : std::make_shared<Fetch>(owned, range));
  track.next = nullptr;
  const int64_t stride = before ? range.min_ms - before->range().min_ms : 0;
  if (stride > 0 && range.max_ms <= until_ms_ - stride) {
    track.next = std::make_shared<Fetch>(std::move(owned),
                                         TimeRange{range.min_ms + stride, range.max_ms + stride});
  }
  return {track.last, track.next};
}

Result<std::unique_ptr<SeriesSet>> PrefetchingQuerier::Select(std::span<const Matcher> matchers,
                                                              TimeRange range,
                                                              const SelectHints& hints,
                                                              SymbolTable& overlay) const {
  const auto [wanted, ahead] = Take(matchers, range);
  if (ahead != nullptr) {
    background_.Post([fetch = ahead, &source = source_, stopped = stopped_] {
      if (!*stopped) fetch->Run(source, {.canceled = [stopped] { return stopped->load(); }});
    });
  }
  const bool ran_here = wanted->Run(source_, hints);
  if (!wanted->Await(hints.canceled)) return Canceled("the selection was canceled");
  // What failed in the background, or for another query, is asked for once more.
  if (!wanted->set().ok()) {
    if (ran_here) return wanted->set().error();
    return source_.Select(matchers, range, hints, overlay);
  }
  return std::unique_ptr<SeriesSet>(
      std::make_unique<TranslatedSet>(wanted, **wanted->set(), wanted->symbols(), overlay));
}

}  // namespace tocsin
