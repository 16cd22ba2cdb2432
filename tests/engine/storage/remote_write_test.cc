#include "engine/storage/remote_write.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <bit>
#include <limits>
#include <map>
#include <random>

#include "engine/model/histogram.h"
#include "engine/storage/remote_write.pb.h"

namespace tocsin {
namespace {

// Keeps what it is given; refuses samples before `min_ms`.
class RecordingSink final : public SampleSink {
 public:
  SeriesRef Register(const LabelSet& labels) override {
    if (labels.Get("full") == "yes") return kNoSeries;
    names.push_back(labels.ToString());
    return static_cast<SeriesRef>(names.size());
  }
  LabelSet LabelsOf(SeriesRef /*ref*/) const override { return {}; }
  bool ViewLabels(SeriesRef /*ref*/, std::vector<LabelView>& /*labels*/) const override {
    return false;
  }
  Result<CommitReport> Commit(std::span<const PendingSample> batch) override {
    CommitReport report;
    for (const PendingSample& sample : batch) {
      if (gone_once.erase(names[sample.ref - 1]) > 0) {
        report.gone.push_back(sample.ref);
      } else if (sample.t_ms < min_ms) {
        ++report.out_of_bounds;
      } else {
        stored[names[sample.ref - 1]].push_back(sample);
        ++report.stored;
      }
    }
    return report;
  }

  int64_t min_ms = std::numeric_limits<int64_t>::min();
  std::map<std::string, int> gone_once;
  std::vector<std::string> names;
  std::map<std::string, std::vector<PendingSample>> stored;
};

std::string Compress(const remote::WriteRequest& request) {
  std::string body;
  snappy::Compress(request.SerializeAsString().data(), request.ByteSizeLong(), &body);
  return body;
}

remote::TimeSeries& AddSeries(remote::WriteRequest& request,
                              std::initializer_list<std::pair<const char*, const char*>> labels) {
  remote::TimeSeries& series = *request.add_timeseries();
  for (const auto& [name, value] : labels) {
    remote::Label& label = *series.add_labels();
    label.set_name(name);
    label.set_value(value);
  }
  return series;
}

void AddSample(remote::TimeSeries& series, int64_t t_ms, double value) {
  remote::Sample& sample = *series.add_samples();
  sample.set_timestamp(t_ms);
  sample.set_value(value);
}

TEST(RemoteWrite, StoresSamplesWithTheirBits) {
  remote::WriteRequest request;
  remote::TimeSeries& up = AddSeries(request, {{"__name__", "up"}, {"job", "a"}});
  AddSample(up, 1000, 1);
  AddSample(up, 2000, StaleNan());
  AddSample(AddSeries(request, {{"__name__", "x"}, {"empty", ""}}), -5, 0.1);
  RecordingSink sink;
  const auto report = ReceiveRemoteWrite(Compress(request), sink);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->series, 2U);
  EXPECT_EQ(report->samples, 3U);
  EXPECT_EQ(report->refusal, "");
  ASSERT_EQ(sink.stored["up{job=\"a\"}"].size(), 2U);
  EXPECT_TRUE(IsStaleNan(sink.stored["up{job=\"a\"}"][1].value));
  EXPECT_EQ(sink.stored["x"].at(0).t_ms, -5);
}

TEST(RemoteWrite, TurnsDeltasIntoCounts) {
  remote::WriteRequest request;
  remote::Histogram& histogram = *AddSeries(request, {{"__name__", "h"}}).add_histograms();
  histogram.set_schema(3);
  histogram.set_count_int(10);
  histogram.set_zero_count_int(1);
  histogram.set_sum(4.5);
  histogram.set_timestamp(7);
  histogram.set_reset_hint(remote::Histogram::NO);
  remote::BucketSpan& span = *histogram.add_positive_spans();
  span.set_offset(-2);
  span.set_length(3);
  for (const int64_t delta : {4, -1, -2}) histogram.add_positive_deltas(delta);
  RecordingSink sink;
  ASSERT_TRUE(ReceiveRemoteWrite(Compress(request), sink).ok());
  const FloatHistogram& stored = *sink.stored["h"].at(0).histogram;
  EXPECT_EQ(stored.positive_buckets, (std::vector<double>{4, 3, 1}));
  EXPECT_EQ(stored.positive_spans, (std::vector<HistogramSpan>{{-2, 3}}));
  EXPECT_EQ(stored.count, 10);
  EXPECT_EQ(stored.zero_count, 1);
  EXPECT_EQ(stored.reset_hint, CounterResetHint::kNotReset);
}

TEST(RemoteWrite, AStaleHistogramIsAStaleMarker) {
  remote::WriteRequest request;
  AddSeries(request, {{"__name__", "h"}}).add_histograms()->set_sum(StaleNan());
  RecordingSink sink;
  ASSERT_TRUE(ReceiveRemoteWrite(Compress(request), sink).ok());
  EXPECT_EQ(sink.stored["h"].at(0).histogram, nullptr);
  EXPECT_TRUE(IsStaleNan(sink.stored["h"].at(0).value));
}

TEST(RemoteWrite, RefusedSamplesDoNotHoldUpTheOthers) {
  remote::WriteRequest request;
  remote::TimeSeries& series = AddSeries(request, {{"__name__", "x"}});
  AddSample(series, 10, 1);
  AddSample(series, 200, 2);
  AddSample(AddSeries(request, {{"__name__", "y"}, {"full", "yes"}}), 200, 2);
  RecordingSink sink;
  sink.min_ms = 100;
  const auto report = ReceiveRemoteWrite(Compress(request), sink);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->samples, 1U);
  EXPECT_EQ(report->refused, 2U);
  EXPECT_EQ(report->refusal, "1 out of bounds, 1 over the series limit");
}

