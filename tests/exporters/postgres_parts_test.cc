#include "exporters/postgres/postgres_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/postgres/postgres_families.h"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Remembers samples as "name{label=value,…} 1".
class TextSink final : public MetricSink {
 public:
  using MetricSink::Write;
  void Write(const FamilySpec& family, std::span<const LabelView> labels, double value) override {
    std::string text(family.name);
    for (const auto& [name, label] : labels) {
      text.append(" ").append(name).append("=").append(label);
    }
    samples.push_back(text + " " + std::to_string(static_cast<long long>(value)));
  }
  void WriteSuffixed(const FamilySpec& family, std::string_view, std::span<const LabelView> labels,
                     double value) override {
    Write(family, labels, value);
  }
  std::vector<std::string> samples;
};

TEST(PostgresRowsTest, ColumnsThatAreFamiliesBecomeSamples) {
  const PostgresPart part{"x", "pg_stat_database_", "datname", ""};
  const PostgresRows rows{{"datname", "deadlocks", "unknown", "conflicts", "conflicts"},
                          {{"app", "3", "9", "1", "2"}, {std::nullopt, "4", "9", "1", {}}}};
  TextSink sink;
  WritePostgresRows(part, rows, kPostgresFamilies, sink);
  EXPECT_THAT(sink.samples, ElementsAre("pg_stat_database_conflicts datname=app 2",
                                        "pg_stat_database_deadlocks datname=app 3",
                                        "pg_stat_database_deadlocks 4"));
}

TEST(PostgresSettingsTest, UnitsBecomeBytesAndSeconds) {
  const PostgresRows rows{{"name", "setting", "unit", "vartype"},
                          {{"shared_buffers", "16", "8kB", "integer"},
                           {"statement_timeout", "1500", "ms", "integer"},
                           {"checkpoint_timeout", "5", "min", "integer"},
                           {"temp_file_limit", "-1", "kB", "integer"},
                           {"fsync", "on", "", "bool"},
                           {"pg_stat_statements.max", "5000", "", "integer"}}};
  TextSink sink;
  WritePostgresSettings(rows, sink);
  EXPECT_THAT(sink.samples,
              ElementsAre("pg_settings_shared_buffers_bytes 131072",
                          "pg_settings_statement_timeout_seconds 1",
                          "pg_settings_checkpoint_timeout_seconds 300",
                          "pg_settings_temp_file_limit_bytes -1", "pg_settings_fsync 1",
                          "pg_settings_pg_stat_statements_max 5000"));
}

TEST(PostgresPartsTest, OnlyKnownColumnsBecomeLabelsOfActivity) {
  const auto sql_of = [](const std::vector<std::string>& labels) {
    for (const PostgresPart& part : PostgresParts(labels)) {
      if (part.name == "stat_activity") return part.sql;
    }
    return std::string();
  };
  EXPECT_THAT(sql_of({}), Not(HasSubstr("GROUP BY")));
  EXPECT_THAT(sql_of({"state"}), HasSubstr("GROUP BY state"));
  EXPECT_THAT(sql_of({"usename; DROP TABLE x"}), Not(HasSubstr("DROP")));
}

TEST(PostgresPartsTest, FamiliesAreSortedByName) {
  EXPECT_TRUE(std::ranges::is_sorted(kPostgresFamilies, {}, &FamilySpec::name));
}

}  // namespace
}  // namespace tocsin
