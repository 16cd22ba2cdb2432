#include "engine/model/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "engine/model/histogram_buckets.h"
#include "engine/model/histogram_quantile.h"

namespace tocsin {
namespace {

using enum CounterResetHint;
constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

FloatHistogram Exponential(int schema, int offset, std::vector<double> buckets) {
  FloatHistogram h;
  h.schema = schema;
  h.positive_spans = {{offset, static_cast<uint32_t>(buckets.size())}};
  h.count = std::accumulate(buckets.begin(), buckets.end(), 0.0);
  h.sum = 2 * h.count;
  h.positive_buckets = std::move(buckets);
  return h;
}

FloatHistogram WithZero(FloatHistogram h, double threshold, double count) {
  h.zero_threshold = threshold;
  h.zero_count = count;
  h.count += count;
  return h;
}

FloatHistogram WithNegative(FloatHistogram h, int offset, std::vector<double> buckets) {
  h.negative_spans = {{offset, static_cast<uint32_t>(buckets.size())}};
  h.count += std::accumulate(buckets.begin(), buckets.end(), 0.0);
  h.negative_buckets = std::move(buckets);
  return h;
}

FloatHistogram Custom(std::vector<double> bounds, std::vector<double> buckets) {
  FloatHistogram h = Exponential(kCustomBucketsSchema, 0, std::move(buckets));
  h.custom_bounds = std::move(bounds);
  return h;
}

FloatHistogram Hinted(FloatHistogram h, CounterResetHint hint) {
  h.reset_hint = hint;
  return h;
}

TEST(HistogramBounds, AreThoseOfEveryPrometheusProgram) {
  const struct {
    int32_t index;
    int32_t schema;
    double bound;
  } kRows[] = {
      {0, 0, 1},
      {1, 0, 2},
      {-3, 0, 0.125},
      {1024, 0, std::numeric_limits<double>::max()},
      {1, -2, 16},
      {64, -4, std::numeric_limits<double>::max()},
      {-1, 1, 0.7071067811865475},
      {1, 1, 1.414213562373095},
      {-3, 2, 0.5946035575013605},
      {3, 2, 1.6817928305074288},
      {-1, 4, 0.9576032806985735},
      {-32 + 13, 5, 0.6626183215798706},
      {-64 + 47, 6, 0.8318382901633681},
      {-128 + 98, 7, 0.8500531768592616},
      {-1, 8, 0.9972960560854698},
      {-256 + 101, 8, 0.6572577939746774},
      {-256 + 203, 8, 0.8663180910111553},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(ExponentialBound(row.index, row.schema), row.bound)
        << "bucket " << row.index << " of schema " << row.schema;
  }
}

TEST(HistogramText, ListsPopulatedBucketsInAscendingOrder) {
  const FloatHistogram h =
      WithNegative(WithZero(Exponential(0, 0, {1, 0, 2.5}), 0.001, 4), 1, {3, 5});
  EXPECT_EQ(h.ToString(),
            "{count:15.5, sum:7, [-4,-2):5, [-2,-1):3, [-0.001,0.001]:4, (0.5,1]:1, (2,4]:2.5}");
  EXPECT_EQ(h.TestExpression(),
            "{{count:15.5 sum:7 z_bucket:4 z_bucket_w:0.001 buckets:[1 0 2.5] n_offset:1 "
            "n_buckets:[3 5]}}");
  EXPECT_EQ(Custom({1, 2.5}, {1, 0, 2}).ToString(), "{count:3, sum:6, [-Inf,1]:1, (2.5,+Inf]:2}");
  EXPECT_EQ(Hinted(Custom({1, 2.5}, {0, 1}), kNotReset).TestExpression(),
            "{{schema:-53 count:1 sum:2 custom_values:[1 2.5] counter_reset_hint:not_reset "
            "offset:1 buckets:[1]}}");
  // Below 0, and with a bucket that the zero bucket reaches into.
  FloatHistogram negative = WithZero(Exponential(0, 0, {3, 1}), 0.75, 2);
  negative.Mul(-1);
  EXPECT_EQ(negative.ToString(), "{count:-6, sum:-8, [-0.75,0.75]:-2, (0.5,1]:-3, (1,2]:-1}");
}

TEST(HistogramArithmetic, ReconcilesLayoutsAndHints) {
  const FloatHistogram plain = Exponential(0, 0, {1, 2, 3});
  const struct {
    const char* what;
    FloatHistogram a;
    FloatHistogram b;
    bool subtract;
    std::string result;
    HistogramMerge merge;
  } kRows[] = {
      {"same layout", plain, plain, false, "{{count:12 sum:24 buckets:[2 4 6]}}", {}},
      {"buckets before, between and after",
       Exponential(0, 2, {1}),
       WithNegative(Exponential(0, -1, {5, 0, 0, 7, 1}), 1, {9}),
       false,
       "{{count:23 sum:28 offset:-1 buckets:[5 0 0 8 1] n_offset:1 n_buckets:[9]}}",
       {}},
      {"finer addend is merged",
       Exponential(0, 0, {1, 1}),
       Exponential(1, 0, {1, 2, 3, 4}),
       false,
       "{{count:12 sum:24 buckets:[2 6 4]}}",
       {}},
      {"finer receiver is merged",
       Exponential(1, 0, {1, 2, 3, 4}),
       Exponential(0, 0, {1, 1}),
       false,
       "{{count:12 sum:24 buckets:[2 6 4]}}",
       {}},
      {"subtraction", plain, Exponential(0, 1, {2, 4}), true, "{{buckets:[1 0 -1]}}", {}},
      {"wider zero bucket swallows what it overlaps",
       WithZero(Exponential(0, 0, {1, 2, 3}), 0.5, 1),
       WithZero(Exponential(0, 2, {7}), 2, 2),
       false,
       "{{count:16 sum:26 z_bucket:6 z_bucket_w:2 offset:2 buckets:[10]}}",
       {}},
      {"zero bucket grows to the end of a cut bucket",
       WithZero(Exponential(0, 0, {1, 2, 3}), 0.5, 1),
       WithZero(Exponential(0, 2, {7}), 1.5, 2),
       false,
       "{{count:16 sum:26 z_bucket:6 z_bucket_w:2 offset:2 buckets:[10]}}",
       {}},
      {"custom bounds of both",
       Custom({1, 2, 4, 8}, {1, 2, 3, 4, 5}),
       Custom({2, 3, 8}, {10, 20, 30, 40}),
       false,
       "{{schema:-53 count:115 sum:230 custom_values:[2 8] buckets:[13 57 45]}}",
       {.bounds_reconciled = true}},
      {"no common custom bound",
       Custom({1}, {1, 2}),
       Custom({2}, {3, 4}),
       true,
       "{{schema:-53 count:-4 sum:-8 custom_values:[] buckets:[-4]}}",
       {.bounds_reconciled = true}},
      {"exponential and custom",
       plain,
       Custom({1}, {1, 2}),
       false,
       "{{count:6 sum:12 buckets:[1 2 3]}}",
       {.compatible = false}},
      {"reset and not reset",
       Hinted(plain, kReset),
       Hinted(plain, kNotReset),
       false,
       "{{count:12 sum:24 buckets:[2 4 6]}}",
       {.reset_collision = true}},
      {"unknown and reset",
       plain,
       Hinted(plain, kReset),
       false,
       "{{count:12 sum:24 buckets:[2 4 6]}}",
       {}},
      {"reset and gauge",
       Hinted(plain, kReset),
       Hinted(plain, kGauge),
       false,
       "{{count:12 sum:24 counter_reset_hint:gauge buckets:[2 4 6]}}",
       {}},
  };
  for (const auto& row : kRows) {
    FloatHistogram result = row.a;
    const HistogramMerge merge = row.subtract ? result.Sub(row.b) : result.Add(row.b);
    EXPECT_EQ(merge.compatible, row.merge.compatible) << row.what;
    EXPECT_EQ(merge.reset_collision, row.merge.reset_collision) << row.what;
    EXPECT_EQ(merge.bounds_reconciled, row.merge.bounds_reconciled) << row.what;
    EXPECT_EQ(result.TestExpression(), row.result) << row.what;

    if (row.subtract) continue;
    HistogramSum compensated(row.a);
    (void)compensated.Add(row.b);
    EXPECT_EQ(compensated.Total().TestExpression(), row.result) << row.what << ", compensated";
  }
}

TEST(HistogramArithmetic, ScalesAndCompacts) {
  FloatHistogram h = WithZero(Exponential(0, 0, {1, 0, 0, 3}), 0.1, 2);
  h.Mul(-2);
  EXPECT_EQ(h.TestExpression(),
            "{{count:-12 sum:-16 z_bucket:-4 z_bucket_w:0.1 counter_reset_hint:gauge "
            "buckets:[-2 0 0 -6]}}");
  h.Compact();
  EXPECT_EQ(h.positive_spans, (std::vector<HistogramSpan>{{0, 1}, {2, 1}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{-2, -6}));
  h.Div(0);
  EXPECT_TRUE(h.positive_buckets.empty());
  EXPECT_EQ(h.count, -kInf);
}

TEST(HistogramArithmetic, CompensationKeepsSmallCounts) {
  HistogramSum sum(Exponential(0, 0, {1e16}));
  for (int i = 0; i < 10; ++i) (void)sum.Add(Exponential(0, 0, {1, 0.5}));
  EXPECT_EQ(sum.Total().positive_buckets, (std::vector<double>{1e16 + 10, 5}));
  EXPECT_EQ(sum.Total().count, 1e16 + 15);
}

TEST(HistogramReset, IsSeenInCountsAndLayout) {
  const FloatHistogram base = WithZero(Exponential(1, 1, {2, 2, 2, 2}), 0.001, 1);
  FloatHistogram fewer_zeros = base;
  fewer_zeros.zero_count = 0;
  FloatHistogram wider = WithZero(Exponential(1, 3, {2, 2}), ExponentialBound(2, 1), 5);
  FloatHistogram cutting = WithZero(Exponential(1, 3, {2, 2}), 1.2, 5);
  const struct {
    const char* what;
    FloatHistogram now;
    FloatHistogram before;
    bool reset;
  } kRows[] = {
      {"same", base, base, false},
      {"grown", WithZero(Exponential(1, 1, {2, 5, 2, 2}), 0.001, 1), base, false},
      {"a bucket fell", WithZero(Exponential(1, 1, {9, 2, 1, 2}), 0.001, 1), base, true},
      {"a populated bucket vanished", WithZero(Exponential(1, 1, {9, 2, 2}), 0.001, 1), base, true},
      {"an empty bucket vanished", Exponential(1, 1, {2}), Exponential(1, 1, {2, 0}), false},
      {"the zero count fell", fewer_zeros, base, true},
      {"the count fell", Exponential(1, 1, {2}), Exponential(1, 1, {3}), true},
      {"coarser", WithZero(Exponential(0, 1, {4, 4}), 0.001, 1), base, false},
      {"coarser, and fell", WithZero(Exponential(0, 1, {3, 9}), 0.001, 1), base, true},
      {"finer", base, WithZero(Exponential(0, 1, {4, 4}), 0.001, 1), true},
      {"wider zero bucket", wider, base, false},
      {"narrower zero bucket", base, wider, true},
      {"zero bucket cuts a populated bucket", cutting, base, true},
      {"the hint says so", Hinted(base, kReset), base, true},
      {"the hint denies it", Hinted(Exponential(1, 1, {0}), kNotReset), base, false},
      {"custom after exponential", Custom({1}, {99}), base, true},
      {"common bounds grew", Custom({2, 4}, {5, 5, 5}), Custom({1, 4}, {1, 2, 3}), false},
      {"a common bound fell", Custom({2, 4}, {1, 1, 9}), Custom({1, 4}, {2, 2, 3}), true},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(row.now.DetectReset(row.before), row.reset) << row.what;
  }
}

TEST(HistogramEquality, IsBitwiseAndBlindToSpanCuts) {
  const FloatHistogram h = Exponential(0, 0, {1, 2, 3});
  FloatHistogram cut = h;
  cut.positive_spans = {{0, 1}, {0, 0}, {0, 2}};
  EXPECT_TRUE(h.Equals(cut));
  FloatHistogram nan = h;
  nan.sum = kNan;
  EXPECT_TRUE(nan.Equals(nan));
  EXPECT_FALSE(nan.Equals(h));
  EXPECT_FALSE(h.Equals(Exponential(0, 1, {1, 2, 3})));
  FloatHistogram zero = h;
  zero.zero_count = -0.0;
  EXPECT_FALSE(h.Equals(zero));
}

TEST(HistogramEstimates, InterpolateWithinBuckets) {
  const FloatHistogram positive = WithZero(Exponential(0, 1, {10, 10}), 0.5, 10);
  FloatHistogram negative = WithNegative(FloatHistogram(), 1, {10, 10});
  const FloatHistogram custom = Custom({0.5, 1, 2}, {1, 1, 2, 4});
  const FloatHistogram below_zero = Custom({-1, 2}, {4, 4});
  const struct {
    const char* what;
    const FloatHistogram& histogram;
    double q;
    double quantile;
    double fraction_below;
  } kRows[] = {
      {"middle of an exponential bucket", positive, 0.5, std::sqrt(2.0), 0.5},
      {"from the top", positive, 5.0 / 6, std::exp2(1.5), 5.0 / 6},
      {"one-sided zero bucket", positive, 1.0 / 6, 0.25, 1.0 / 6},
      {"negative buckets", negative, 0.25, -std::exp2(1.5), 0.25},
      {"custom bucket, linear", custom, 0.375, 1.5, 0.375},
      {"first custom bucket begins at 0", custom, 0.0625, 0.25, 0.0625},
      {"last custom bucket", custom, 0.9, 2, 0.5},
      {"first custom bucket below 0", below_zero, 0.25, -1, 0.5},
  };
  for (const auto& row : kRows) {
    const double quantile = HistogramQuantile(row.q, row.histogram).value;
    EXPECT_NEAR(quantile, row.quantile, 1e-12) << row.what;
    EXPECT_NEAR(HistogramFraction(-kInf, quantile, row.histogram).value, row.fraction_below, 1e-12)
        << row.what;
  }
  EXPECT_EQ(HistogramQuantile(-0.1, custom).value, -kInf);
  EXPECT_EQ(HistogramQuantile(1.1, custom).value, kInf);
  EXPECT_TRUE(std::isnan(HistogramQuantile(kNan, custom).value));
  EXPECT_TRUE(std::isnan(HistogramQuantile(0.5, FloatHistogram()).value));
  EXPECT_EQ(HistogramFraction(2, 1, custom).value, 0);
  EXPECT_TRUE(std::isnan(HistogramFraction(kNan, 1, custom).value));
}

TEST(HistogramEstimates, TellOfNanObservations) {
  using enum HistogramEstimate::Nans;
  FloatHistogram h = Exponential(0, 0, {4, 4});
  h.sum = kNan;
  EXPECT_EQ(HistogramQuantile(0.5, h).nans, kNone);
  h.count = 10;
  EXPECT_EQ(HistogramQuantile(0.5, h).nans, kSkewed);
  EXPECT_EQ(HistogramQuantile(0.9, h).nans, kResultIsNan);
  EXPECT_TRUE(std::isnan(HistogramQuantile(0.9, h).value));
  EXPECT_EQ(HistogramFraction(0, 4, h).nans, kSkewed);
  EXPECT_EQ(HistogramFraction(0, 4, h).value, 0.8);
}

TEST(HistogramEstimates, VarianceTakesTheMiddleOfEachBucket) {
  FloatHistogram h = Custom({0, 2, 4}, {0, 3, 1});
  h.sum = 6;
  EXPECT_DOUBLE_EQ(HistogramVariance(h), (3 * 0.25 + 2.25) / 4);
}

TEST(HistogramTrim, InterpolatesTheBucketThatIsCut) {
  FloatHistogram custom = Custom({5, 10, 15, 20}, {1, 6, 4, 3, 1});
  custom.sum = 172.5;
  EXPECT_EQ(custom.TrimmedAbove(13).TestExpression(),
            "{{schema:-53 count:9.4 sum:75.1 custom_values:[5 10 15 20] buckets:[1 6 2.4]}}");
  EXPECT_EQ(custom.TrimmedAbove(kInf).TestExpression(), custom.TestExpression());
  EXPECT_EQ(custom.TrimmedBelow(-kInf).TestExpression(), custom.TestExpression());
  EXPECT_EQ(custom.TrimmedBelow(kInf).count, 0);
  const FloatHistogram mixed = WithNegative(WithZero(Exponential(0, 0, {2, 4, 8}), 0.1, 4), 0, {6});
  for (const double limit : {-2.0, -0.75, -0.05, 0.0, 0.05, 0.75, 1.0, 1.7, 3.0, 5.0}) {
    EXPECT_NEAR(mixed.TrimmedAbove(limit).count + mixed.TrimmedBelow(limit).count, mixed.count,
                1e-12)
        << limit;
    EXPECT_NEAR(mixed.TrimmedAbove(limit).count / mixed.count,
                HistogramFraction(-kInf, limit, mixed).value, 1e-12)
        << limit;
  }
}

// The naive twin of the layout code: a map from bucket to count.
FloatHistogram RandomHistogram(std::mt19937& random, int schema) {
  std::uniform_int_distribution<int> gap(0, 2);
  std::uniform_int_distribution<int> length(0, 3);
  FloatHistogram h;
  h.schema = schema;
  const auto fill = [&](std::vector<HistogramSpan>& spans, std::vector<double>& counts) {
    for (int i = 0; i < 4; ++i) {
      const auto n = static_cast<uint32_t>(length(random));
      spans.push_back({i == 0 ? gap(random) - 4 : gap(random), n});
      for (uint32_t j = 0; j < n; ++j) counts.push_back(gap(random));
    }
  };
  fill(h.positive_spans, h.positive_buckets);
  fill(h.negative_spans, h.negative_buckets);
  return h;
}

std::vector<double> Dense(const FloatHistogram& h, SideWalk::Side side, int schema) {
  std::vector<double> dense(64);
  SideWalk walk(h, side, SideWalk::Direction::kOutwards);
  while (walk.Next()) {
    const int index = static_cast<int>(
        std::ceil(static_cast<double>(walk.bucket().index) / (1 << (h.schema - schema))));
    dense[static_cast<size_t>(32 + index)] += walk.bucket().count;
  }
  return dense;
}

TEST(HistogramArithmetic, AgreesWithDenseArraysOnRandomLayouts) {
  std::mt19937 random(20240607);
  for (int round = 0; round < 2000; ++round) {
    const int schema_a = static_cast<int>(random() % 3);
    const int schema_b = static_cast<int>(random() % 3);
    const int schema = std::min(schema_a, schema_b);
    const FloatHistogram a = RandomHistogram(random, schema_a);
    const FloatHistogram b = RandomHistogram(random, schema_b);
    FloatHistogram sum = a;
    ASSERT_TRUE(sum.Add(b).compatible);
    if (round % 2 == 0) sum.Compact();
    for (const auto side : {SideWalk::Side::kPositive, SideWalk::Side::kNegative}) {
      std::vector<double> expected = Dense(a, side, schema);
      const std::vector<double> addend = Dense(b, side, schema);
      for (size_t i = 0; i < expected.size(); ++i) expected[i] += addend[i];
      ASSERT_EQ(Dense(sum, side, schema), expected) << "round " << round;
      std::vector<int32_t> outwards;
      std::vector<int32_t> inwards;
      for (SideWalk w(sum, side, SideWalk::Direction::kOutwards); w.Next();) {
        outwards.push_back(w.bucket().index);
      }
      for (SideWalk w(sum, side, SideWalk::Direction::kInwards); w.Next();) {
        inwards.insert(inwards.begin(), w.bucket().index);
      }
      ASSERT_EQ(outwards, inwards) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace tocsin
