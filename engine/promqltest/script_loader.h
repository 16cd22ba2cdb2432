// The store behind a test script.
#pragma once

#include <map>
#include <memory>

#include "base/clock.h"
#include "engine/promqltest/script.h"
#include "engine/storage/head.h"

namespace tocsin::promqltest {

// Not thread-safe.
class ScriptStore {
 public:
  explicit ScriptStore(const Clock& clock);
  void Clear();
  Status Load(const LoadCommand& load);
  // The samples of one series, the first at `start_ms`, for a caller who stores them bit by bit.
  std::vector<PendingSample> Prepare(const LoadedSeries& loaded, int64_t step_ms,
                                     int64_t start_ms = 0);
  const Head& head() const { return *head_; }
  // The same through its two doors.
  const Querier& querier() const { return *head_; }
  SampleSink& sink() { return *head_; }

 private:
  Status Append(const LoadedSeries& loaded, int64_t step_ms);
  // Counter histograms read back as Prometheus' store gives them: the first, and the first after a
  // reset, has no hint; the others say that they are no reset.
  HistogramPtr WithStoredHint(const LabelSet& labels, const HistogramPtr& histogram);

  const Clock& clock_;
  std::unique_ptr<Head> head_;
  std::map<LabelSet, HistogramPtr> newest_;  // null after a float
};

}  // namespace tocsin::promqltest
