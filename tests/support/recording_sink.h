// A store that keeps every sample by the text of its series.
#pragma once

#include <bit>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/storage/appender.h"

namespace tocsin::testing_support {

// Thread safety: all methods may be called from any thread.
class RecordingSink final : public SampleSink {
 public:
  SeriesRef Register(const LabelSet& labels) override {
    const std::lock_guard lock(mutex_);
    const auto [found, added] = refs_.try_emplace(labels, static_cast<SeriesRef>(refs_.size() + 1));
    if (added) labels_.push_back(labels);
    return found->second;
  }
  LabelSet LabelsOf(SeriesRef ref) const override {
    const std::lock_guard lock(mutex_);
    return ref == kNoSeries || ref > labels_.size() ? LabelSet() : labels_[ref - 1];
  }
  bool ViewLabels(SeriesRef ref, std::vector<LabelView>& labels) const override {
    const std::lock_guard lock(mutex_);
    labels.clear();
    if (ref == kNoSeries || ref > labels_.size()) return false;
    for (const auto& [name, value] : labels_[ref - 1]) labels.emplace_back(name, value);
    return true;
  }
  Result<CommitReport> Commit(std::span<const PendingSample> batch) override {
    const std::lock_guard lock(mutex_);
    CommitReport report;
    for (const PendingSample& sample : batch) {
      std::vector<Sample>& samples = samples_[labels_.at(sample.ref - 1).ToString()];
      if (!samples.empty() && samples.back().t_ms == sample.t_ms) {
        ++report.duplicate;
      } else if (!samples.empty() && samples.back().t_ms > sample.t_ms) {
        ++report.out_of_order;
      } else {
        samples.push_back({sample.t_ms, sample.value});
        ++report.stored;
      }
    }
    return report;
  }

  // All samples of up{instance="a", job="b"}.
  std::vector<Sample> samples(const std::string& series) const {
    const std::lock_guard lock(mutex_);
    const auto found = samples_.find(series);
    return found == samples_.end() ? std::vector<Sample>() : found->second;
  }
  // The newest value; a NaN that is not the staleness marker when there is none.
  double Last(const std::string& series) const {
    const std::vector<Sample> all = samples(series);
    return all.empty() ? NormalNan() : all.back().value;
  }
  bool IsStale(const std::string& series) const { return IsStaleNan(Last(series)); }
  std::vector<std::string> series() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, samples] : samples_) names.push_back(name);
    return names;
  }

 private:
  mutable std::mutex mutex_;
  std::map<LabelSet, SeriesRef> refs_;
  std::deque<LabelSet> labels_;  // views of them stay valid
  std::map<std::string, std::vector<Sample>> samples_;
};

}  // namespace tocsin::testing_support
