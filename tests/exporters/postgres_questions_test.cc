#include "exporters/postgres/postgres_questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/postgres/postgres_custom.h"
#include "tests/exporters/table_sink.h"
#include "tests/support/fake_clock.h"

namespace tocsin {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::TableSink;

constexpr FamilySpec kAny[] = {{.name = "*", .labels = "*"}};

class QuestionsTest : public testing::Test {
 protected:
  // Answers every statement with the number of statements so far.
  Result<PostgresRows> Answer(const std::string& sql) {
    asked_.push_back(sql);
    if (refuse_ == sql) return PermissionDenied("permission denied");
    PostgresRows rows({"n"});
    rows.Add(std::to_string(asked_.size()));
    return rows;
  }

  static PostgresQuestion Question(const std::string& name, Duration every) {
    return {.name = name,
            .sql = "SELECT " + name,
            .every = every,
            .write =
                [name](const PostgresRows& rows, MetricSink& sink) {
                  sink.Write({.name = name}, std::stod(std::string(*rows.At(0, 0))));
                },
            .role = "pg_monitor"};
  }

  std::vector<std::string> Round(PostgresQuestions& questions) {
    std::vector<std::string> problems;
    EXPECT_TRUE(questions
                    .Ask(
                        clock_, until_, [this](const std::string& sql) { return Answer(sql); },
                        "watch", problems)
                    .ok());
    return problems;
  }

  static std::map<std::string, double> Shown(const PostgresQuestions& questions) {
    TableSink sink(kAny);
    questions.Replay(sink);
    return sink.values();
  }

  testing_support::FakeClock clock_;
  SteadyTime until_ = clock_.Steady() + std::chrono::hours(1);
  std::vector<std::string> asked_;
  std::string refuse_;
};

TEST_F(QuestionsTest, SlowQuestionsAreAskedLessOftenAndShownAlways) {
  PostgresQuestions questions({Question("fast", {}), Question("slow", seconds(30))});
  Round(questions);
  clock_.Advance(seconds(15));
  Round(questions);
  EXPECT_THAT(asked_, ElementsAre("SELECT fast", "SELECT slow", "SELECT fast"));
  EXPECT_EQ(Shown(questions), (std::map<std::string, double>{{"fast", 3}, {"slow", 2}}));
  clock_.Advance(seconds(15));
  Round(questions);
  EXPECT_EQ(asked_.size(), 5u);
}

TEST_F(QuestionsTest, ARefusedQuestionIsAskedAgainAndTheOthersGoOn) {
  PostgresQuestions questions({Question("slow", seconds(60)), Question("fast", {})});
  Round(questions);
  clock_.Advance(seconds(60));
  refuse_ = "SELECT slow";
  EXPECT_THAT(Round(questions), ElementsAre("slow: permission denied; GRANT pg_monitor TO watch"));
  EXPECT_EQ(Shown(questions), (std::map<std::string, double>{{"fast", 4}}));
  refuse_.clear();
  EXPECT_THAT(Round(questions), IsEmpty());
  EXPECT_TRUE(Shown(questions).contains("slow"));
}

TEST_F(QuestionsTest, WhatTimeDoesNotAllowIsForTheNextRound) {
  PostgresQuestions questions({Question("a", {}), Question("slow", seconds(60))});
  until_ = clock_.Steady();
  Round(questions);
  EXPECT_THAT(asked_, IsEmpty());
  until_ = clock_.Steady() + seconds(1);
  Round(questions);
  EXPECT_THAT(asked_, ElementsAre("SELECT a", "SELECT slow"));
}

TEST_F(QuestionsTest, AnEndedSessionEndsTheRound) {
  PostgresQuestions questions({Question("a", {}), Question("b", {})});
  std::vector<std::string> problems;
  int statements = 0;
  const auto broken = [&](const std::string&) -> Result<PostgresRows> {
    ++statements;
    return Unavailable("gone");
  };
  EXPECT_FALSE(questions.Ask(clock_, until_, broken, "watch", problems).ok());
  EXPECT_EQ(statements, 1);
}

TEST_F(QuestionsTest, OutcomesOfEqualNamesAreJoined) {
  PostgresQuestions one({Question("part", {})});
  PostgresQuestions other({Question("part", {})});
  Round(one);
  refuse_ = "SELECT part";
  Round(other);
  std::vector<PostgresOutcome> outcomes;
  one.Report(outcomes);
  other.Report(outcomes);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_FALSE(outcomes[0].success);
}

TEST(RecordedSamplesTest, SamplesComeBackAsTheyWereWritten) {
  RecordedSamples recorded;
  {
    const std::string name = "made_up";
    const FamilySpec family{.name = name, .type = MetricType::kHistogram, .help = "Of a moment."};
    recorded.WriteSuffixed(family, "_bucket", std::vector<MetricSink::LabelView>{{"le", "1"}}, 2);
    recorded.Write({.name = "other", .type = MetricType::kGauge}, {{"a", "b"}, {"c", ""}}, 3);
  }
  constexpr FamilySpec kTable[] = {{.name = "made_up", .type = MetricType::kHistogram},
                                   {.name = "other", .labels = "a,c"}};
  TableSink sink(kTable);
  recorded.Replay(sink);
  EXPECT_EQ(sink.Value("made_up_bucket{le=\"1\"}"), 2);
  EXPECT_EQ(sink.Value("other{a=\"b\"}"), 3);
  recorded.Clear();
  EXPECT_EQ(recorded.size(), 0u);
}

// Types are whatever the query says: a sink without a table.
class TextSink final : public MetricSink {
 public:
  void Write(const FamilySpec& family, std::span<const LabelView> labels, double value) override {
    WriteSuffixed(family, "", labels, value);
  }
  void WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                     std::span<const LabelView> labels, double value) override {
    std::string text = std::string(MetricTypeText(family.type)) + " " + std::string(family.name) +
                       std::string(suffix);
    for (const auto& [name, label] : labels) {
      text.append(" ").append(name).append("=").append(label);
    }
    samples.push_back(text + " " + std::to_string(static_cast<int>(value)));
  }
  std::vector<std::string> samples;
};

