// The tables of the Postgres and Redis collectors against what rules and dashboards ask for, and
// against captures of the exporters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "exporters/collectors.h"
#include "tests/support/shared_files.h"

namespace tocsin {
namespace {

using Names = std::set<std::string>;

struct MustHave {
  std::string name;
  std::string type;
  Names labels;
};

Names Split(const std::string& text) {
  Names names;
  std::istringstream parts(text);
  std::string name;
  while (std::getline(parts, name, ',')) {
    if (name != "-" && name != "server") names.insert(name);
  }
  return names;
}

std::vector<MustHave> ReadTable(const std::filesystem::path& path) {
  std::vector<MustHave> rows;
  std::istringstream lines(testing_support::ReadAll(path));
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    MustHave row;
    std::string labels;
    std::getline(fields, row.name, '\t');
    std::getline(fields, row.type, '\t');
    std::getline(fields, labels, '\t');
    row.labels = Split(labels);
    if (row.name.starts_with("pg_") || row.name.starts_with("redis_")) rows.push_back(row);
  }
  return rows;
}

// Whether the table has the family with this type and room for these labels.
void ExpectGiven(const MustHave& row) {
  const FamilySpec* family = FindFamily(row.name);
  ASSERT_NE(family, nullptr) << row.name;
  EXPECT_EQ(MetricTypeText(family->type), row.type) << row.name;
  Names labels;
  for (const std::string_view label : SplitLabelNames(family->labels)) labels.emplace(label);
  // pg_stat_activity_* can have more labels than anybody asks for.
  EXPECT_TRUE(std::ranges::includes(labels, row.labels)) << row.name;
  if (!row.name.starts_with("pg_stat_activity_")) {
    EXPECT_EQ(labels, row.labels) << row.name;
  }
}

TEST(MustHaveDatabasesTest, EveryNameIsGivenWithTypeAndLabels) {
  const std::vector<MustHave> rows =
      ReadTable(testing_support::SourceFolder() / "tests/data/must_have_databases.tsv");
  EXPECT_EQ(rows.size(), 96u);
  for (const MustHave& row : rows) ExpectGiven(row);
}

TEST(MustHaveDatabasesTest, TheListIsWhole) {
  const auto path = testing_support::FindShared("peers/exporters/must-have.tsv");
  if (!path) GTEST_SKIP() << "the exporters' captures are not here";
  Names own;
  for (const MustHave& row :
       ReadTable(testing_support::SourceFolder() / "tests/data/must_have_databases.tsv")) {
    own.insert(row.name);
  }
  for (const MustHave& row : ReadTable(*path)) EXPECT_TRUE(own.contains(row.name)) << row.name;
}

// Families of the exporters that tocsin leaves out; docs/collectors-*.md say why.
const Names kLeftOut = {"redis_exporter_build_info", "redis_exporter_scrape_duration_seconds",
                        "redis_target_scrape_request_errors_total"};
// Of these, tocsin's have a label more or less, as docs/collectors-postgres.md says.
const Names kOtherLabels = {"pg_statio_user_indexes_idx_blks_hit_total",
                            "pg_statio_user_indexes_idx_blks_read_total"};

struct Captured {
  std::map<std::string, std::string> types;
  std::map<std::string, Names> labels;
};

Captured ReadCapture(const std::filesystem::path& path) {
  Captured captured;
  std::istringstream lines(testing_support::ReadAll(path));
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string hash;
    std::string keyword;
    std::string name;
    std::string type;
    words >> hash >> keyword >> name >> type;
    if (hash == "#" && keyword == "TYPE") captured.types[name] = type;
    const size_t brace = line.find('{');
    if (hash == "#" || brace == std::string::npos) continue;
    Names& labels = captured.labels[line.substr(0, brace)];
    for (size_t at = brace + 1; at < line.size() && line[at] != '}';) {
      const size_t equals = line.find("=\"", at);
      size_t end = equals + 2;
      while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2 : 1;
      labels.insert(line.substr(at, equals - at));
      at = end + 1;
      if (at < line.size() && line[at] == ',') ++at;
    }
    labels.erase("server");
  }
  return captured;
}

TEST(MustHaveDatabasesTest, EveryFamilyOfTheCapturesIsGivenOrLeftOutForAReason) {
  if (!testing_support::FindShared("peers/exporters/postgres_exporter.prom")) {
    GTEST_SKIP() << "the exporters' captures are not here";
  }
  size_t compared = 0;
  for (const char* name : {"postgres_exporter", "postgres_exporter-standby", "redis_exporter",
                           "redis_exporter-full", "redis_exporter-replica"}) {
    const auto path = testing_support::FindShared("peers/exporters/" + std::string(name) + ".prom");
    const Captured captured = ReadCapture(*path);
    for (const auto& [family, type] : captured.types) {
      if (!family.starts_with("pg_") && !family.starts_with("redis_")) continue;
      if (kLeftOut.contains(family)) continue;
      const FamilySpec* spec = FindFamily(family);
      ASSERT_NE(spec, nullptr) << family;
      EXPECT_EQ(MetricTypeText(spec->type), type) << family;
      ++compared;
      const auto labels = captured.labels.find(family);
      if (labels == captured.labels.end() || kOtherLabels.contains(family)) continue;
      Names own = {"quantile"};
      for (const std::string_view label : SplitLabelNames(spec->labels)) own.emplace(label);
      EXPECT_TRUE(std::ranges::includes(own, labels->second)) << family;
    }
  }
  EXPECT_GT(compared, 900u);
}

TEST(MustHaveDatabasesTest, EveryInfoFieldOfTheMapIsGiven) {
  const auto path = testing_support::FindShared("peers/exporters/redis-info-map.tsv");
  if (!path) GTEST_SKIP() << "the map of INFO's fields is not here";
  std::istringstream lines(testing_support::ReadAll(*path));
  std::string line;
  size_t rows = 0;
  while (std::getline(lines, line)) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    std::string field;
    std::string name;
    std::string type;
    fields >> field >> name >> type;
    const FamilySpec* family = FindFamily(name);
    ASSERT_NE(family, nullptr) << name;
    EXPECT_EQ(MetricTypeText(family->type), type) << name;
    ++rows;
  }
  EXPECT_GT(rows, 160u);
}

}  // namespace
}  // namespace tocsin
