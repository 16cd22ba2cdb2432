#include "server/active_query_log.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace tocsin::server {
namespace {

class ActiveQueryLogTest : public testing::Test {
 protected:
  std::vector<std::string> Unfinished() const {
    std::vector<std::string> queries;
    for (const UnfinishedQuery& query : UnfinishedQueries({bytes_.data(), bytes_.size()})) {
      queries.push_back(query.query);
    }
    return queries;
  }

  using Queries = std::vector<std::string>;
  testing_support::FakeClock clock_;
  std::vector<char> bytes_ = std::vector<char>(ActiveQueryLog::SizeFor(2));
  ActiveQueryLog log_{bytes_, clock_};
};

TEST_F(ActiveQueryLogTest, HoldsWhatRuns) {
  const size_t first = log_.Began("up");
  const size_t second = log_.Began("sum(\"a\nb\")");
  EXPECT_EQ(Unfinished(), (Queries{"up", "sum(\"a\nb\")"}));
  log_.Ended(first);
  EXPECT_EQ(Unfinished(), (Queries{"sum(\"a\nb\")"}));
  log_.Began("rate(x[5m])");
  EXPECT_EQ(Unfinished(), (Queries{"rate(x[5m])", "sum(\"a\nb\")"}));
  log_.Ended(second);
}

TEST_F(ActiveQueryLogTest, KnowsWhenAQueryBegan) {
  log_.Began("up");
  const auto queries = UnfinishedQueries({bytes_.data(), bytes_.size()});
  ASSERT_EQ(queries.size(), 1U);
  EXPECT_EQ(queries[0].started_s, ToMs(clock_.Now()) / 1000);
}

TEST_F(ActiveQueryLogTest, CutsLongQueriesBetweenCharacters) {
  for (const std::string& part : {std::string("a"), std::string("\u00e4"), std::string("\"")}) {
    std::string query;
    while (query.size() < 5000) query += part;
    const size_t token = log_.Began(query);
    ASSERT_EQ(Unfinished().size(), 1U);
    const std::string kept = Unfinished()[0];
    EXPECT_GT(kept.size(), 300U);
    EXPECT_TRUE(query.starts_with(kept));
    EXPECT_EQ(kept.size() % part.size(), 0U);
    log_.Ended(token);
  }
}

TEST_F(ActiveQueryLogTest, LeavesOutWhatHasNoPlace) {
  log_.Began("a");
  log_.Began("b");
  log_.Ended(log_.Began("c"));
  EXPECT_EQ(Unfinished(), (Queries{"a", "b"}));
}

TEST(UnfinishedQueriesTest, PassesOverWhatIsBroken) {
  EXPECT_TRUE(UnfinishedQueries("").empty());
  EXPECT_TRUE(UnfinishedQueries("[").empty());
  EXPECT_TRUE(UnfinishedQueries(std::string(3000, 'x')).empty());
  EXPECT_TRUE(UnfinishedQueries("[{\"query\":5},").empty());
}

}  // namespace
}  // namespace tocsin::server
