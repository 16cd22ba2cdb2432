// Writers, readers and retention at once; to be run under ThreadSanitizer too.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "engine/storage/head.h"
#include "tests/support/fake_clock.h"

namespace tocsin {
namespace {

using testing_support::FakeClock;

constexpr TimeRange kEver = {};

std::unique_ptr<SeriesSet> SelectAll(const Head& head) {
  SymbolTable overlay(head.symbols());
  return std::move(*head.Select({}, kEver, {}, overlay));
}

// Batch k makes series k and writes one sample, at time k, to each of the series 0 … k.
TEST(HeadThreadsTest, ASelectionSeesWholeBatches) {
  constexpr int kBatches = 400;
  const FakeClock clock;
  Head head({.retention = Duration::zero(), .max_future = Duration::zero()}, clock);
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    Appender appender(head);
    std::vector<SeriesRef> refs;
    for (int64_t k = 0; k < kBatches; ++k) {
      refs.push_back(appender.Register({{"series", std::to_string(k)}}));
      for (const SeriesRef ref : refs) appender.Append(ref, k, static_cast<double>(k));
      EXPECT_EQ(appender.Commit()->stored, refs.size());
    }
    done = true;
  });
  const auto read = [&] {
    SampleColumns columns;
    bool last_round = false;
    while (!last_round) {
      last_round = done;
      const auto set = SelectAll(head);
      for (size_t i = 0; i < set->size(); ++i) {
        const auto newest = static_cast<int64_t>(set->size()) - 1;
        ASSERT_EQ(set->ReadNewest(i, kEver)->t_ms, newest);
        columns.clear();
        ASSERT_TRUE(set->Read(i, kEver, columns).ok());
        ASSERT_EQ(columns.t_ms.back(), newest);
        ASSERT_EQ(columns.values.back(), static_cast<double>(newest));
        ASSERT_EQ(static_cast<int64_t>(columns.size()), newest - columns.t_ms.front() + 1);
      }
    }
  };
  {
    const std::jthread first(read);
    const std::jthread second(read);
  }
  EXPECT_EQ(SelectAll(head)->size(), static_cast<size_t>(kBatches));
}

// Series come and go while they are read: a reader sees what there was when it selected.
TEST(HeadThreadsTest, RetentionTakesNothingFromAReader) {
  constexpr int kRounds = 1500;
  constexpr int kSeries = 20;
  FakeClock clock;
  const int64_t start_ms = ToMs(clock.Now());
  Head head({.retention = std::chrono::minutes(10)}, clock);
  std::atomic<bool> done = false;
  const auto write = [&](const std::string& job) {
    Appender appender(head);
    for (int round = 0; round < kRounds; ++round) {
      const int64_t now_ms = ToMs(clock.Now());
      for (int i = 0; i < kSeries; ++i) {
        const LabelSet labels = {{"job", job}, {"series", std::to_string((round / 50 + i) % 100)}};
        appender.Append(labels, now_ms, static_cast<double>(now_ms - start_ms));
      }
      EXPECT_TRUE(appender.Commit().ok());
      clock.Advance(std::chrono::seconds(1));
    }
  };
  std::jthread maintainer([&] {
    while (!done) {
      head.Maintain(clock.Now());
      EXPECT_LE(head.Stats().series, 200u);
    }
  });
  std::jthread reader([&] {
    SampleColumns columns;
    while (!done) {
      const auto set = SelectAll(head);
      for (size_t i = 0; i < set->size(); ++i) {
        columns.clear();
        ASSERT_TRUE(set->Read(i, kEver, columns).ok());
        ASSERT_EQ(set->labels(i).size(), 2u);
        for (size_t s = 0; s < columns.size(); ++s) {
          ASSERT_EQ(columns.values[s], static_cast<double>(columns.t_ms[s] - start_ms));
          if (s > 0) {
            ASSERT_LT(columns.t_ms[s - 1], columns.t_ms[s]);
          }
        }
      }
    }
  });
  {
    const std::jthread a(write, "a");
    const std::jthread b(write, "b");
  }
  done = true;
  maintainer.join();
  reader.join();
  head.Maintain(clock.Now());
  EXPECT_GT(head.Stats().series_removed, 0u);
}

}  // namespace
}  // namespace tocsin
