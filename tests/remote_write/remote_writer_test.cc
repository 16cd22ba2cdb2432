#include "remote_write/remote_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "engine/storage/head.h"
#include "engine/storage/remote_write.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_http.h"
#include "tests/support/recording_sink.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::CaptureLog;
using testing_support::FakeClock;
using testing_support::FakeHttp;
using testing_support::FakeScheduler;
using testing_support::InlineExecutor;
using testing_support::RecordingSink;

constexpr char kUrl[] = "http://remote:9090/api/v1/write";

class RemoteWriterTest : public ::testing::Test {
 protected:
  RemoteWriterTest() {
    http_.Handle(kUrl, [this](const HttpRequest& request) -> Result<HttpResponse> {
      ++requests_;
      if (refuses_connections_) return Unavailable("connection refused");
      HttpResponse response;
      response.status = status_;
      response.headers = headers_;
      response.body = status_ / 100 == 2 ? "" : "no\nsecond line";
      if (status_ / 100 == 2) {
        const Result<RemoteWriteReport> report = ReceiveRemoteWrite(request.body, received_);
        EXPECT_TRUE(report.ok());
      }
      return response;
    });
    endpoint_.name = "far";
    endpoint_.url = kUrl;
  }

  void Apply() {
    config_.remote_writes = {endpoint_};
    writer_.Apply(config_);
  }
  void Write(const LabelSet& labels, double value) {
    const PendingSample sample = {.ref = writer_.Register(labels),
                                  .t_ms = ToMs(clock_.Now()),
                                  .value = value,
                                  .histogram = nullptr};
    ASSERT_EQ(writer_.Commit(std::span(&sample, 1))->stored, 1U);
  }
  double Figure(const std::string& name) {
    const MetricLabels labels = {{"remote_name", "far"}, {"url", kUrl}};
    return name.ends_with("_pending") ? metrics_.MakeGauge(name, "", labels)->Value()
                                      : metrics_.MakeCounter(name, "", labels)->Value();
  }

  FakeClock clock_;
  FakeScheduler scheduler_{clock_};
  InlineExecutor io_;
  FakeHttp http_;
  CaptureLog log_;
  Metrics metrics_;
  Head head_{{}, clock_};
  RemoteWriter writer_{{clock_, scheduler_, io_, http_, log_, metrics_, head_}};
  Config config_;
  RemoteWriteConfig endpoint_;
  RecordingSink received_;
  int requests_ = 0;
  int status_ = 204;
  bool refuses_connections_ = false;
  std::vector<std::pair<std::string, std::string>> headers_;
};

TEST_F(RemoteWriterTest, WithoutAServerItIsTheStore) {
  writer_.Apply(config_);
  Write({{"__name__", "up"}}, 1);
  scheduler_.Advance(1min);
  EXPECT_EQ(head_.Stats().samples, 1U);
  EXPECT_EQ(requests_, 0);
}

TEST_F(RemoteWriterTest, ASmallBatchWaitsForMore) {
  config_.global.external_labels = {{"cluster", "eu"}, {"job", "outside"}};
  Apply();
  Write({{"__name__", "up"}, {"job", "app"}}, 1);
  scheduler_.Advance(2s);
  Write({{"__name__", "ALERTS"}, {"alertname", "Down"}}, 1);
  EXPECT_EQ(requests_, 0);
  scheduler_.Advance(3s);
  EXPECT_EQ(requests_, 1);
  EXPECT_THAT(received_.samples("up{cluster=\"eu\", job=\"app\"}"), SizeIs(1));
  EXPECT_THAT(received_.samples("ALERTS{alertname=\"Down\", cluster=\"eu\", job=\"outside\"}"),
              SizeIs(1));
  EXPECT_EQ(Figure("prometheus_remote_storage_samples_total"), 2);
  EXPECT_EQ(Figure("prometheus_remote_storage_samples_pending"), 0);
}

TEST_F(RemoteWriterTest, AFullBatchGoesAtOnce) {
  endpoint_.max_samples_per_send = 2;
  Apply();
  for (int i = 0; i < 5; ++i) Write({{"__name__", "m" + std::to_string(i)}}, i);
  scheduler_.Advance(0s);
  EXPECT_EQ(requests_, 2);
  scheduler_.Advance(5s);
  EXPECT_EQ(requests_, 3);
}

TEST_F(RemoteWriterTest, NothingIsLostWhileTheServerIsDown) {
  Apply();
  refuses_connections_ = true;
  for (int i = 0; i < 20; ++i) {
    Write({{"__name__", "up"}}, i);
    scheduler_.Advance(15s);
  }
  EXPECT_GT(requests_, 30);   // it asks every five seconds or sooner
  EXPECT_LT(requests_, 100);  // and no more
  EXPECT_THAT(received_.samples("up"), IsEmpty());
  EXPECT_THAT(log_.text(), HasSubstr("remote write failed"));
  refuses_connections_ = false;
  scheduler_.Advance(10s);
  EXPECT_THAT(received_.samples("up"), SizeIs(20));
  EXPECT_GT(Figure("prometheus_remote_storage_samples_retried_total"), 0);
  EXPECT_EQ(Figure("prometheus_remote_storage_samples_dropped_total"), 0);
}

