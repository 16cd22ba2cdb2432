// The values of a series in the result of a query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/model/sample.h"

namespace tocsin::promql {

// One value of a result.
struct Point {
  int64_t t_ms = 0;
  double value = 0;
  HistogramPtr histogram;
};

// By time, as columns: a float takes eight bytes, because the series of a result nearly always have
// their values at the same times and share those.
//
// Thread safety: as a vector.
class Points {
 public:
  using Times = std::shared_ptr<const std::vector<int64_t>>;

  Points() = default;
  Points(std::initializer_list<Point> points) {
    auto times = std::make_shared<std::vector<int64_t>>();
    for (const Point& point : points) times->push_back(point.t_ms);
    times_ = std::move(times);
    for (const Point& point : points) {
      values_.push_back(point.value);
      histograms_.push_back(point.histogram);
    }
  }
  // One value for each time; the histograms likewise, or none at all.
  Points(Times times, std::vector<double> values, std::vector<HistogramPtr> histograms = {})
      : times_(std::move(times)), values_(std::move(values)), histograms_(std::move(histograms)) {}

  size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  Point operator[](size_t i) const {
    return {(*times_)[i], values_[i], has_histograms() ? histograms_[i] : nullptr};
  }

  // Null only where there are no points.
  const Times& times() const { return times_; }
  std::span<const double> values() const { return values_; }
  // Whether any of them may be a histogram.
  bool has_histograms() const { return !histograms_.empty(); }

  class Iterator {
   public:
    Iterator(const Points& points, size_t i) : points_(&points), i_(i) {}
    Point operator*() const { return (*points_)[i_]; }
    Iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return i_ == other.i_; }

   private:
    const Points* points_;
    size_t i_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

 private:
  Times times_;
  std::vector<double> values_;
  std::vector<HistogramPtr> histograms_;  // empty while all are floats
};

}  // namespace tocsin::promql
