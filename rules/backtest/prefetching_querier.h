// Reads ahead in a history that is far away: while one span of time is evaluated, the next one is
// on its way.
//
// A backtest asks for the same selectors again and again, each time for a later range of the same
// length:
//
//   up [0h … 4h]   up [4h … 8h]   up [8h … 12h]   …
//
// From the second time on the range that will follow is fetched in the background. What was fetched
// last for a selector is kept, so that another rule with the same selector asks for nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/thread_annotations.h"
#include "engine/storage/querier.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread.
class PrefetchingQuerier final : public Querier {
 public:
  // Nothing after `until_ms` is fetched ahead. Both outlive the querier, and `source` also the
  // tasks that are left on `background`, which end soon.
  PrefetchingQuerier(const Querier& source, Executor& background, int64_t until_ms);
  ~PrefetchingQuerier() override;

  const SymbolTable& symbols() const override { return source_.symbols(); }
  Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers, TimeRange range,
                                            const SelectHints& hints,
                                            SymbolTable& overlay) const override;
  Result<std::vector<std::string>> LabelNames(Selectors selectors, TimeRange range) const override {
    return source_.LabelNames(selectors, range);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name, Selectors selectors,
                                               TimeRange range) const override {
    return source_.LabelValues(name, selectors, range);
  }
  Result<std::vector<LabelSet>> Series(Selectors selectors, TimeRange range) const override {
    return source_.Series(selectors, range);
  }

 private:
  class Fetch;
  // By the selector's text and the length of its range.
  using Key = std::pair<std::string, int64_t>;
  struct Track {
    std::shared_ptr<Fetch> last;
    std::shared_ptr<Fetch> next;
  };

  // What is to be answered with, and what is to be fetched ahead, if anything is.
  std::pair<std::shared_ptr<Fetch>, std::shared_ptr<Fetch>> Take(std::span<const Matcher> matchers,
                                                                 TimeRange range) const;

  const Querier& source_;
  Executor& background_;
  const int64_t until_ms_;
  const std::shared_ptr<std::atomic<bool>> stopped_ = std::make_shared<std::atomic<bool>>(false);
  mutable Mutex mutex_;
  mutable std::map<Key, Track> tracks_ GUARDED_BY(mutex_);
};

}  // namespace tocsin