TEST_F(RemoteWriterTest, ItWaitsAsLongAsItIsTold) {
  Apply();
  status_ = 429;
  headers_ = {{"retry-after", "60"}};
  Write({{"__name__", "up"}}, 1);
  scheduler_.Advance(64s);
  EXPECT_EQ(requests_, 1);
  status_ = 204;
  scheduler_.Advance(1s);
  EXPECT_EQ(requests_, 2);
  EXPECT_THAT(received_.samples("up"), SizeIs(1));
}

TEST_F(RemoteWriterTest, WhatIsRefusedIsDroppedAndToldOf) {
  Apply();
  status_ = 400;
  Write({{"__name__", "up"}}, 1);
  scheduler_.Advance(5s);
  status_ = 204;
  clock_.Advance(1ms);
  Write({{"__name__", "up"}}, 2);
  scheduler_.Advance(5s);
  EXPECT_THAT(received_.samples("up"), SizeIs(1));
  EXPECT_EQ(Figure("prometheus_remote_storage_samples_failed_total"), 1);
  EXPECT_THAT(log_.text(), HasSubstr("status 400: no"));
}

TEST_F(RemoteWriterTest, AFullQueueLosesTheOldest) {
  endpoint_.capacity = 3;
  Apply();
  refuses_connections_ = true;
  for (int i = 0; i < 5; ++i) Write({{"__name__", "m" + std::to_string(i)}}, i);
  refuses_connections_ = false;
  scheduler_.Advance(10s);
  EXPECT_THAT(received_.samples("m1"), IsEmpty());
  EXPECT_THAT(received_.samples("m2"), SizeIs(1));
  EXPECT_THAT(received_.samples("m4"), SizeIs(1));
  EXPECT_EQ(Figure("prometheus_remote_storage_samples_dropped_total"), 2);
  EXPECT_THAT(log_.text(), HasSubstr("does not keep up"));
}

TEST_F(RemoteWriterTest, RelabellingAndAgeLeaveSamplesOut) {
  RelabelRule only_alerts;
  only_alerts.source_labels = {"__name__"};
  only_alerts.regex = *Regex::CompileAnchored("ALERTS.*");
  only_alerts.action = RelabelAction::kKeep;
  endpoint_.relabel_configs = {only_alerts};
  endpoint_.sample_age_limit = 1min;
  Apply();
  Write({{"__name__", "up"}}, 1);
  Write({{"__name__", "ALERTS"}}, 1);
  scheduler_.Advance(5s);
  EXPECT_THAT(received_.samples("up"), IsEmpty());
  EXPECT_THAT(received_.samples("ALERTS"), SizeIs(1));
  refuses_connections_ = true;
  clock_.Advance(1ms);
  endpoint_.max_backoff = 5min;
  Write({{"__name__", "ALERTS_FOR_STATE"}}, 1);
  clock_.Advance(2min);  // nobody ran meanwhile
  refuses_connections_ = false;
  scheduler_.Advance(5s);
  EXPECT_THAT(received_.samples("ALERTS_FOR_STATE"), IsEmpty());
  EXPECT_EQ(Figure("prometheus_remote_storage_samples_dropped_total"), 2);
}

TEST_F(RemoteWriterTest, AReloadKeepsTheQueueOfAServerThatStays) {
  Apply();
  Write({{"__name__", "up"}}, 1);
  Apply();
  scheduler_.Advance(5s);
  EXPECT_THAT(received_.samples("up"), SizeIs(1));
  clock_.Advance(1ms);
  Write({{"__name__", "up"}}, 2);
  config_.remote_writes.clear();
  writer_.Apply(config_);
  scheduler_.Advance(1min);
  EXPECT_EQ(requests_, 1);
}

TEST_F(RemoteWriterTest, TheRestIsSentAtTheEnd) {
  Apply();
  Write({{"__name__", "up"}}, 1);
  writer_.Stop(1s);
  EXPECT_THAT(received_.samples("up"), SizeIs(1));
  EXPECT_THAT(log_.text(), IsEmpty());
}

TEST_F(RemoteWriterTest, WhatCannotBeSentAtTheEndIsToldOf) {
  Apply();
  refuses_connections_ = true;
  Write({{"__name__", "up"}}, 1);
  writer_.Stop(1s);
  EXPECT_THAT(log_.text(), HasSubstr("samples were not sent before the end"));
}

TEST_F(RemoteWriterTest, SecretsStayInTheRequest) {
  endpoint_.url = "http://user:secret@remote:9090/api/v1/write?token=hidden";
  endpoint_.http.authorization_credentials = Secret("s3cret");
  Apply();
  status_ = 400;
  Write({{"__name__", "up"}}, 1);
  scheduler_.Advance(5s);
  EXPECT_THAT(log_.text(), testing::Not(testing::AnyOf(HasSubstr("secret"), HasSubstr("hidden"))));
  for (const MetricFamilySnapshot& family : metrics_.Collect()) {
    for (const auto& sample : family.samples) {
      for (const auto& [name, value] : sample.labels)
        EXPECT_THAT(value, testing::Not(HasSubstr("secret")));
    }
  }
}

}  // namespace
}  // namespace tocsin
