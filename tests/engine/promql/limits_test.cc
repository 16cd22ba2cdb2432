// What ends a query before its time, on a clock that stands still.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/promql/engine.h"
#include "engine/storage/head.h"
#include "tests/support/fake_clock.h"

namespace tocsin::promql {
namespace {

using testing::ElementsAre;
using testing_support::FakeClock;

class LimitsTest : public testing::Test {
 protected:
  LimitsTest() {
    Appender appender(head_);
    for (int series = 0; series < 100; ++series) {
      LabelSet labels;
      labels.Set(kMetricName, "m");
      labels.Set("i", std::to_string(series));
      for (int64_t t = 0; t < 10; ++t) appender.Append(labels, t * 1000, 1);
    }
    static_cast<void>(appender.Commit());
  }

  Result<QueryResult> Range(const EngineOptions& options, const std::string& text,
                            const QueryLimits& limits = {}) {
    const Engine engine(options, clock_, nullptr);
    return engine.Range(**engine.Parse(text), head_, 0, 9000, 1000, limits);
  }

  FakeClock clock_;
  Head head_{{.retention = Duration(0)}, clock_};
};

TEST_F(LimitsTest, SamplesHeldAtATime) {
  const auto many = Range({.max_samples = 900}, "m");
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(many.error().message,
            "query processing would load too many samples into memory in query execution");
  EXPECT_TRUE(Range({.max_samples = 5000}, "sum(m)").ok());
}

TEST_F(LimitsTest, MemoryHeldAtATime) {
  const auto large = Range({.max_memory_bytes = 8000}, "m");
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(large.error().message,
            "query processing would need more than 8000 bytes of memory (--query.max-memory) in "
            "query execution");
  EXPECT_TRUE(Range({.max_memory_bytes = 100'000}, "sum(m)").ok());
}

TEST_F(LimitsTest, NobodyWantsTheAnswer) {
  const auto result = Range({}, "m", {.canceled = [] { return true; }});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCanceled);
  EXPECT_EQ(result.error().message, "query was canceled in expression evaluation");
}

TEST_F(LimitsTest, TimeIsUp) {
  // Asked whether it is canceled, the query learns that time has passed.
  const QueryLimits limits{.timeout = std::chrono::seconds(5), .canceled = [this] {
                             clock_.Advance(std::chrono::seconds(3));
                             return false;
                           }};
  const auto result = Range({}, "m", limits);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(result.error().message, "query timed out in expression evaluation");
}

// Long windows are looked at in parts, between which the query may end.
TEST_F(LimitsTest, EndsWithinOneSeries) {
  int asked = 0;
  const Engine engine({}, clock_, nullptr);
  const auto query = engine.Parse("quantile_over_time(0.5, vector(1)[20000s:1s])");
  const auto result = engine.Range(**query, head_, 0, 2'000'000, 1000,
                                   {.canceled = [&asked] { return ++asked > 5; }});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kCanceled);
}

TEST_F(LimitsTest, ThePartsOfLongWindowsMakeOneResult) {
  const Engine engine({}, clock_, nullptr);
  const auto query =
      engine.Parse("predict_linear(vector(time())[9000s:1s], scalar(vector(time())))");
  const auto result = engine.Range(**query, head_, 10'000'000, 11'000'000, 1000);
  ASSERT_TRUE(result.ok()) << result.error().message;
  const auto& series = std::get<MatrixValue>(result->value).at(0);
  ASSERT_EQ(series.points.size(), 1001U);
  for (const Point& point : series.points) {
    ASSERT_NEAR(point.value, 2 * static_cast<double>(point.t_ms) / 1000, 1e-3);
  }
}

class Recorder final : public QueryWatcher {
 public:
  size_t Began(std::string_view query) override {
    events.push_back("began " + std::string(query));
    return 7;
  }
  void Ended(size_t token) override { events.push_back("ended " + std::to_string(token)); }
  std::vector<std::string> events;
};

TEST_F(LimitsTest, TheWatcherSeesQueriesComeAndGo) {
  Recorder recorder;
  const Engine engine({}, clock_, nullptr, &recorder);
  ASSERT_TRUE(engine.Instant(**engine.Parse("m"), head_, 0).ok());
  ASSERT_FALSE(engine.Instant(**engine.Parse("m + on () m"), head_, 0).ok());
  EXPECT_THAT(recorder.events, ElementsAre("began m", "ended 7", "began m + on () m", "ended 7"));
}

TEST_F(LimitsTest, WithoutRoomAQueryWaitsItsTimeAndNoLonger) {
  const Engine engine({.max_concurrent = 1}, clock_, nullptr);
  const auto query = *engine.Parse("m");
  Status inner = Ok();
  const auto outer = engine.Instant(*query, head_, 0, {.canceled = [&] {
    const auto second = engine.Instant(*query, head_, 0, {.timeout = Duration(1)});
    if (!second.ok()) inner = second.error();
    return false;
  }});
  EXPECT_TRUE(outer.ok());
  ASSERT_FALSE(inner.ok());
  EXPECT_EQ(inner.error().message, "query timed out in query queue");
}

TEST_F(LimitsTest, CountsWhatStepsLookAt) {
  const auto result =
      Range({.per_step_stats = true}, "sum_over_time(m[3s])", {.per_step_stats = true});
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->stats.total_samples, 100U * (1 + 2 + 8 * 3));
  EXPECT_EQ(result->stats.samples_read, 1000U);
  EXPECT_THAT(result->stats.samples_at_step,
              ElementsAre(100, 200, 300, 300, 300, 300, 300, 300, 300, 300));
  // What is the same at all steps counts at each of them.
  EXPECT_EQ(Range({}, "sum(m @ 5)")->stats.total_samples, 100U * 10);
  // What is inside a subquery does not count, its results do.
  EXPECT_EQ(Range({}, "max_over_time(sum(m)[2s:1s])")->stats.total_samples, 1U + 9 * 2);
}

}  // namespace
}  // namespace tocsin::promql
