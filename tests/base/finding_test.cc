#include "base/finding.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Finding, EachLineOfAnErrorIsOneWithItsPlace) {
  const std::vector<Finding> found = FindingsOf(
      InvalidArgument("a.yml:3:9: unknown field \"fro\"\na.yml:7: name: empty"), "a.yml", "x/y");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], (Finding{.check = "x/y",
                               .file = "a.yml",
                               .line = 3,
                               .column = 9,
                               .message = "unknown field \"fro\""}));
  EXPECT_EQ(found[1].line, 7);
  EXPECT_EQ(found[1].column, 0);
  EXPECT_EQ(found[1].message, "name: empty");
}

TEST(Finding, AnErrorWithoutAPlaceConcernsTheFile) {
  const std::vector<Finding> found =
      FindingsOf(NotFound("a.yml.bak: no such file: 12"), "a.yml", "x");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].line, 0);
  EXPECT_EQ(found[0].message, "a.yml.bak: no such file: 12");
}

}  // namespace
}  // namespace tocsin
