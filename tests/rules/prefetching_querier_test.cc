// What is read ahead is what would have been read; who asks, and how often, is counted.
#include "rules/backtest/prefetching_querier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "engine/storage/head.h"
#include "tests/support/fake_executor.h"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A store that remembers the ranges that it was asked for, and may refuse to answer.
class CountingQuerier final : public Querier {
 public:
  explicit CountingQuerier(const Querier& store) : store_(store) {}

  const SymbolTable& symbols() const override { return store_.symbols(); }
  Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers, TimeRange range,
                                            const SelectHints& hints,
                                            SymbolTable& overlay) const override {
    asked.push_back(range.min_ms);
    if (refuses) return Unavailable("away");
    if (hints.canceled && hints.canceled()) return Canceled("canceled");
    return store_.Select(matchers, range, hints, overlay);
  }
  Result<std::vector<std::string>> LabelNames(Selectors s, TimeRange range) const override {
    return store_.LabelNames(s, range);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name, Selectors s,
                                               TimeRange range) const override {
    return store_.LabelValues(name, s, range);
  }
  Result<std::vector<LabelSet>> Series(Selectors s, TimeRange range) const override {
    return store_.Series(s, range);
  }

  mutable std::vector<int64_t> asked;
  bool refuses = false;

 private:
  const Querier& store_;
};

class PrefetchingQuerierTest : public testing::Test {
 protected:
  PrefetchingQuerierTest() {
    Appender appender(store_);
    for (int64_t t = 0; t < 100; ++t) {
      appender.Append(LabelSet{{"__name__", "up"}, {"i", "a"}}, t, static_cast<double>(t));
      appender.Append(LabelSet{{"__name__", "up"}, {"i", "b"}}, t, static_cast<double>(-t));
    }
    EXPECT_TRUE(appender.Commit().ok());
  }

  // Series by series, as text; what went wrong instead.
  static std::string Read(const Querier& querier, TimeRange range,
                          const std::string& instance = "") {
    std::vector<Matcher> matchers = {*Matcher::Make(MatchOp::kEqual, "__name__", "up")};
    if (!instance.empty()) matchers.push_back(*Matcher::Make(MatchOp::kEqual, "i", instance));
    SymbolTable overlay(querier.symbols());
    const auto set = querier.Select(matchers, range, {}, overlay);
    if (!set.ok()) return set.error().message;
    std::map<std::string, std::string> texts;
    for (size_t i = 0; i < (*set)->size(); ++i) {
      SampleColumns columns;
      EXPECT_TRUE((*set)->Read(i, range, columns).ok());
      std::string& text = texts[(*set)->labels(i).ToLabelSet(overlay).ToString()];
      for (const double value : columns.values) text += " " + std::to_string(value);
      const auto newest = (*set)->ReadNewest(i, range);
      text += newest ? " newest " + std::to_string(newest->value) : "";
    }
    std::string all;
    for (const auto& [labels, text] : texts) all += labels + text + "\n";
    return all;
  }

  SystemClock clock_;
  Head store_{{.retention = Duration::zero(), .max_future = Duration::zero()}, clock_};
  CountingQuerier source_{store_};
};

TEST_F(PrefetchingQuerierTest, GivesWhatTheSourceGives) {
  testing_support::InlineExecutor background;
  const PrefetchingQuerier ahead(source_, background, 90);
  for (int64_t begin = 0; begin < 100; begin += 10) {
    for (const char* instance : {"", "b"}) {
      const TimeRange range{begin, begin + 12};
      EXPECT_EQ(Read(ahead, range, instance), Read(store_, range, instance)) << begin;
    }
  }
}

TEST_F(PrefetchingQuerierTest, TheThirdRangeIsThereBeforeItIsAskedFor) {
  testing_support::QueueExecutor background;
  const PrefetchingQuerier ahead(source_, background, 1000);
  Read(ahead, {0, 9});
  EXPECT_EQ(background.pending(), 0u);
  Read(ahead, {10, 19});
  EXPECT_EQ(background.RunAll(), 1u);
  EXPECT_THAT(source_.asked, ElementsAre(0, 10, 20));
  Read(ahead, {20, 29});
  EXPECT_THAT(source_.asked, ElementsAre(0, 10, 20));
}

TEST_F(PrefetchingQuerierTest, WhatTheBackgroundHasNotBegunIsDoneAtOnce) {
  testing_support::QueueExecutor background;
  const PrefetchingQuerier ahead(source_, background, 1000);
  for (const int64_t begin : {0, 10, 20}) Read(ahead, {begin, begin + 9});
  EXPECT_THAT(source_.asked, ElementsAre(0, 10, 20));
  background.RunAll();
  EXPECT_THAT(source_.asked, ElementsAre(0, 10, 20, 30));
}

TEST_F(PrefetchingQuerierTest, TheSameSelectorIsAskedForOnce) {
  testing_support::InlineExecutor background;
  const PrefetchingQuerier ahead(source_, background, 0);
  for (const int64_t begin : {0, 0, 10, 10}) Read(ahead, {begin, begin + 9});
  EXPECT_THAT(source_.asked, ElementsAre(0, 10));
}

TEST_F(PrefetchingQuerierTest, NothingBehindTheEndIsFetched) {
  testing_support::QueueExecutor background;
  const PrefetchingQuerier ahead(source_, background, 28);
  Read(ahead, {0, 9});
  Read(ahead, {10, 19});
  EXPECT_EQ(background.pending(), 0u);
}

TEST_F(PrefetchingQuerierTest, OtherTimesAreNoReasonToReadAhead) {
  testing_support::QueueExecutor background;
  const PrefetchingQuerier ahead(source_, background, 1000);
  Read(ahead, {50, 59});
  Read(ahead, {10, 19});
  EXPECT_EQ(background.pending(), 0u);
  // The range that was foreseen is not the one that comes.
  Read(ahead, {20, 29});
  background.RunAll();
  EXPECT_EQ(Read(ahead, {40, 49}), Read(store_, {40, 49}));
}

TEST_F(PrefetchingQuerierTest, AFailureAheadIsTriedAgainAndOneThatLastsIsTold) {
  testing_support::InlineExecutor background;
  const PrefetchingQuerier ahead(source_, background, 1000);
  Read(ahead, {0, 9});
  source_.refuses = true;
  EXPECT_EQ(Read(ahead, {10, 19}), "away");
  source_.refuses = false;
  EXPECT_EQ(Read(ahead, {20, 29}), Read(store_, {20, 29}));
  EXPECT_EQ(Read(ahead, {10, 19}), Read(store_, {10, 19}));
}

TEST_F(PrefetchingQuerierTest, TheEndLeavesNothingToDo) {
  testing_support::QueueExecutor background;
  {
    const PrefetchingQuerier ahead(source_, background, 1000);
    Read(ahead, {0, 9});
    Read(ahead, {10, 19});
    source_.asked.clear();
  }
  background.RunAll();
  EXPECT_THAT(source_.asked, IsEmpty());
}

}  // namespace
}  // namespace tocsin
