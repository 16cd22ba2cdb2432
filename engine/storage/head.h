// The embedded store: every series of the last `retention`, in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "engine/storage/appender.h"
#include "engine/storage/querier.h"

namespace tocsin {

struct HeadOptions {
  // Samples older than this are refused, and dropped by Maintain in whole chunks. 0: keep all.
  Duration retention = std::chrono::hours(24) * 15;
  // Samples further in the future than this are refused. 0: any time is taken.
  Duration max_future = std::chrono::minutes(10);
  // 0: no limit.
  size_t max_series = 0;
};

struct HeadStats {
  size_t series = 0;
  size_t samples = 0;  // held now
  size_t chunks = 0;   // open ones included
  size_t bytes = 0;    // of samples, labels and indexes, estimated
  size_t symbols = 0;
  int64_t min_ms = 0;  // 0 when there are no samples
  int64_t max_ms = 0;
  uint64_t series_created = 0;  // since the start
  uint64_t series_removed = 0;
  uint64_t samples_appended = 0;
  uint64_t out_of_order = 0;
  uint64_t duplicate = 0;
  uint64_t out_of_bounds = 0;
  uint64_t over_limit = 0;
};

// Thread safety: all methods may be called from any thread. A commit is atomic for readers: a
// selection sees all of a batch or nothing.
//
// A series has samples within a range when one of its chunks overlaps it; where the samples stand
// in the chunk is seen when it is read. What Select returns must be destroyed before the head is.
class Head final : public SampleSink, public Querier {
 public:
  Head(HeadOptions options, const Clock& clock);
  ~Head() override;
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;

  SeriesRef Register(const LabelSet& labels) override;
  LabelSet LabelsOf(SeriesRef ref) const override;
  bool ViewLabels(SeriesRef ref, std::vector<LabelView>& labels) const override;
  Result<CommitReport> Commit(std::span<const PendingSample> batch) override;

  const SymbolTable& symbols() const override;
  Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers, TimeRange range,
                                            const SelectHints& hints,
                                            SymbolTable& overlay) const override;
  uint64_t series_generation() const override;
  Result<std::vector<std::string>> LabelNames(Selectors selectors, TimeRange range) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name, Selectors selectors,
                                               TimeRange range) const override;
  Result<std::vector<LabelSet>> Series(Selectors selectors, TimeRange range) const override;

  // Drops chunks that ended before now - retention, then series that have none left. To be called
  // every minute or so.
  void Maintain(Timestamp now);

  HeadStats Stats() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace tocsin
