#include "config/postgres_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using testing::HasSubstr;

Result<std::vector<PostgresQuery>> Read(const std::string& text) {
  const Result<YamlNode> root = YamlNode::Parse("queries.yml", text);
  if (!root.ok()) return root.error();
  return ReadPostgresQueries(*root);
}

TEST(PostgresQueriesTest, AllFieldsAreRead) {
  const auto queries = Read(
      "pg_x:\n  query: SELECT 1 AS n\n  master: true\n  cache_seconds: 60\n"
      "  runonserver: '>=10.0.0'\n  metrics:\n    - n: {usage: GAUGE, description: d}\n");
  ASSERT_TRUE(queries.ok()) << queries.error().message;
  ASSERT_EQ(queries->size(), 1u);
  const PostgresQuery& query = (*queries)[0];
  EXPECT_EQ(query.name, "pg_x");
  EXPECT_EQ(query.sql, "SELECT 1 AS n");
  EXPECT_TRUE(query.master);
  EXPECT_EQ(query.cache, std::chrono::seconds(60));
  EXPECT_TRUE(query.versions.Contains(150'018));
  EXPECT_FALSE(query.versions.Contains(90'624));
  EXPECT_EQ(query.columns[0].description, "d");
}

TEST(PostgresQueriesTest, AnEmptyFileHasNoQueries) {
  ASSERT_TRUE(Read("").ok());
  EXPECT_TRUE(Read("")->empty());
}

TEST(PostgresQueriesTest, ErrorsNameThePlace) {
  struct Case {
    const char* text;
    const char* error;
  };
  for (const Case& test : {
           Case{"pg_x:\n  metrics: []\n", "query"},
           Case{"pg_x:\n  query: q\n  qery: q\n", "queries.yml:3:3: unknown field \"qery\""},
           Case{"pg x:\n  query: q\n", "queries.yml:1:1: \"pg x\" cannot begin a metric name"},
           Case{"pg_x:\n  query: q\n  metrics:\n    - n: {usage: GAGE}\n", "is no usage"},
           Case{"pg_x:\n  query: q\n  metrics:\n    - 1n: {usage: GAUGE}\n", "queries.yml:4:7"},
           Case{"pg_x:\n  query: q\n  runonserver: newest\n", "is no range of versions"},
           Case{"pg_x:\n  query: q\n  cache_seconds: -1\n", "cannot be negative"},
           Case{"pg_x:\n  query: q\n  metrics:\n    - n: {usage: MAPPEDMETRIC, metric_mapping: "
                "{a: b}}\n",
                "\"b\" is no number"},
       }) {
    const auto queries = Read(test.text);
    ASSERT_FALSE(queries.ok()) << test.text;
    EXPECT_THAT(queries.error().message, HasSubstr(test.error));
  }
}

TEST(PostgresVersionRangeTest, AlternativesAndConditions) {
  struct Case {
    const char* range;
    int version;
    bool contained;
  };
  for (const Case& test : {
           Case{"", 90'000, true},
           Case{">=10.0.0 <12.0.0", 110'022, true},
           Case{">=10.0.0 <12.0.0", 120'000, false},
           Case{"<9.6.0 || >14", 140'000, false},
           Case{"<9.6.0 || >14", 90'524, true},
           Case{"15.18.0", 150'018, true},
           Case{"!15.18.0", 150'018, false},
           Case{"<=15", 150'000, true},
       }) {
    const auto range = PostgresVersionRange::Parse(test.range);
    ASSERT_TRUE(range.ok()) << test.range;
    EXPECT_EQ(range->Contains(test.version), test.contained) << test.range << ' ' << test.version;
  }
  for (const char* broken : {">=", "||", "10 ||", "ten", ">=10.0.0.0", "10..0", "10,11"}) {
    EXPECT_FALSE(PostgresVersionRange::Parse(broken).ok()) << broken;
  }
}

}  // namespace
}  // namespace tocsin
