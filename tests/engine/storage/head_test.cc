#include "engine/storage/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/model/histogram.h"
#include "tests/support/fake_clock.h"

namespace tocsin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using testing_support::FakeClock;

constexpr int64_t kStart = 1'700'000'000'000;
constexpr TimeRange kEver = {};

Matcher Make(MatchOp op, std::string_view name, std::string_view value) {
  auto made = Matcher::Make(op, name, value);
  EXPECT_TRUE(made.ok()) << value;
  return *made;
}

class HeadTest : public ::testing::Test {
 protected:
  std::unique_ptr<SeriesSet> Select(std::vector<Matcher> matchers, TimeRange range = kEver,
                                    size_t limit = 0) {
    SymbolTable overlay(head_.symbols());
    auto set = head_.Select(matchers, range, {.limit = limit}, overlay);
    EXPECT_TRUE(set.ok());
    return std::move(*set);
  }
  std::vector<std::string> Names(const SeriesSet& set) {
    std::vector<std::string> names;
    for (size_t i = 0; i < set.size(); ++i) {
      names.push_back(set.labels(i).ToLabelSet(head_.symbols()).ToString());
    }
    return names;
  }
  CommitReport Write(const LabelSet& labels, int64_t t_ms, double value) {
    Appender appender(head_);
    appender.Append(labels, t_ms, value);
    return *appender.Commit();
  }
  // "1000:1 2000:2"
  std::string Samples(const SeriesSet& set, size_t series, TimeRange range = kEver) {
    SampleColumns columns;
    EXPECT_TRUE(set.Read(series, range, columns).ok());
    std::string text;
    for (size_t i = 0; i < columns.size(); ++i) {
      text += (i > 0 ? " " : "") + std::to_string(columns.t_ms[i] - kStart) + ":" +
              (IsStaleNan(columns.values[i]) ? "stale" : std::to_string(int(columns.values[i])));
    }
    return text;
  }

  FakeClock clock_{FromMs(kStart)};
  Head head_{{.retention = std::chrono::hours(1), .max_future = std::chrono::minutes(10)}, clock_};
};

