// The notation of series, by hand and against the cases of Prometheus' own parser tests.

#include "engine/promqltest/series_notation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/regex.h"
#include "engine/model/histogram.h"
#include "tests/support/shared_files.h"

namespace tocsin::promqltest {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

std::vector<double> Floats(const std::vector<NotedValue>& values) {
  std::vector<double> floats;
  for (const NotedValue& value : values) {
    floats.push_back(value.kind == NotedValue::Kind::kNone ? kNone : value.value);
  }
  return floats;
}

TEST(SeriesNotationTest, Floats) {
  const struct {
    std::string_view text;
    std::vector<double> values;
  } kCases[] = {
      {"", {}},
      {" 1\t-2.5e3  +1 ", {1, -2500, 1}},
      {"7x2", {7, 7, 7}},
      {"0+10x3", {0, 10, 20, 30}},
      {"1e3-1e2x2", {1000, 900, 800}},
      {"-1+-1x1", {-1, -2}},
      {"_ 1 _x2 0x0", {kNone, 1, kNone, kNone, 0}},
  };
  for (const auto& row : kCases) {
    const auto values = ParseNotedValues(row.text);
    ASSERT_TRUE(values.ok()) << row.text << ": " << values.error().message;
    EXPECT_EQ(Floats(*values), row.values) << row.text;
  }
}

TEST(SeriesNotationTest, AddsAgainAndAgainInsteadOfMultiplying) {
  const auto values = ParseNotedValues("0+0.1x10");
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(values->back().value, 0.99999999999999989);
}

TEST(SeriesNotationTest, StaleMarkersAreNotNan) {
  const auto values = ParseNotedValues("stale NaN");
  ASSERT_TRUE(values.ok());
  EXPECT_TRUE(IsStaleNan((*values)[0].value));
  EXPECT_TRUE(std::isnan((*values)[1].value));
  EXPECT_FALSE(IsStaleNan((*values)[1].value));
}

TEST(SeriesNotationTest, Histograms) {
  const struct {
    std::string_view text;
    std::vector<std::string> printed;
  } kCases[] = {
      {"{{}}", {"{{}}"}},
      {"{{count:3 sum:4.5 buckets:[1 2]}}x1",
       {"{{count:3 sum:4.5 buckets:[1 2]}}", "{{count:3 sum:4.5 buckets:[1 2]}}"}},
      {"{{count:1 buckets:[1]}}+{{count:2 buckets:[0 2] schema:1}}x2",
       {"{{count:1 buckets:[1]}}", "{{count:3 buckets:[1 2]}}", "{{count:5 buckets:[1 4]}}"}},
      {"{{schema:-53 custom_values:[1 5] buckets:[3 4] count:7}}",
       {"{{schema:-53 count:7 custom_values:[1 5] buckets:[3 4]}}"}},
  };
  for (const auto& row : kCases) {
    const auto values = ParseNotedValues(row.text);
    ASSERT_TRUE(values.ok()) << row.text << ": " << values.error().message;
    std::vector<std::string> printed;
    for (const NotedValue& value : *values) printed.push_back(value.histogram->TestExpression());
    EXPECT_EQ(printed, row.printed) << row.text;
  }
}

TEST(SeriesNotationTest, ErrorsHaveAColumn) {
  const struct {
    std::string_view line;
    std::string_view message;
  } kCases[] = {
      {"up 1 two", "1:6: parse error: bad number in series values: \"two\""},
      {"up 1x", "1:6: parse error: expected a number of repetitions after \"x\""},
      {"up _y", "1:4: parse error: expected _ or _xN"},
      {"up {{width:3}}", "1:6: parse error: bad histogram descriptor found: \"width\""},
      {"up {{count: 3}}", "1:12: parse error: unexpected \" \" in series values"},
      {"up {{schema:0.5}}", "1:13: parse error: expected an integer"},
      {"up {{counter_reset_hint:maybe}}",
       "1:25: parse error: bad histogram descriptor found: \"maybe\""},
  };
  for (const auto& row : kCases) {
    const auto series = ParseSeriesLine(row.line);
    ASSERT_FALSE(series.ok()) << row.line;
    EXPECT_EQ(series.error().message, row.message);
  }
}

TEST(SeriesNotationTest, StartTimes) {
  const auto offsets = ParseNotedOffsets("-1m _ 30s-10sx2 _x2");
  ASSERT_TRUE(offsets.ok()) << offsets.error().message;
  const std::vector<std::optional<int64_t>> kWanted = {-60'000, std::nullopt, 30'000,      20'000,
                                                       10'000,  std::nullopt, std::nullopt};
  EXPECT_EQ(*offsets, kWanted);
}

std::string InputOf(const JsonValue& row) {
  const JsonValue* input = row.Find("input");
  if (input != nullptr) return std::string(input->TextOrEmpty());
  std::string out;
  const std::string_view hex = row.Find("input_hex")->TextOrEmpty();
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

void CheckFailure(const JsonValue& row, const std::string& message) {
  if (const JsonValue* error = row.Find("error")) {
    EXPECT_EQ(message, error->TextOrEmpty());
  }
  if (const JsonValue* part = row.Find("error_contains")) {
    EXPECT_NE(message.find(part->TextOrEmpty()), std::string::npos) << message;
  }
  if (const JsonValue* regex = row.Find("error_regex")) {
    EXPECT_TRUE(Regex::Compile(std::string(regex->TextOrEmpty()))->Matches(message)) << message;
  }
}

void CheckSeries(const JsonValue& row, const NotedSeries& series) {
  if (const JsonValue* labels = row.Find("labels")) {
    LabelSet wanted;
    for (const auto& [name, value] : *labels->AsObject()) wanted.Set(name, value.TextOrEmpty());
    EXPECT_EQ(series.labels.ToString(), wanted.ToString());
  }
  if (const JsonValue* count = row.Find("n_values")) {
    EXPECT_EQ(series.values.size(), *count->AsNumber());
  }
  if (const JsonValue* values = row.Find("values")) {
    std::vector<double> wanted;
    for (const JsonValue& value : *values->AsArray()) {
      wanted.push_back(value.AsNumber() ? *value.AsNumber() : kNone);
    }
    EXPECT_EQ(Floats(series.values), wanted);
  }
  if (const JsonValue* printed = row.Find("printed")) {
    ASSERT_EQ(series.values.size(), 1U);
    EXPECT_EQ(series.values[0].histogram->TestExpression(), printed->TextOrEmpty());
  }
}

TEST(SeriesNotationTest, ReadsWhatPrometheusReads) {
  const auto path = testing_support::FindShared("promqltest/parser_cases.json");
  if (!path) GTEST_SKIP() << "shared/promqltest is not here";
  const auto rows = JsonValue::Parse(testing_support::ReadAll(*path));
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  int seen = 0;
  for (const JsonValue& row : *rows->AsArray()) {
    if (row.Find("kind")->TextOrEmpty() != "series") continue;
    ++seen;
    const std::string input = InputOf(row);
    SCOPED_TRACE(input);
    const auto series = ParseSeriesLine(input);
    const bool should_fail = *row.Find("should_fail")->AsBool();
    ASSERT_EQ(!series.ok(), should_fail) << (series.ok() ? "" : series.error().message);
    if (should_fail) {
      CheckFailure(row, series.error().message);
    } else {
      CheckSeries(row, *series);
    }
  }
  EXPECT_EQ(seen, 34);
}

}  // namespace
}  // namespace tocsin::promqltest
