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
  const Head& head() const { return *head_; }

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
