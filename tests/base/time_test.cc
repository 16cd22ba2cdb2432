#include "base/time.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(PrometheusDuration, ReadsAndPrints) {
  const struct {
    const char* text;
    int64_t ms;
    const char* printed;
  } cases[] = {
      {"0", 0, "0s"},
      {"0s", 0, "0s"},
      {"15s", 15'000, "15s"},
      {"1h30m", 5'400'000, "1h30m"},
      {"90m", 5'400'000, "1h30m"},
      {"250ms", 250, "250ms"},
      {"1d", 86'400'000, "1d"},
      {"7d", 604'800'000, "1w"},
      {"365d", 31'536'000'000, "1y"},
      {"36h", 129'600'000, "36h"},
      {"1w1d", 691'200'000, "8d"},
      {"1s1ms", 1001, "1s1ms"},
      {"4w", 2'419'200'000, "4w"},
  };
  for (const auto& c : cases) {
    const auto parsed = ParsePrometheusDuration(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text;
    EXPECT_EQ(parsed->count(), c.ms) << c.text;
    EXPECT_EQ(FormatPrometheusDuration(*parsed), c.printed) << c.text;
  }
}

TEST(PrometheusDuration, RefusesWhatPrometheusRefuses) {
  for (const char* text : {"", "1", "s", "1x", "1s1h", "1m1m", "-1s", "1.5s", "1 s", "99999999999y",
                           "292y1000w", "s1"}) {
    EXPECT_FALSE(ParsePrometheusDuration(text).ok()) << text;
  }
}

TEST(Rfc3339, RoundTrips) {
  EXPECT_EQ(FormatRfc3339(FromMs(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(FromMs(1795440449730)), "2026-11-23T13:27:29.730Z");
  EXPECT_EQ(FormatRfc3339(FromMs(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(ToMs(*ParseRfc3339("2026-11-23T13:27:29.730Z")), 1795440449730);
}

TEST(Rfc3339, TakesOffsetsAndFractions) {
  EXPECT_EQ(ToMs(*ParseRfc3339("1970-01-01T01:00:00+01:00")), 0);
  EXPECT_EQ(ToMs(*ParseRfc3339("1969-12-31T22:30:00-01:30")), 0);
  EXPECT_EQ(ToMs(*ParseRfc3339("1970-01-01T00:00:00.123456789Z")), 123);
  EXPECT_EQ(ToMs(*ParseRfc3339("1970-01-01t00:00:01z")), 1000);
}

TEST(Rfc3339, RefusesTheRest) {
  for (const char* text : {"", "1970", "1970-01-01", "1970-13-01T00:00:00Z", "1970-02-30T00:00:00Z",
                           "1970-01-01T24:00:00Z", "1970-01-01T00:00:00", "1970-01-01T00:00:00.Z",
                           "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+1:00"}) {
    EXPECT_FALSE(ParseRfc3339(text).ok()) << text;
  }
}

TEST(FromSeconds, RoundsAndSaturates) {
  EXPECT_EQ(FromSeconds(1.2345).count(), 1235);
  EXPECT_EQ(FromSeconds(-0.0004).count(), 0);
  EXPECT_GT(FromSeconds(1e300).count(), 1'000'000'000'000);
  EXPECT_EQ(FromSeconds(std::numeric_limits<double>::quiet_NaN()).count(), 0);
}

}  // namespace
}  // namespace tocsin
