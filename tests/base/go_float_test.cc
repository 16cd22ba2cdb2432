#include "base/go_float.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tocsin {
namespace {

struct Case {
  double value;
  const char* v;
  const char* json;
};

class GoFloat : public testing::TestWithParam<Case> {};

TEST_P(GoFloat, PrintsAsGoDoes) {
  EXPECT_EQ(FormatGoV(GetParam().value), GetParam().v);
  EXPECT_EQ(FormatJsonSample(GetParam().value), GetParam().json);
}

constexpr double kInf = std::numeric_limits<double>::infinity();
INSTANTIATE_TEST_SUITE_P(
    Table, GoFloat,
    testing::Values(Case{0, "0", "0"}, Case{-0.0, "-0", "-0"}, Case{1, "1", "1"},
                    Case{100000, "100000", "100000"}, Case{1e6, "1e+06", "1000000"},
                    Case{1234567, "1.234567e+06", "1234567"}, Case{0.0001, "0.0001", "0.0001"},
                    Case{0.000012345, "1.2345e-05", "0.000012345"}, Case{1e-7, "1e-07", "1e-07"},
                    Case{1e21, "1e+21", "1e+21"},
                    Case{123456789012345680000.0, "1.2345678901234568e+20",
                         "123456789012345680000"},
                    Case{-3.14159265358979, "-3.14159265358979", "-3.14159265358979"},
                    Case{kInf, "+Inf", "+Inf"}, Case{-kInf, "-Inf", "-Inf"},
                    Case{std::nan(""), "NaN", "NaN"}, Case{5e-324, "5e-324", "5e-324"},
                    Case{0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"}));

TEST(ParseGoFloat, TakesWhatGoTakes) {
  EXPECT_EQ(ParseGoFloat("1e3"), 1000);
  EXPECT_EQ(ParseGoFloat("+.5"), 0.5);
  EXPECT_EQ(ParseGoFloat("0x1p-2"), 0.25);
  EXPECT_EQ(ParseGoFloat("-Inf"), -kInf);
  EXPECT_EQ(ParseGoFloat("1e999"), kInf);
  EXPECT_TRUE(std::isnan(*ParseGoFloat("NaN")));
}

TEST(ParseGoFloat, RefusesTheRest) {
  for (const char* text : {"", "+", "1x", "one", " 1", "1 ", "0x", "--1", "+-1", "0x1"}) {
    EXPECT_EQ(ParseGoFloat(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tocsin
