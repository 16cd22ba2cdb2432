#include "exporters/postgres/postgres_statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "exporters/postgres/postgres_parts.h"
#include "exporters/postgres/postgres_settings.h"
#include "tests/exporters/table_sink.h"
#include "tests/support/shared_files.h"

namespace tocsin {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using testing_support::TableSink;

constexpr int kOldest = 10;
constexpr int kNewest = 18;

// What tests/data/postgres/catalogues.txt says of a version; extensions as they come with it.
PostgresCatalogue CatalogueOf(int version) {
  std::istringstream lines(testing_support::ReadAll(testing_support::SourceFolder() /
                                                    "tests/data/postgres/catalogues.txt"));
  PostgresCatalogue catalogue{.version = version * 10'000};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string of;
    std::string view;
    std::string columns;
    fields >> of >> view >> columns;
    if (of != std::to_string(version)) continue;
    catalogue.views[view].qualified = "pg_catalog." + view;
    std::istringstream names(columns);
    std::string name;
    while (std::getline(names, name, ',')) catalogue.views[view].columns.insert(name);
  }
  return catalogue;
}

std::set<std::string> FamiliesOf(const PostgresCatalogue& catalogue) {
  std::set<std::string> names;
  for (const PostgresPart& part : PostgresParts()) {
    const auto statement = MakePostgresStatement(part, catalogue, {});
    if (!statement) continue;
    for (const FamilySpec* family : statement->families) names.emplace(family->name);
  }
  return names;
}

std::string SqlOf(std::string_view part, const PostgresCatalogue& catalogue,
                  const PostgresStatementOptions& options = {}) {
  const auto statement = MakePostgresStatement(*FindPostgresPart(part), catalogue, options);
  return statement ? statement->sql : "";
}

PostgresRows Rows(std::vector<std::string> columns,
                  const std::vector<std::vector<PostgresRows::Cell>>& cells) {
  PostgresRows rows(std::move(columns));
  for (const auto& row : cells) {
    for (const PostgresRows::Cell& cell : row) rows.Add(cell);
  }
  return rows;
}

TEST(PostgresPartsTest, FamiliesAreSortedByNameAndOfOneKind) {
  const std::span<const FamilySpec> families = PostgresFamilies();
  EXPECT_TRUE(std::ranges::is_sorted(families, {}, &FamilySpec::name));
  EXPECT_EQ(std::ranges::adjacent_find(families, {}, &FamilySpec::name), families.end());
  for (const PostgresPart& part : PostgresParts()) {
    for (const PostgresFigure& figure : part.figures) {
      const auto row = std::ranges::find(families, figure.name, &FamilySpec::name);
      ASSERT_NE(row, families.end()) << figure.name;
      EXPECT_EQ(row->type, figure.type) << figure.name;
      EXPECT_EQ(row->labels, part.labels) << figure.name;
    }
  }
}

TEST(PostgresPartsTest, NamesAreUniqueAndFiguresBearThePrefix) {
  std::set<std::string_view> names;
  for (const PostgresPart& part : PostgresParts()) {
    EXPECT_TRUE(names.insert(part.name).second) << part.name;
    for (const PostgresFigure& figure : part.figures) {
      if (!figure.sql.empty()) continue;
      EXPECT_TRUE(figure.name.starts_with(part.prefix)) << figure.name;
    }
  }
}

TEST(PostgresPartsTest, EveryVersionGivesWhatAllVersionsHave) {
  for (int version = kOldest; version <= kNewest; ++version) {
    const std::set<std::string> families = FamiliesOf(CatalogueOf(version));
    for (const char* name : {"pg_stat_activity_count",
                             "pg_locks_count",
                             "pg_replication_lag_seconds",
                             "pg_stat_database_xact_commit",
                             "pg_stat_database_conflicts_confl_lock",
                             "pg_stat_bgwriter_checkpoints_timed_total",
                             "pg_stat_bgwriter_checkpoints_req_total",
                             "pg_stat_bgwriter_checkpoint_write_time_total",
                             "pg_stat_bgwriter_buffers_clean_total",
                             "pg_stat_bgwriter_buffers_checkpoint_total",
                             "pg_stat_bgwriter_buffers_backend_total",
                             "pg_stat_bgwriter_buffers_alloc_total",
                             "pg_stat_user_tables_seq_scan",
                             "pg_stat_user_tables_last_autovacuum",
                             "pg_stat_user_tables_table_size_bytes",
                             "pg_stat_replication_pg_wal_lsn_diff",
                             "pg_stat_wal_receiver_flushed_lsn",
                             "pg_replication_slots_pg_wal_lsn_diff",
                             "pg_wal_size_bytes",
                             "pg_stat_ssl_compression",
                             "pg_blocking_blocked_sessions",
                             "pg_stat_progress_vacuum_num_dead_tuples"}) {
      EXPECT_THAT(families, Contains(name)) << "Postgres " << version;
    }
  }
}

TEST(PostgresPartsTest, ColumnsAppearWithTheVersionThatBringsThem) {
  struct Case {
    const char* family;
    int since;
  };
  for (const Case& test : {Case{"pg_stat_database_checksum_failures_total", 12},
                           Case{"pg_replication_slots_wal_status", 13},
                           Case{"pg_stat_database_session_time_seconds_total", 14},
                           Case{"pg_stat_wal_bytes_total", 14}, Case{"pg_stat_io_reads_total", 16},
                           Case{"pg_stat_user_tables_last_seq_scan", 16},
                           Case{"pg_stat_checkpointer_num_timed_total", 17},
                           Case{"pg_replication_slots_invalidated", 17},
                           Case{"pg_stat_user_tables_total_vacuum_seconds_total", 18}}) {
    for (int version = kOldest; version <= kNewest; ++version) {
      EXPECT_EQ(FamiliesOf(CatalogueOf(version)).contains(test.family), version >= test.since)
          << test.family << ", Postgres " << version;
    }
  }
}

TEST(PostgresPartsTest, WhatMovedToTheCheckpointerKeepsItsOldNameOnce) {
  for (int version = kOldest; version <= kNewest; ++version) {
    std::map<std::string_view, int> times;
    for (const PostgresPart& part : PostgresParts()) {
      const auto statement = MakePostgresStatement(part, CatalogueOf(version), {});
      if (!statement) continue;
      for (const FamilySpec* family : statement->families) ++times[family->name];
    }
    for (const auto& [name, count] : times) EXPECT_EQ(count, 1) << name << ' ' << version;
  }
  EXPECT_THAT(SqlOf("stat_checkpointer_old_names", CatalogueOf(17), {.aliases = false}), IsEmpty());
}

TEST(PostgresPartsTest, AnUnknownVersionGivesWhatItStillHas) {
  PostgresCatalogue future = CatalogueOf(kNewest);
  future.version = 250'000;
  future.views["pg_stat_database"].columns.erase("blks_hit");
  future.views["pg_stat_database"].columns.insert("blks_guessed");
  future.views.erase("pg_stat_archiver");
  const std::string sql = SqlOf("stat_database", future);
  EXPECT_THAT(sql, HasSubstr("blks_read"));
  EXPECT_THAT(sql, Not(HasSubstr("blks_hit")));
  EXPECT_THAT(sql, Not(HasSubstr("blks_guessed")));
  EXPECT_THAT(SqlOf("stat_archiver", future), IsEmpty());
}

TEST(PostgresPartsTest, OnlyKnownColumnsBecomeLabelsOfActivity) {
  const PostgresCatalogue catalogue = CatalogueOf(15);
  EXPECT_THAT(SqlOf("stat_activity", catalogue, {.activity_labels = {}}),
              Not(HasSubstr("GROUP BY")));
  EXPECT_THAT(SqlOf("stat_activity", catalogue, {.activity_labels = {"state"}}),
              HasSubstr("GROUP BY state"));
  EXPECT_THAT(SqlOf("stat_activity", catalogue, {.activity_labels = {"usename; DROP TABLE x"}}),
              Not(HasSubstr("DROP")));
  EXPECT_THAT(SqlOf("stat_activity_duration", catalogue, {.activity_labels = {}}),
              HasSubstr("GROUP BY datname, state"));
}

TEST(PostgresPartsTest, TablesBeyondTheCapAreMerged) {
  const std::string sql = SqlOf("stat_user_tables", CatalogueOf(15), {.max_tables = 7});
  EXPECT_THAT(sql, HasSubstr("<= 7 AS shown"));
  EXPECT_THAT(sql, HasSubstr("CASE WHEN shown THEN relname::text ELSE '_other' END"));
  EXPECT_THAT(sql, HasSubstr("sum(seq_scan)"));
  EXPECT_THAT(sql, HasSubstr("max(COALESCE(extract(epoch FROM last_vacuum), 0))"));
}

TEST(PostgresPartsTest, ExtensionsAreNamedWithTheirSchema) {
  PostgresCatalogue catalogue = CatalogueOf(15);
  catalogue.views["pg_stat_statements"] = {"ext.pg_stat_statements",
                                           {"calls", "total_exec_time", "rows", "blk_read_time"}};
  EXPECT_THAT(SqlOf("stat_statements", catalogue, {.statements_limit = 20}),
              testing::AllOf(HasSubstr("FROM ext.pg_stat_statements s"), HasSubstr("LIMIT 20")));
}

TEST(PostgresCatalogueTest, SessionAndViewsAreRead) {
  const PostgresCatalogue catalogue = ReadPostgresCatalogue(
      Rows({"v", "u", "d", "m", "t"},
           {{"150018", "watch", "app", "pg_monitor,pg_read_all_stats", "f"}}),
      Rows({"s", "v", "c"}, {{"pg_catalog", "pg_stat_io", "reads"}, {"ext", "fn", ""}}));
  EXPECT_EQ(catalogue.version, 150'018);
  EXPECT_EQ(catalogue.role, "watch");
  EXPECT_THAT(catalogue.missing_roles, UnorderedElementsAre("pg_monitor", "pg_read_all_stats"));
  EXPECT_FALSE(catalogue.has_unreadable_tables);
  EXPECT_TRUE(catalogue.Has("pg_stat_io", "reads"));
  EXPECT_FALSE(catalogue.Has("pg_stat_io", "writes"));
  EXPECT_EQ(catalogue.views.at("fn").qualified, "ext.fn");
}

TEST(PostgresCatalogueTest, TablesThatMayNotBeReadAreNoRole) {
  const PostgresCatalogue catalogue = ReadPostgresCatalogue(
      Rows({"v", "u", "d", "m", "t"}, {{"130011", "watch", "app", std::nullopt, "t"}}), {});
  EXPECT_TRUE(catalogue.has_unreadable_tables);
  EXPECT_THAT(catalogue.missing_roles, testing::IsEmpty());
}

TEST(PostgresRowsTest, LabelsAndFiguresAreInTheStatementsOrder) {
  const auto statement = MakePostgresStatement(*FindPostgresPart("locks"), CatalogueOf(15), {});
  ASSERT_TRUE(statement);
  TableSink sink(PostgresFamilies());
  WritePostgresRows(*statement,
                    Rows({"datname", "mode", "count"},
                         {{"app", "sharelock", "3"}, {"app", "exclusivelock", std::nullopt}}),
                    sink);
  EXPECT_EQ(sink.Value("pg_locks_count{datname=\"app\", mode=\"sharelock\"}"), 3);
  EXPECT_EQ(sink.values().size(), 1u);
}

TEST(PostgresRowsTest, RowsOfAnotherFormArePassedOver) {
  const auto statement = MakePostgresStatement(*FindPostgresPart("locks"), CatalogueOf(15), {});
  TableSink sink(PostgresFamilies());
  WritePostgresRows(*statement, Rows({"x"}, {{"1"}}), sink);
  WritePostgresRows(*statement, PostgresRows(), sink);
  EXPECT_THAT(sink.values(), IsEmpty());
}

TEST(PostgresRowsTest, IdleSessionsAreAHistogram) {
  const auto statement =
      MakePostgresStatement(*FindPostgresPart("process_idle"), CatalogueOf(15), {});
  ASSERT_TRUE(statement);
  TableSink sink(PostgresFamilies());
  WritePostgresRows(
      *statement,
      Rows({"s", "a", "sum", "count", "1", "2", "5", "15", "30", "60", "90", "120", "300"},
           {{"idle", "app", "40.5", "3", "1", "1", "2", "2", "2", "3", "3", "3", "3"}}),
      sink);
  const std::string labels = "application_name=\"app\", ";
  EXPECT_EQ(sink.Value("pg_process_idle_seconds_bucket{" + labels + "le=\"5\", state=\"idle\"}"),
            2);
  EXPECT_EQ(sink.Value("pg_process_idle_seconds_bucket{" + labels + "le=\"+Inf\", state=\"idle\"}"),
            3);
  EXPECT_EQ(sink.Value("pg_process_idle_seconds_sum{" + labels + "state=\"idle\"}"), 40.5);
}

TEST(PostgresSettingsTest, UnitsBecomeBytesAndSeconds) {
  TableSink sink(PostgresFamilies());
  WritePostgresSettings(Rows({"name", "setting", "unit", "vartype"},
                             {{"shared_buffers", "16", "8kB", "integer"},
                              {"statement_timeout", "1500", "ms", "integer"},
                              {"checkpoint_timeout", "5", "min", "integer"},
                              {"temp_file_limit", "-1", "kB", "integer"},
                              {"fsync", "on", std::nullopt, "bool"},
                              {"random_page_cost", "1.1", std::nullopt, "real"},
                              {"pg_stat_statements.max", "5000", std::nullopt, "integer"},
                              {"broken", "much", std::nullopt, "integer"}}),
                        sink);
  EXPECT_EQ(sink.Value("pg_settings_shared_buffers_bytes"), 131'072);
  EXPECT_EQ(sink.Value("pg_settings_statement_timeout_seconds"), 1.5);
  EXPECT_EQ(sink.Value("pg_settings_checkpoint_timeout_seconds"), 300);
  EXPECT_EQ(sink.Value("pg_settings_temp_file_limit_bytes"), -1);
  EXPECT_EQ(sink.Value("pg_settings_fsync"), 1);
  EXPECT_EQ(sink.Value("pg_settings_random_page_cost"), 1.1);
  EXPECT_EQ(sink.Value("pg_settings_pg_stat_statements_max"), 5000);
  EXPECT_EQ(sink.values().size(), 7u);
}

}  // namespace
}  // namespace tocsin
