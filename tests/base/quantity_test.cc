#include "base/quantity.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(QuantityTest, RatiosArePercentagesOrNumbers) {
  struct Row {
    std::string_view text;
    double ratio;
  };
  constexpr Row kRows[] = {{"100%", 1}, {"5%", 0.05},     {"0.01", 0.01},
                           {"0%", 0},   {"99.9%", 0.999}, {"1", 1}};
  for (const Row& row : kRows) {
    const Result<double> ratio = ParseRatio(row.text);
    ASSERT_TRUE(ratio.ok()) << row.text;
    EXPECT_DOUBLE_EQ(*ratio, row.ratio) << row.text;
  }
  for (const char* wrong : {"", "%", "five", "-1%", "NaN", "Inf", "5 %%"}) {
    EXPECT_FALSE(ParseRatio(wrong).ok()) << wrong;
  }
}

TEST(QuantityTest, SizesKnowTheirUnits) {
  struct Row {
    std::string_view text;
    double bytes;
  };
  constexpr Row kRows[] = {{"1GB", 1e9},
                           {"1GiB", 1073741824},
                           {"1.5MB", 1.5e6},
                           {"512", 512},
                           {"64KiB", 65536},
                           {"10kB", 1e4},
                           {"2TiB", 2.0 * 1024 * 1024 * 1024 * 1024},
                           {"7B", 7}};
  for (const Row& row : kRows) {
    const Result<double> bytes = ParseSize(row.text);
    ASSERT_TRUE(bytes.ok()) << row.text;
    EXPECT_DOUBLE_EQ(*bytes, row.bytes) << row.text;
  }
  for (const char* wrong : {"", "GB", "1XB", "-1GB", "1 GB B", "big"}) {
    EXPECT_FALSE(ParseSize(wrong).ok()) << wrong;
  }
}

TEST(QuantityTest, SpansAreDurationsAlsoWithAFraction) {
  struct Row {
    std::string_view text;
    int64_t ms;
  };
  constexpr Row kRows[] = {{"60s", 60000}, {"1000ms", 1000}, {"1m30s", 90000},
                           {"1.5s", 1500}, {"0.25s", 250},   {"0s", 0}};
  for (const Row& row : kRows) {
    const Result<Duration> span = ParseSpan(row.text);
    ASSERT_TRUE(span.ok()) << row.text;
    EXPECT_EQ(span->count(), row.ms) << row.text;
  }
  for (const char* wrong : {"", "soon", "-5s", "5", "1.5"}) {
    EXPECT_FALSE(ParseSpan(wrong).ok()) << wrong;
  }
}

TEST(QuantityTest, PeopleReadThemWithFourDigits) {
  EXPECT_EQ(FormatRatio(0.05), "5%");
  EXPECT_EQ(FormatRatio(0.99987), "99.99%");
  EXPECT_EQ(FormatSize(1e9), "1GB");
  EXPECT_EQ(FormatSize(1073741824), "1.074GB");
  EXPECT_EQ(FormatSize(12), "12B");
  EXPECT_EQ(FormatSpan(0.0004567), "456.7us");
  EXPECT_EQ(FormatSpan(0.25), "250ms");
  EXPECT_EQ(FormatSpan(1.5), "1.5s");
  EXPECT_EQ(FormatSpan(0), "0s");
  EXPECT_EQ(FormatSpan(150), "2m30s");
}

}  // namespace
}  // namespace tocsin
