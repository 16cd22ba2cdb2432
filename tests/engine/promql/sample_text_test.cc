#include "engine/promql/sample_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "base/go_float.h"

namespace tocsin::promql {
namespace {

TEST(SampleText, Times) {
  EXPECT_EQ(TimestampText(0), "0");
  EXPECT_EQ(TimestampText(1435781451781), "1435781451.781");
  EXPECT_EQ(TimestampText(1435781451500), "1435781451.500");
  EXPECT_EQ(TimestampText(-1005), "-1.005");
  EXPECT_EQ(TimestampText(std::numeric_limits<int64_t>::min()), "-9223372036854775.808");
}

TEST(SampleText, ValuesThatPeopleWrite) {
  const struct {
    double value;
    const char* text;
  } kRows[] = {
      {0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {-0.001, "-0.001"},
      {1e-5, "0.00001"},
      {1e-6, "0.000001"},
      {1e-7, "1e-07"},
      {123456.789, "123456.789"},
      {999999999999999, "999999999999999"},
      {999999999999999.9, "999999999999999.9"},
      {1e15, "1000000000000000"},
      {1e21, "1e+21"},
      {1.0 / 3, "0.3333333333333333"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::numeric_limits<double>::denorm_min(), "5e-324"},
  };
  for (const auto& row : kRows) EXPECT_EQ(SampleValueText(row.value), row.text);
}

// The fast way and the plain one.
TEST(SampleText, RandomValuesAreWhatGoWrites) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int> exponent(-9, 24);
  std::uniform_real_distribution<double> digits(-10, 10);
  for (int i = 0; i < 200'000; ++i) {
    double value = digits(random) * std::pow(10, exponent(random));
    if (i % 4 == 0) value = std::round(value);
    if (i % 4 == 1) value = std::bit_cast<double>(random());
    ASSERT_EQ(SampleValueText(value), FormatJsonSample(value));
  }
}

}  // namespace
}  // namespace tocsin::promql
