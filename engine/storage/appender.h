// How samples get into storage. Collectors, rules and remote write fill a batch and commit it:
// one virtual call, one lock, for the whole batch.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/model/sample.h"
#include "engine/model/series_ref.h"

namespace tocsin {

// A label's name and value.
using LabelView = std::pair<std::string_view, std::string_view>;

struct PendingSample {
  SeriesRef ref = kNoSeries;
  int64_t t_ms = 0;
  double value = 0;
  HistogramPtr histogram;  // instead of the value when not null
  int64_t start_ms = 0;    // start timestamp, 0 when unknown
};

// What became of a batch. Refused samples change nothing; the others are stored.
struct CommitReport {
  size_t stored = 0;
  size_t out_of_order = 0;   // older than the newest sample of the series
  size_t duplicate = 0;      // same time, other value
  size_t out_of_bounds = 0;  // too old or too far in the future
  size_t over_limit = 0;     // the series limit is reached
  // Series that retention has removed since the ref was handed out: register them again.
  std::vector<SeriesRef> gone;
};

// Thread safety: all methods may be called from any thread.
class SampleSink {
 public:
  virtual ~SampleSink() = default;
  // The series with these labels, made if there is none; kNoSeries when the series limit is
  // reached.
  virtual SeriesRef Register(const LabelSet& labels) = 0;
  // The labels a series was registered with; none when retention has removed it.
  virtual LabelSet LabelsOf(SeriesRef ref) const = 0;
  // The same without a copy of the texts: replaces `labels` by the names and values, sorted by
  // name, which live as long as the sink. False when retention has removed the series.
  virtual bool ViewLabels(SeriesRef ref, std::vector<LabelView>& labels) const = 0;
  // A failure stores nothing.
  virtual Result<CommitReport> Commit(std::span<const PendingSample> batch) = 0;
};

// One batch. Not thread-safe; cheap to reuse: Commit keeps the memory.
class Appender {
 public:
  explicit Appender(SampleSink& sink) : sink_(sink) {}

  SeriesRef Register(const LabelSet& labels) { return sink_.Register(labels); }
  void Append(SeriesRef ref, int64_t t_ms, double value) {
    batch_.push_back({.ref = ref, .t_ms = t_ms, .value = value, .histogram = nullptr});
  }
  void Append(const LabelSet& labels, int64_t t_ms, double value) {
    Append(Register(labels), t_ms, value);
  }
  void Append(PendingSample sample) { batch_.push_back(std::move(sample)); }
  size_t pending() const { return batch_.size(); }
  void Discard() { batch_.clear(); }
  Result<CommitReport> Commit() {
    Result<CommitReport> report = sink_.Commit(batch_);
    batch_.clear();
    return report;
  }

 private:
  SampleSink& sink_;
  std::vector<PendingSample> batch_;
};

}  // namespace tocsin
