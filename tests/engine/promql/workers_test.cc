// A query gives the same, bit for bit, whether helpers take part in it or not.
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <string>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "engine/model/histogram.h"
#include "engine/promql/engine.h"
#include "engine/promql/slices.h"
#include "engine/storage/head.h"
#include "tests/support/fake_clock.h"

namespace tocsin::promql {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kIntervalMs = 15'000;
constexpr int kSamples = 60;
constexpr int kSeries = 1500;

std::string TextOf(const QueryResult& result) {
  std::string text;
  const auto add = [&](const LabelSet& labels, const Point& point) {
    text += labels.ToString() + " " + std::to_string(point.t_ms) + " " +
            (point.histogram != nullptr ? point.histogram->ToString()
                                        : std::to_string(std::bit_cast<uint64_t>(point.value))) +
            "\n";
  };
  if (const auto* vector = std::get_if<VectorValue>(&result.value)) {
    for (const VectorElement& element : *vector) add(element.labels, element.point);
  } else if (const auto* matrix = std::get_if<MatrixValue>(&result.value)) {
    for (const MatrixElement& element : *matrix) {
      for (const Point& point : element.points) add(element.labels, point);
    }
  }
  for (const std::string& warning : result.warnings) text += warning + "\n";
  for (const std::string& info : result.infos) text += info + "\n";
  return text + std::to_string(result.stats.total_samples) + " samples";
}

class WorkersTest : public ::testing::Test {
 protected:
  WorkersTest() {
    Appender appender(head_);
    for (int i = 0; i < kSeries; ++i) {
      const SeriesRef ref = appender.Register({{"__name__", i % 3 == 0 ? "gauge" : "c_total"},
                                               {"group", std::to_string(i % 7)},
                                               {"i", std::to_string(i)}});
      for (int n = 0; n < kSamples; ++n) {
        appender.Append(ref, TimeOf(n), 0.1 * i * n + (n > i % 97 ? 0 : 1000));
      }
    }
    for (int i = 0; i < 40; ++i) {
      const SeriesRef ref = appender.Register({{"__name__", "native"}, {"i", std::to_string(i)}});
      for (int n = 0; n < kSamples; ++n) {
        appender.Append({.ref = ref, .t_ms = TimeOf(n), .histogram = HistogramAt(n)});
      }
    }
    EXPECT_TRUE(appender.Commit().ok());
  }

  static int64_t TimeOf(int n) { return kStartMs + n * kIntervalMs; }
  static HistogramPtr HistogramAt(int n) {
    auto histogram = std::make_shared<FloatHistogram>();
    histogram->count = n;
    histogram->positive_spans = {{0, 2}};
    histogram->positive_buckets = {n * 0.25, n * 0.75};
    return histogram;
  }

  Result<QueryResult> Range(const Engine& engine, const std::string& text) {
    const auto query = engine.Parse(text);
    return engine.Range(**query, head_, kStartMs + 7000, TimeOf(kSamples) + 7000, kIntervalMs);
  }
  Result<QueryResult> Instant(const Engine& engine, const std::string& text) {
    const auto query = engine.Parse(text);
    return engine.Instant(**query, head_, TimeOf(kSamples) - 7000);
  }

  testing_support::FakeClock clock_{FromMs(kStartMs)};
  Head head_{{.retention = Duration(0), .max_future = Duration(0)}, clock_};
  ThreadPool pool_{"test", 3};
  const Engine alone_{EngineOptions{}, clock_, nullptr};
  const Engine helped_{EngineOptions{}, clock_, &pool_};
};

TEST_F(WorkersTest, HelpersChangeNoBit) {
  for (const std::string text :
       {"rate(c_total[5m])", "sum by (group) (rate(c_total[5m]))", "avg(gauge)",
        "topk by (group) (3, rate(c_total[2m]))", "bottomk(5, gauge)", "gauge",
        "max_over_time(gauge[3m])", "rate(gauge[5m])", "sum(rate(native[5m]))",
        "rate({i=~\"1.*\", __name__=~\"native|c_total\"}[5m]) * 2",
        "count by (group) ({__name__=~\"c_total|gauge\"})",
        "quantile by (group) (0.7, increase(c_total[1m]))"}) {
    for (int round = 0; round < 3; ++round) {
      const auto alone = Range(alone_, text);
      const auto helped = Range(helped_, text);
      ASSERT_TRUE(alone.ok() && helped.ok()) << text;
      ASSERT_EQ(TextOf(*helped), TextOf(*alone)) << text;
      ASSERT_EQ(TextOf(*Instant(helped_, text)), TextOf(*Instant(alone_, text))) << text;
    }
  }
}

TEST_F(WorkersTest, ALimitEndsAllWorkers) {
  const Engine limited(EngineOptions{.max_samples = 5000}, clock_, &pool_);
  for (const std::string text : {"rate(c_total[5m])", "sum(rate(c_total[5m]))"}) {
    const auto result = Range(limited, text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
  }
  EXPECT_TRUE(Instant(limited, "count(gauge)").ok());
}

TEST(Slices, AreHandedOutOnceAndUsedInTheirOrder) {
  ThreadPool pool("test", 3);
  for (int round = 0; round < 50; ++round) {
    Slices slices(1000, 7);
    std::vector<size_t> used;
    const Status status = RunSliced(&pool, slices, [&](SliceSource& mine) -> Status {
      while (const std::optional<Slice> slice = mine.Next()) {
        if (!mine.AwaitTurn(*slice)) break;
        for (size_t i = slice->begin; i < slice->end; ++i) used.push_back(i);
        mine.EndTurn();
      }
      return Ok();
    });
    ASSERT_TRUE(status.ok());
    ASSERT_EQ(used.size(), 1000u);
    for (size_t i = 0; i < used.size(); ++i) ASSERT_EQ(used[i], i);
  }
}

TEST(Slices, AnErrorStopsWhoWaitsForATurn) {
  ThreadPool pool("test", 3);
  for (int round = 0; round < 50; ++round) {
    Slices slices(1000, 1);
    const Status status = RunSliced(&pool, slices, [&](SliceSource& mine) -> Status {
      while (const std::optional<Slice> slice = mine.Next()) {
        if (slice->index == 100) return ExecutionError("slice 100");
        if (!mine.AwaitTurn(*slice)) break;
        mine.EndTurn();
      }
      return Ok();
    });
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message, "slice 100");
  }
}

}  // namespace
}  // namespace tocsin::promql
