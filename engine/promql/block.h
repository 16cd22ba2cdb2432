// Block: the value of an expression at all steps of a query, n series × s steps.
//
// An instant query has one step, so rules and range queries share every kernel. Values are stored
// series by series; a bitmap says at which steps a series has a value. A scalar is a block with
// one series without labels that is present everywhere.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/model/labels.h"
#include "engine/model/sample.h"

namespace tocsin::promql {

// The evaluation times: start + i·step for i in [0, count).
struct Steps {
  int64_t start_ms = 0;
  int64_t step_ms = 0;
  size_t count = 1;
  int64_t At(size_t i) const { return start_ms + static_cast<int64_t>(i) * step_ms; }
  int64_t end_ms() const { return At(count - 1); }
};

class Block {
 public:
  Block() = default;
  explicit Block(size_t steps) : steps_(steps), words_((steps + 63) / 64) {}

  size_t steps() const { return steps_; }
  size_t series() const { return labels_.size(); }

  // Adds a series without values and returns its index.
  size_t AddSeries(Labels labels, bool drop_name = false) {
    labels_.push_back(std::move(labels));
    drop_name_.push_back(drop_name ? 1 : 0);
    values_.resize(values_.size() + steps_);
    present_.resize(present_.size() + words_);
    if (!histograms_.empty()) histograms_.resize(values_.size());
    return labels_.size() - 1;
  }

  const Labels& labels(size_t series) const { return labels_[series]; }
  Labels& labels(size_t series) { return labels_[series]; }
  // Delayed name removal: the metric name goes when the query is done.
  bool drop_name(size_t series) const { return drop_name_[series] != 0; }
  void set_drop_name(size_t series, bool drop) { drop_name_[series] = drop ? 1 : 0; }

  bool Has(size_t series, size_t step) const {
    return (present_[series * words_ + step / 64] >> (step % 64)) & 1;
  }
  double Value(size_t series, size_t step) const { return values_[series * steps_ + step]; }
  // Null for a float.
  const HistogramPtr& Histogram(size_t series, size_t step) const {
    static const HistogramPtr kNone;
    return histograms_.empty() ? kNone : histograms_[series * steps_ + step];
  }
  bool has_histograms() const { return !histograms_.empty(); }

  void Set(size_t series, size_t step, double value) {
    values_[series * steps_ + step] = value;
    present_[series * words_ + step / 64] |= uint64_t{1} << (step % 64);
  }
  void Set(size_t series, size_t step, HistogramPtr histogram) {
    if (histograms_.empty()) histograms_.resize(values_.size());
    histograms_[series * steps_ + step] = std::move(histogram);
    Set(series, step, NormalNan());
  }
  void Clear(size_t series, size_t step) {
    present_[series * words_ + step / 64] &= ~(uint64_t{1} << (step % 64));
    if (!histograms_.empty()) histograms_[series * steps_ + step].reset();
  }

  // Row access for kernels. Values at absent steps are unspecified.
  std::span<double> Row(size_t series) { return {values_.data() + series * steps_, steps_}; }
  std::span<const double> Row(size_t series) const {
    return {values_.data() + series * steps_, steps_};
  }
  std::span<uint64_t> Presence(size_t series) { return {present_.data() + series * words_, words_}; }
  std::span<const uint64_t> Presence(size_t series) const {
    return {present_.data() + series * words_, words_};
  }
  size_t CountPresent(size_t series) const {
    size_t n = 0;
    for (const uint64_t word : Presence(series)) n += static_cast<size_t>(std::popcount(word));
    return n;
  }

 private:
  size_t steps_ = 0;
  size_t words_ = 0;
  std::vector<Labels> labels_;
  std::vector<uint8_t> drop_name_;
  std::vector<double> values_;
  std::vector<uint64_t> present_;
  std::vector<HistogramPtr> histograms_;  // empty while all values are floats
};

}  // namespace tocsin::promql