TEST_F(HeadTest, CommitTakesOnlyWhatIsNewerThanTheNewestSample) {
  struct Case {
    int64_t t_ms;
    double value;
    size_t CommitReport::*outcome;
    const char* held;
  };
  const Case cases[] = {
      {1000, 1, &CommitReport::stored, "1000:1"},
      {1000, 1, &CommitReport::stored, "1000:1"},
      {1000, 2, &CommitReport::duplicate, "1000:1"},
      {999, 1, &CommitReport::out_of_order, "1000:1"},
      {2000, StaleNan(), &CommitReport::stored, "1000:1 2000:stale"},
      {2000, NormalNan(), &CommitReport::duplicate, "1000:1 2000:stale"},
      {600'000, 3, &CommitReport::stored, "1000:1 2000:stale 600000:3"},
      {600'001, 4, &CommitReport::out_of_bounds, "1000:1 2000:stale 600000:3"},
      {-3'600'001, 4, &CommitReport::out_of_bounds, "1000:1 2000:stale 600000:3"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.t_ms);
    const CommitReport report = Write({{"__name__", "m"}}, kStart + c.t_ms, c.value);
    EXPECT_EQ(report.*c.outcome, 1u);
    EXPECT_EQ(report.stored + report.out_of_order + report.duplicate + report.out_of_bounds, 1u);
    EXPECT_EQ(Samples(*Select({Matcher::Equal("__name__", "m")}), 0), c.held);
  }
  const HeadStats stats = head_.Stats();
  EXPECT_EQ(stats.samples, 3u);
  EXPECT_EQ(stats.samples_appended, 3u);
  EXPECT_EQ(stats.duplicate, 2u);
  EXPECT_EQ(stats.out_of_order, 1u);
  EXPECT_EQ(stats.out_of_bounds, 2u);
  EXPECT_EQ(stats.min_ms, kStart + 1000);
  EXPECT_EQ(stats.max_ms, kStart + 600'000);
}

TEST_F(HeadTest, MatchersSelectAsPrometheusDoes) {
  for (const LabelSet& labels :
       {LabelSet{{"__name__", "m"}, {"n", "1"}}, LabelSet{{"__name__", "m"}, {"n", "2"}},
        LabelSet{{"__name__", "m"}, {"n", "2.5"}, {"i", "a"}},
        LabelSet{{"__name__", "m"}, {"i", "a"}}, LabelSet{{"__name__", "x"}}}) {
    Write(labels, kStart, 1);
  }
  using enum MatchOp;
  const std::string n1 = "m{n=\"1\"}", n2 = "m{n=\"2\"}", both = "m{i=\"a\", n=\"2.5\"}",
                    ia = "m{i=\"a\"}", x = "x";
  struct Case {
    std::vector<Matcher> matchers;
    std::vector<std::string> found;
  };
  const Case cases[] = {
      {{}, {n1, n2, both, ia, x}},
      {{Make(kEqual, "n", "1")}, {n1}},
      {{Make(kEqual, "n", "")}, {ia, x}},
      {{Make(kNotEqual, "n", "")}, {n1, n2, both}},
      {{Make(kNotEqual, "n", "1")}, {n2, both, ia, x}},
      {{Make(kRegex, "n", "")}, {ia, x}},
      {{Make(kRegex, "n", "1|2")}, {n1, n2}},
      {{Make(kRegex, "n", "1|")}, {n1, ia, x}},
      {{Make(kRegex, "n", "2.*")}, {n2, both}},
      {{Make(kRegex, "n", ".*")}, {n1, n2, both, ia, x}},
      {{Make(kRegex, "n", ".+")}, {n1, n2, both}},
      {{Make(kNotRegex, "n", "1|2")}, {both, ia, x}},
      {{Make(kNotRegex, "n", "1|")}, {n2, both}},
      {{Make(kNotRegex, "n", ".+")}, {ia, x}},
      {{Make(kNotRegex, "n", ".*")}, {}},
      {{Make(kEqual, "__name__", "m"), Make(kEqual, "i", "a")}, {both, ia}},
      {{Make(kEqual, "__name__", "m"), Make(kNotEqual, "i", "a")}, {n1, n2}},
      {{Make(kEqual, "__name__", "m"), Make(kEqual, "i", "a"), Make(kEqual, "n", "")}, {ia}},
      {{Make(kEqual, "n", "unknown")}, {}},
      {{Make(kEqual, "unknown", "")}, {n1, n2, both, ia, x}},
      {{Make(kEqual, "unknown", "1")}, {}},
  };
  for (const Case& c : cases) {
    std::string text;
    for (const Matcher& matcher : c.matchers) text += matcher.ToString() + " ";
    EXPECT_THAT(Names(*Select(c.matchers)), ::testing::UnorderedElementsAreArray(c.found)) << text;
  }
}

TEST_F(HeadTest, SelectsOnlySeriesWithSamplesInTheRange) {
  Write({{"__name__", "m"}}, kStart + 1000, 1);
  for (const auto& [range, expected] :
       std::vector<std::pair<TimeRange, size_t>>{{{kStart, kStart + 999}, 0},
                                                 {{kStart, kStart + 1000}, 1},
                                                 {{kStart + 1001, kStart + 2000}, 0}}) {
    EXPECT_EQ(Select({}, range)->size(), expected);
  }
}

TEST_F(HeadTest, ReadsTheNewestSampleOfAnyRange) {
  for (int i = 0; i < 300; ++i) Write({{"__name__", "m"}}, kStart + i * 1000, i);
  const auto set = Select({});
  for (const int newest : {0, 1, 119, 120, 121, 250, 299}) {
    const auto found = set->ReadNewest(0, {kStart, kStart + newest * 1000 + 999});
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->t_ms, kStart + newest * 1000);
    EXPECT_EQ(found->value, newest);
  }
  EXPECT_FALSE(set->ReadNewest(0, {kStart + 1, kStart + 999}).has_value());
  EXPECT_FALSE(set->ReadNewest(0, {kStart - 10, kStart - 1}).has_value());
}

TEST_F(HeadTest, ASelectionDoesNotSeeLaterCommits) {
  for (int i = 0; i < 130; ++i) Write({{"__name__", "m"}}, kStart + i, i);
  const auto before = Select({});
  const std::string samples = Samples(*before, 0);
  for (int i = 130; i < 400; ++i) Write({{"__name__", "m"}}, kStart + i, i);
  clock_.Advance(std::chrono::hours(2));
  head_.Maintain(clock_.Now());
  EXPECT_EQ(Samples(*before, 0), samples);
  EXPECT_THAT(Names(*before), ElementsAre("m"));
  EXPECT_EQ(Select({})->size(), 0u);
}

TEST_F(HeadTest, HistogramsAndStartTimesComeBackAsTheyWereGiven) {
  auto histogram = std::make_shared<FloatHistogram>();
  histogram->count = 7;
  Appender appender(head_);
  const SeriesRef ref = appender.Register({{"__name__", "h"}});
  appender.Append({.ref = ref, .t_ms = kStart, .value = 1, .start_ms = 5});
  appender.Append({.ref = ref, .t_ms = kStart + 1, .histogram = histogram, .start_ms = 5});
  appender.Append({.ref = ref, .t_ms = kStart + 1, .histogram = histogram, .start_ms = 5});
  appender.Append({.ref = ref, .t_ms = kStart + 2, .value = StaleNan(), .start_ms = 9});
  EXPECT_EQ(appender.Commit()->stored, 4u);
  SampleColumns columns;
  ASSERT_TRUE(Select({})->Read(0, kEver, columns).ok());
  EXPECT_THAT(columns.t_ms, ElementsAre(kStart, kStart + 1, kStart + 2));
  EXPECT_THAT(columns.histograms, ElementsAre(nullptr, histogram, nullptr));
  EXPECT_THAT(columns.start_ms, ElementsAre(5, 5, 9));
  EXPECT_EQ(Select({})->ReadNewest(0, {kStart, kStart + 1})->histogram, histogram);
}

TEST_F(HeadTest, RetentionDropsSeriesAndTellsTheirWriters) {
  Appender appender(head_);
  const SeriesRef old = appender.Register({{"__name__", "old"}});
  appender.Append(old, kStart, 1);
  EXPECT_EQ(appender.Commit()->stored, 1u);
  const uint64_t generation = head_.series_generation();
  clock_.Advance(std::chrono::minutes(59));
  Write({{"__name__", "young"}}, ToMs(clock_.Now()), 1);
  clock_.Advance(std::chrono::minutes(2));
  head_.Maintain(clock_.Now());

  EXPECT_THAT(Names(*Select({})), ElementsAre("young"));
  EXPECT_NE(head_.series_generation(), generation);
  EXPECT_TRUE(head_.LabelsOf(old).empty());
  std::vector<LabelView> views = {{"left", "over"}};
  EXPECT_FALSE(head_.ViewLabels(old, views));
  EXPECT_TRUE(views.empty());
  appender.Append(old, ToMs(clock_.Now()), 2);
  EXPECT_THAT(appender.Commit()->gone, ElementsAre(old));
  EXPECT_EQ(head_.Stats().series, 1u);
  EXPECT_EQ(head_.Stats().series_removed, 1u);
  EXPECT_EQ(head_.Stats().samples, 1u);
  EXPECT_NE(appender.Register({{"__name__", "old"}}), old);
}

TEST_F(HeadTest, ViewsOfLabelsAreSortedByName) {
  Write({{"z", "3"}, {"__name__", "m"}}, kStart, 1);  // interned in another order
  const SeriesRef series = head_.Register({{"a", "1"}, {"__name__", "m"}, {"z", "3"}});
  std::vector<LabelView> views;
  ASSERT_TRUE(head_.ViewLabels(series, views));
  EXPECT_THAT(views,
              ElementsAre(LabelView("__name__", "m"), LabelView("a", "1"), LabelView("z", "3")));
}

TEST(HeadLimitTest, RefusesSeriesOverTheLimitAndLearnsNothingFromThem) {
  FakeClock clock;
  Head head({.max_series = 1}, clock);
  Appender appender(head);
  const SeriesRef first = appender.Register({{"a", "1"}});
  EXPECT_NE(first, kNoSeries);
  EXPECT_EQ(appender.Register({{"a", "1"}}), first);
  const size_t symbols = head.Stats().symbols;
  EXPECT_EQ(appender.Register({{"a", "2"}}), kNoSeries);
  EXPECT_EQ(head.Stats().symbols, symbols);
  appender.Append(kNoSeries, kStart, 1);
  EXPECT_EQ(appender.Commit()->over_limit, 1u);
  EXPECT_EQ(head.LabelsOf(first), (LabelSet{{"a", "1"}}));
}

TEST_F(HeadTest, ListsNamesValuesAndSeries) {
  Write({{"__name__", "m"}, {"b", "2"}}, kStart, 1);
  Write({{"__name__", "m"}, {"a", "1"}}, kStart, 1);
  Write({{"__name__", "x"}, {"a", "3"}}, kStart + 5000, 1);
  const std::vector<std::vector<Matcher>> m = {{Matcher::Equal("__name__", "m")},
                                               {Matcher::Equal("b", "2")}};
  const TimeRange late = {kStart + 1, kStart + 5000};
  EXPECT_THAT(*head_.LabelNames({}, kEver), ElementsAre("__name__", "a", "b"));
  EXPECT_THAT(*head_.LabelNames({}, late), ElementsAre("__name__", "a"));
  EXPECT_THAT(*head_.LabelValues("a", {}, kEver), ElementsAre("1", "3"));
  EXPECT_THAT(*head_.LabelValues("a", m, kEver), ElementsAre("1"));
  EXPECT_THAT(*head_.LabelValues("none", {}, kEver), IsEmpty());
  EXPECT_THAT(*head_.Series(m, kEver), ElementsAre(LabelSet{{"__name__", "m"}, {"a", "1"}},
                                                   LabelSet{{"__name__", "m"}, {"b", "2"}}));
  EXPECT_EQ(Select({}, kEver, 2)->size(), 2u);
}

// The head must agree with a map of maps under any sequence of operations.
class Twin {
 public:
  using SeriesMap = std::map<LabelSet, std::map<int64_t, double>>;

  void Write(const LabelSet& labels, int64_t t_ms, double value) {
    auto& samples = series_[labels];
    if (samples.empty() || samples.rbegin()->first < t_ms) samples.emplace(t_ms, value);
  }
  SeriesMap Select(const std::vector<Matcher>& matchers, TimeRange range) const {
    SeriesMap found;
    for (const auto& [labels, samples] : series_) {
      const bool all = std::all_of(matchers.begin(), matchers.end(), [&labels = labels](auto& m) {
        return m.Matches(labels.Get(m.name()));
      });
      if (!all) continue;
      for (const auto& [t, value] : samples) {
        if (range.Contains(t)) found[labels].emplace(t, value);
      }
    }
    return found;
  }

 private:
  SeriesMap series_;
};

TEST_F(HeadTest, AgreesWithItsNaiveTwinUnderRandomOperations) {
  std::mt19937 random(7);
  const auto pick = [&random](int count) { return static_cast<int>(random() % unsigned(count)); };
  const std::string names[] = {"a", "b", "c"};
  const std::string values[] = {"", "1", "2", "1|2", ".+", "3", "x.*", "2|"};
  Twin twin;
  for (int round = 0; round < 3000; ++round) {
    for (int i = pick(20); i > 0; --i) {
      LabelSet labels;
      for (const std::string& name : names) labels.Set(name, values[pick(3)]);
      const int64_t t = ToMs(clock_.Now()) + pick(5000) - 1000;
      const double value = pick(4) == 0 ? pick(1000) : 1;
      twin.Write(labels, t, value);
      Write(labels, t, value);
    }
    clock_.Advance(std::chrono::milliseconds(pick(pick(100) == 0 ? 5'000'000 : 5000)));
    if (pick(10) == 0) head_.Maintain(clock_.Now());
    if (pick(5) > 0) continue;

    std::vector<Matcher> matchers;
    for (int i = pick(3); i > 0; --i) {
      matchers.push_back(Make(static_cast<MatchOp>(pick(4)), names[pick(3)], values[pick(8)]));
    }
    // What is older may be gone, or still be in a chunk with something younger.
    const int64_t oldest = ToMs(clock_.Now()) - 3'600'000;
    const int64_t min_ms = oldest + pick(3'600'000);
    const TimeRange range{min_ms, min_ms + pick(1'000'000)};
    Twin::SeriesMap found;
    const auto set = Select(matchers, range);
    for (size_t i = 0; i < set->size(); ++i) {
      SampleColumns columns;
      ASSERT_TRUE(set->Read(i, range, columns).ok());
      if (columns.size() == 0) continue;
      auto& samples = found[set->labels(i).ToLabelSet(head_.symbols())];
      for (size_t s = 0; s < columns.size(); ++s) {
        samples.emplace(columns.t_ms[s], columns.values[s]);
      }
      ASSERT_EQ(set->ReadNewest(i, range)->t_ms, samples.rbegin()->first);
    }
    ASSERT_EQ(found, twin.Select(matchers, range)) << "round " << round;
  }
}

}  // namespace
}  // namespace tocsin
