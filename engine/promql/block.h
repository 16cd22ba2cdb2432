// Block: the value of an expression at all steps of a query, n series × s steps.
//
// An instant query has one step, so rules and range queries share every kernel. Values are stored
// series by series; a bitmap says at which steps a series has a value. A scalar is a block with
// one series without labels that is present everywhere. A series may have no value at all: it is
// as if it were not there, and the result of a query leaves it out.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
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
  friend bool operator==(const Steps&, const Steps&) = default;
};

// The label sets of a block's rows. Immutable once blocks share it: blocks made from the same
// series carry the same list, and what was computed for a list (groups, matches, labels without
// the name) holds wherever that list, told by its address, comes again.
using SeriesList = std::vector<Labels>;
using SeriesListPtr = std::shared_ptr<const SeriesList>;

// For numbers that are written before they are read: a vector of them is not filled with zeros,
// which for a large block takes as long as computing it, and on one thread. Builds with assertions
// fill it with a number that no test expects.
template <typename Number>
struct Unfilled : std::allocator<Number> {
  template <typename Other>
  struct rebind {
    using other = Unfilled<Other>;
  };
  void construct([[maybe_unused]] Number* number) {
#ifndef NDEBUG
    *number = Number{-123456789};
#endif
  }
  template <typename... Arguments>
  void construct(Number* number, Arguments&&... arguments) {
    ::new (static_cast<void*>(number)) Number(std::forward<Arguments>(arguments)...);
  }
};

class Block {
 public:
  Block() : Block(0) {}
  explicit Block(size_t steps) : steps_(steps), words_((steps + 63) / 64) {}
  // Rows labelled as in `list`, all without values.
  Block(SeriesListPtr list, size_t steps)
      : steps_(steps),
        words_((steps + 63) / 64),
        list_(std::move(list)),
        drop_name_(list_->size()),
        values_(list_->size() * steps_),
        present_(list_->size() * words_) {}

  // Rows without labels and values, to be written, read and cleared again.
  static Block Unlabelled(size_t rows, size_t steps) {
    Block block(steps);
    block.drop_name_.resize(rows);
    block.values_.resize(rows * steps);
    block.present_.resize(rows * block.words_);
    return block;
  }
  void ClearValues() {
    std::fill(present_.begin(), present_.end(), 0);
    histograms_.clear();
  }

  // What the values of so many rows take.
  static size_t BytesFor(size_t series, size_t steps) {
    return series * (steps * sizeof(double) + (steps + 63) / 64 * sizeof(uint64_t));
  }
  size_t Bytes() const {
    return BytesFor(series(), steps_) + histograms_.size() * sizeof(HistogramPtr);
  }

  size_t steps() const { return steps_; }
  size_t series() const { return drop_name_.size(); }

  // Adds a series without values and returns its index.
  size_t AddSeries(Labels labels, bool drop_name = false) {
    Own().push_back(std::move(labels));
    drop_name_.push_back(drop_name ? 1 : 0);
    values_.resize(values_.size() + steps_);
    present_.resize(present_.size() + words_);
    if (!histograms_.empty()) histograms_.resize(values_.size());
    return drop_name_.size() - 1;
  }

  const Labels& labels(size_t series) const { return (*list_)[series]; }
  void SetLabels(size_t series, Labels labels) { Own()[series] = std::move(labels); }
  // Null only for a block that never had a series.
  const SeriesListPtr& list() const { return list_; }
  // Another list of the same length.
  void SetList(SeriesListPtr list) {
    list_ = std::move(list);
    owned_.reset();
  }
  // Delayed name removal: the metric name goes when the query is done.
  bool drop_name(size_t series) const { return drop_name_[series] != 0; }
  void set_drop_name(size_t series, bool drop) { drop_name_[series] = drop ? 1 : 0; }
  void DropAllNames() { drop_name_.assign(drop_name_.size(), 1); }

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

  // A float; takes the place of a histogram.
  void Set(size_t series, size_t step, double value) {
    values_[series * steps_ + step] = value;
    present_[series * words_ + step / 64] |= uint64_t{1} << (step % 64);
    if (!histograms_.empty()) histograms_[series * steps_ + step].reset();
  }
  void Set(size_t series, size_t step, HistogramPtr histogram) {
    if (histograms_.empty()) histograms_.resize(values_.size());
    values_[series * steps_ + step] = NormalNan();
    present_[series * words_ + step / 64] |= uint64_t{1} << (step % 64);
    histograms_[series * steps_ + step] = std::move(histogram);
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
  std::span<uint64_t> Presence(size_t series) {
    return {present_.data() + series * words_, words_};
  }
  std::span<const uint64_t> Presence(size_t series) const {
    return {present_.data() + series * words_, words_};
  }
  size_t CountPresent(size_t series) const {
    size_t n = 0;
    for (const uint64_t word : Presence(series)) n += static_cast<size_t>(std::popcount(word));
    return n;
  }
  bool AnyPresent(size_t series) const {
    for (const uint64_t word : Presence(series)) {
      if (word != 0) return true;
    }
    return false;
  }

 private:
  SeriesList& Own() {
    // Two holders are this block itself; a third one must not see changes.
    if (owned_ == nullptr || owned_.use_count() > 2) {
      owned_ =
          list_ == nullptr ? std::make_shared<SeriesList>() : std::make_shared<SeriesList>(*list_);
      list_ = owned_;
    }
    return *owned_;
  }

  size_t steps_ = 0;
  size_t words_ = 0;
  SeriesListPtr list_;
  // The same list while this block alone may change it.
  std::shared_ptr<SeriesList> owned_;
  std::vector<uint8_t> drop_name_;
  std::vector<double, Unfilled<double>> values_;
  std::vector<uint64_t> present_;
  std::vector<HistogramPtr> histograms_;  // empty while all values are floats
};

}  // namespace tocsin::promql
