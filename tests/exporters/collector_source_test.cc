#include "exporters/collector_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "tests/support/fake_clock.h"
#include "tests/support/recording_sink.h"

namespace tocsin {
namespace {

using testing_support::FakeClock;
using testing_support::RecordingSink;

constexpr FamilySpec kSize = {.name = "table_size", .help = "Size.", .labels = "table"};
constexpr FamilySpec kTook = {
    .name = "took", .type = MetricType::kHistogram, .help = "Time.", .labels = "table"};

// Writes a sample of 1 for each table, and a histogram of two buckets.
class Tables final : public Collector {
 public:
  explicit Tables(std::vector<std::string>& tables) : tables_(tables) {}
  Status Collect(CollectContext& /*context*/, MetricSink& sink) override {
    for (const std::string& table : tables_) sink.Write(kSize, {{"table", table}}, 1);
    for (const std::string& table : tables_) {
      for (const char* le : {"1.0", "+Inf"}) {
        const MetricSink::LabelView labels[] = {{"table", table}, {"le", le}};
        sink.WriteSuffixed(kTook, "_bucket", labels, 2);
      }
    }
    return Ok();
  }

 private:
  std::vector<std::string>& tables_;
};

class SeriesLimitTest : public testing::Test {
 protected:
  // The series of one collection with their values.
  std::map<std::string, double> Collect() {
    CollectContext context{.clock = clock_};
    writer_.Begin(++now_);
    EXPECT_TRUE(source_.Collect(context, writer_).ok());
    std::vector<PendingSample> batch;
    const auto page = writer_.Finish(batch);
    std::map<std::string, double> series;
    for (size_t i = 0; i < page->refs.size(); ++i) {
      series[sink_.LabelsOf(page->refs[i]).ToString()] = page->values[i];
    }
    return series;
  }
  double Dropped(const std::string& family) {
    for (const MetricFamilySnapshot& snapshot : metrics_.Collect()) {
      if (snapshot.name != "tocsin_series_dropped_total") continue;
      for (const auto& sample : snapshot.samples) {
        if (sample.labels == MetricLabels{{"family", family}}) return sample.value;
      }
    }
    return 0;
  }

  std::vector<std::string> tables_;
  FakeClock clock_;
  Metrics metrics_;
  RecordingSink sink_;
  SeriesWriter writer_{sink_, {}};
  CollectorSource source_{std::make_unique<Tables>(tables_), {.series_limit = 4}, metrics_};
  int64_t now_ = 0;
};

TEST_F(SeriesLimitTest, WithinTheLimitNothingChanges) {
  tables_ = {"a", "b"};
  const auto series = Collect();
  EXPECT_EQ(series.size(), 6U);
  EXPECT_EQ(Dropped("table_size"), 0);
}

TEST_F(SeriesLimitTest, WhatComesBeyondIsSummedUp) {
  tables_ = {"a", "b", "c", "d", "e", "f", "g"};
  const auto series = Collect();
  EXPECT_EQ(series.at(R"(table_size{table="d"})"), 1);
  EXPECT_FALSE(series.contains(R"(table_size{table="e"})"));
  EXPECT_EQ(series.at(R"(table_size{table="_other"})"), 3);
  EXPECT_EQ(Dropped("table_size"), 3);
}

TEST_F(SeriesLimitTest, AHistogramIsTakenOrLeftAsAWhole) {
  tables_ = {"a", "b", "c"};
  const auto series = Collect();
  EXPECT_EQ(series.at(R"(took_bucket{le="1.0", table="b"})"), 2);
  EXPECT_EQ(series.at(R"(took_bucket{le="+Inf", table="b"})"), 2);
  EXPECT_FALSE(series.contains(R"(took_bucket{le="1.0", table="c"})"));
  EXPECT_EQ(series.at(R"(took_bucket{le="+Inf", table="_other"})"), 2);
}

TEST_F(SeriesLimitTest, WhoIsInStaysInWhateverTheOrder) {
  tables_ = {"a", "b", "c", "d"};
  Collect();
  tables_ = {"x", "y", "d", "c", "b", "a"};
  const auto series = Collect();
  for (const char* table : {"a", "b", "c", "d"}) {
    EXPECT_TRUE(series.contains("table_size{table=\"" + std::string(table) + "\"}")) << table;
  }
  EXPECT_EQ(series.at(R"(table_size{table="_other"})"), 2);
}

TEST_F(SeriesLimitTest, AFreePlaceIsGivenToTheNext) {
  tables_ = {"a", "b", "c", "d", "e"};
  Collect();
  tables_ = {"b", "c", "d", "e"};
  Collect();  // the place of "a" is known to be free afterwards
  EXPECT_TRUE(Collect().contains(R"(table_size{table="e"})"));
}

}  // namespace
}  // namespace tocsin