TEST(PostgresCustomTest, ColumnsBecomeWhatTheirUsageSays) {
  const auto root = YamlNode::Parse("queries.yml", R"(
pg_jobs:
  query: "SELECT ..."
  metrics:
    - kind: {usage: LABEL}
    - waiting: {usage: GAUGE, description: "Jobs"}
    - done: {usage: counter}
    - noise: {usage: DISCARD}
    - state: {usage: MAPPEDMETRIC, metric_mapping: {good: 1, bad: 0}}
    - lag: {usage: DURATION}
    - size: {usage: HISTOGRAM}
    - old: {usage: GAUGE, supported_versions: "<10.0.0"}
)");
  ASSERT_TRUE(root.ok());
  const auto queries = ReadPostgresQueries(*root);
  ASSERT_TRUE(queries.ok()) << queries.error().message;
  PostgresRows rows({"kind", "waiting", "done", "noise", "state", "lag", "size", "size_bucket",
                     "size_sum", "size_count", "extra", "text", "flag"});
  for (const char* cell :
       {"mail", "3", "7", "9", "good", "1m2s", "{1,2.5}", "{4,5}", "11", "6", "8", "words", "t"}) {
    rows.Add(cell);
  }
  for (int i = 0; i < 13; ++i) rows.Add(i == 0 ? PostgresRows::Cell("mail") : "1");
  TextSink sink;
  WritePostgresQuery((*queries)[0], 150'018, rows, sink);
  EXPECT_THAT(sink.samples,
              ElementsAre("gauge pg_jobs_waiting kind=mail 3", "counter pg_jobs_done kind=mail 7",
                          "gauge pg_jobs_state kind=mail 1",
                          "gauge pg_jobs_lag_milliseconds kind=mail 62000",
                          "histogram pg_jobs_size_sum kind=mail 11",
                          "histogram pg_jobs_size_count kind=mail 6",
                          "histogram pg_jobs_size_bucket kind=mail le=+Inf 6",
                          "histogram pg_jobs_size_bucket kind=mail le=1 4",
                          "histogram pg_jobs_size_bucket kind=mail le=2.5 5",
                          "untyped pg_jobs_extra kind=mail 8", "untyped pg_jobs_flag kind=mail 1"));
}

}  // namespace
}  // namespace tocsin
