// The series that one rule writes, from evaluation to evaluation.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/storage/appender.h"
#include "rules/rule_sample.h"

namespace tocsin {

// Invariant: holds exactly the series that were written last time, so that those which do not come
// again can be marked as ended.
//
// Not thread-safe.
class RuleSeriesWriter {
 public:
  // `sink` must outlive the writer.
  explicit RuleSeriesWriter(SampleSink& sink) : sink_(&sink) {}

  // Stores the samples, and staleness markers for the series that were there last time. An error
  // says which samples were refused; the others are stored.
  Status Write(const RuleSamples& samples, int64_t t_ms);
  // Ends all series. That one has newer samples already, of another rule, is no error.
  Status MarkAllStale(int64_t t_ms);
  // Takes the series of `other` too.
  void Adopt(RuleSeriesWriter other);

  size_t size() const { return series_.size(); }

 private:
  struct Written {
    SeriesRef ref = kNoSeries;
    uint64_t round = 0;
  };
  struct ByHash {
    size_t operator()(const LabelSet& labels) const { return labels.Hash(); }
  };
  using SeriesMap = std::unordered_map<LabelSet, Written, ByHash>;

  Result<CommitReport> Commit(std::vector<PendingSample> batch);
  Status MarkVanishedStale(int64_t t_ms);

  SampleSink* sink_;
  uint64_t round_ = 0;
  SeriesMap series_;
};

}  // namespace tocsin
