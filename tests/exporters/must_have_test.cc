// Holds the tables of the collectors to the list of names that rules and dashboards of the peers
// use: each is given, with its type and labels, or docs/collectors-left-out.md says why not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "exporters/collectors.h"
#include "tests/support/shared_files.h"

namespace tocsin {
namespace {

struct MustHave {
  std::string name, type, labels, users, capture;
};

std::vector<MustHave> ReadList(const std::filesystem::path& path) {
  std::vector<MustHave> rows;
  std::istringstream lines(testing_support::ReadAll(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::istringstream fields(line);
    MustHave row;
    for (std::string* field : {&row.name, &row.type, &row.labels, &row.users, &row.capture}) {
      std::getline(fields, *field, '\t');
    }
    // Postgres and Redis are compared with their exporters on live servers.
    if (row.name.starts_with("pg_") || row.name.starts_with("redis_")) continue;
    rows.push_back(std::move(row));
  }
  return rows;
}

// The names, or beginnings of names, in the first column of the page's table.
bool IsLeftOut(const std::string& page, const std::string& name) {
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    std::string left_out = line.substr(3, line.find('`', 3) - 3);
    const bool beginning = left_out.ends_with('*');
    if (beginning) left_out.pop_back();
    if (beginning ? name.starts_with(left_out) : name == left_out) return true;
  }
  return false;
}

// The family of a sample's name: nginx_http_request_duration_seconds_bucket belongs to a histogram.
const FamilySpec* FamilyOf(std::string name) {
  if (const FamilySpec* family = FindFamily(name)) return family;
  for (const std::string suffix : {"_bucket", "_count", "_sum"}) {
    if (!name.ends_with(suffix)) continue;
    const FamilySpec* family = FindFamily(name.substr(0, name.size() - suffix.size()));
    if (family != nullptr && family->type == MetricType::kHistogram) return family;
  }
  return nullptr;
}

TEST(MustHaveTest, EveryNameIsGivenOrLeftOutForAReason) {
  const auto list = testing_support::FindShared("peers/exporters/must-have.tsv");
  if (!list) GTEST_SKIP() << "the list of must-have families is not here";
  const std::string page =
      testing_support::ReadAll(testing_support::SourceFolder() / "docs/collectors-left-out.md");
  ASSERT_FALSE(page.empty());
  size_t given = 0;
  for (const MustHave& row : ReadList(*list)) {
    const FamilySpec* family = FamilyOf(row.name);
    if (family == nullptr) {
      EXPECT_TRUE(IsLeftOut(page, row.name)) << row.name << " is neither given nor explained";
      continue;
    }
    ++given;
    if (row.capture == "absent") continue;
    EXPECT_EQ(MetricTypeText(family->type), row.type) << row.name;
    const std::vector<std::string_view> labels = SplitLabelNames(family->labels);
    for (const std::string_view label : SplitLabelNames(row.labels)) {
      EXPECT_TRUE(std::ranges::find(labels, label) != labels.end())
          << row.name << " has no label " << label;
    }
  }
  EXPECT_GT(given, 180U);
}

TEST(MustHaveTest, NothingIsBothGivenAndLeftOut) {
  const std::string page =
      testing_support::ReadAll(testing_support::SourceFolder() / "docs/collectors-left-out.md");
  for (const CollectorSpec& collector : Collectors()) {
    for (const FamilySpec& family : collector.families) {
      EXPECT_FALSE(IsLeftOut(page, std::string(family.name))) << family.name;
    }
  }
}

TEST(MustHaveTest, TablesAreSortedAndComplete) {
  for (const CollectorSpec& collector : Collectors()) {
    EXPECT_TRUE(std::ranges::is_sorted(collector.families, {}, &FamilySpec::name))
        << collector.name;
    for (const FamilySpec& family : collector.families) {
      EXPECT_FALSE(family.help.empty()) << family.name;
      EXPECT_TRUE(collector.up.empty() || FindFamily(collector.up) != nullptr) << collector.up;
    }
  }
}

}  // namespace
}  // namespace tocsin