TEST(RemoteWrite, ASeriesThatRetentionRemovedIsRegisteredAgain) {
  remote::WriteRequest request;
  AddSample(AddSeries(request, {{"__name__", "x"}}), 10, 1);
  RecordingSink sink;
  sink.gone_once["x"] = 1;
  const auto report = ReceiveRemoteWrite(Compress(request), sink);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->samples, 1U);
  EXPECT_EQ(sink.stored["x"].size(), 1U);
}

struct BadRequest {
  const char* name;
  std::string body;
  const char* message;
};

std::vector<BadRequest> BadRequests() {
  const auto labelled = [](std::initializer_list<std::pair<const char*, const char*>> labels) {
    remote::WriteRequest request;
    AddSample(AddSeries(request, labels), 1, 1);
    return Compress(request);
  };
  const auto with_histogram = [](int schema, uint32_t length, int deltas) {
    remote::WriteRequest request;
    remote::Histogram& histogram = *AddSeries(request, {{"__name__", "h"}}).add_histograms();
    histogram.set_schema(schema);
    histogram.add_positive_spans()->set_length(length);
    for (int i = 0; i < deltas; ++i) histogram.add_positive_deltas(1);
    return Compress(request);
  };
  std::string garbage;
  snappy::Compress("\xff\xff\xff", 3, &garbage);
  std::string large;
  const std::string zeros(40 << 20, '\0');
  snappy::Compress(zeros.data(), zeros.size(), &large);
  return {
      {"empty", "", "remote write: the body is not snappy-compressed"},
      {"plain", "\x05hello", "remote write: the snappy-compressed body is damaged"},
      {"garbage", garbage, "remote write: the body is not a WriteRequest"},
      {"large", large, "remote write: 41943040 bytes uncompressed, at most 33554432 are taken"},
      {"nameless", labelled({{"job", "a"}}), "remote write: no metric name in {job=\"a\"}"},
      {"repeated", labelled({{"__name__", "x"}, {"a", "1"}, {"a", "2"}}),
       "remote write: repeated label name in x{a=\"2\"}"},
      {"encoding", labelled({{"__name__", "x"}, {"a", "\xff"}}),
       "remote write: a label is not valid UTF-8"},
      {"unnamed", labelled({{"__name__", "x"}, {"", "1"}}), "remote write: a label has no name"},
      {"schema", with_histogram(9, 1, 1), "remote write: unknown histogram schema 9"},
      {"buckets", with_histogram(1, 3, 2),
       "remote write: histogram spans need 3 buckets, have 2 buckets"},
      {"claim", with_histogram(1, 4'000'000'000U, 0),
       "remote write: a histogram of 4000000000 buckets, at most 10000 are taken"},
  };
}

TEST(RemoteWrite, ABadRequestStoresNothingAndSaysWhy) {
  for (const BadRequest& bad : BadRequests()) {
    RecordingSink sink;
    const auto report = ReceiveRemoteWrite(bad.body, sink);
    ASSERT_FALSE(report.ok()) << bad.name;
    EXPECT_EQ(report.error().message, bad.message) << bad.name;
    EXPECT_TRUE(sink.stored.empty()) << bad.name;
  }
}

TEST(RemoteWrite, DamagedBodiesNeverCrash) {
  remote::WriteRequest request;
  for (int i = 0; i < 5; ++i) AddSample(AddSeries(request, {{"__name__", "up"}}), i, i);
  const std::string text = request.SerializeAsString();
  std::mt19937 random(7);
  size_t taken = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = text;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    std::string body;
    snappy::Compress(damaged.data(), damaged.size(), &body);
    RecordingSink sink;
    taken += ReceiveRemoteWrite(body, sink).ok() ? 1 : 0;
  }
  EXPECT_GT(taken, 0U);
  EXPECT_LT(taken, 2000U);
}

}  // namespace
}  // namespace tocsin
