#include "delivery/load/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace tocsin::delivery {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(LatencyHistogramTest, AnEmptyOneIsAllZero) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.Quantile(0.5), nanoseconds(0));
  EXPECT_EQ(histogram.Mean(), nanoseconds(0));
  EXPECT_EQ(histogram.Min(), nanoseconds(0));
}

TEST(LatencyHistogramTest, SmallOnesAreExactToTheMicrosecond) {
  LatencyHistogram histogram;
  for (int us = 1; us <= 100; ++us) histogram.Record(microseconds(us));
  EXPECT_EQ(histogram.Quantile(0.5), microseconds(50));
  EXPECT_EQ(histogram.Quantile(0.99), microseconds(99));
  EXPECT_EQ(histogram.Quantile(1), microseconds(100));
  EXPECT_EQ(histogram.Quantile(0), microseconds(1));
  EXPECT_EQ(histogram.Mean(), nanoseconds(50500));
}

TEST(LatencyHistogramTest, WhatIsLongerThanAnHourCountsAsAnHourButTheMaximumStays) {
  LatencyHistogram histogram;
  histogram.Record(hours(5));
  histogram.Record(milliseconds(-3));
  EXPECT_EQ(histogram.Max(), hours(5));
  EXPECT_EQ(histogram.Min(), nanoseconds(0));
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_GE(histogram.Quantile(1), hours(1));
}

// The naive twin: all values, sorted.
TEST(LatencyHistogramTest, QuantilesAreThoseOfTheSortedValuesWithinAThousandth) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> shape(std::log(20e6), 2.0);
  std::vector<int64_t> values;
  LatencyHistogram whole;
  LatencyHistogram halves[2];
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(std::min(static_cast<int64_t>(shape(random)), int64_t{3'500'000'000'000}));
    whole.Record(nanoseconds(values.back()));
    halves[i % 2].Record(nanoseconds(values.back()));
  }
  std::ranges::sort(values);
  halves[0].Merge(halves[1]);
  for (const double quantile : {0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(quantile * 20'000)) - 1;
    const auto exact = static_cast<double>(values[rank]);
    EXPECT_NEAR(static_cast<double>(whole.Quantile(quantile).count()), exact, exact / 1000 + 1000)
        << quantile;
    EXPECT_EQ(whole.Quantile(quantile), halves[0].Quantile(quantile)) << quantile;
  }
  EXPECT_EQ(whole.Max().count(), values.back());
  EXPECT_EQ(halves[0].count(), 20'000U);
}

}  // namespace
}  // namespace tocsin::delivery
