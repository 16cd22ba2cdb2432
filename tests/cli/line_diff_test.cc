#include "cli/line_diff.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "cli/junit.h"

namespace tocsin::cli {
namespace {

TEST(LineDiff, KeepsWhatIsTheSameAndMarksTheRest) {
  EXPECT_EQ(LineDiff("a\nb\nc\n", "a\nx\nc\nd", false), "  a\n- b\n+ x\n  c\n+ d\n");
  EXPECT_EQ(LineDiff("", "a", false), "+ a\n");
  EXPECT_EQ(LineDiff("a", "", true), "\033[1;31m- a\033[0m\n");
}

std::string Lines(std::mt19937& random) {
  std::string text;
  for (size_t i = random() % 8; i > 0; --i) {
    text += static_cast<char>('a' + random() % 3);
    text += '\n';
  }
  return text;
}

// The lines of a difference that begin with one of the marks, without them.
std::string Side(const std::string& diff, std::string_view marks) {
  std::string side;
  for (size_t at = 0; at < diff.size(); at = diff.find('\n', at) + 1) {
    if (marks.find(diff[at]) == std::string_view::npos) continue;
    side += diff.substr(at + 2, diff.find('\n', at) - at - 1);
  }
  return side;
}

// The longest common subsequence, by trying.
size_t Common(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return 0;
  if (a.substr(0, 2) == b.substr(0, 2)) return 1 + Common(a.substr(2), b.substr(2));
  return std::max(Common(a.substr(2), b), Common(a, b.substr(2)));
}

TEST(LineDiff, GivesBothTextsBackAndIsTheShortest) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const std::string before = Lines(random);
    const std::string after = Lines(random);
    const std::string diff = LineDiff(before, after, false);
    EXPECT_EQ(Side(diff, " -"), before);
    EXPECT_EQ(Side(diff, " +"), after);
    EXPECT_EQ(Side(diff, " ").size() / 2, Common(before, after)) << diff;
  }
}

TEST(Junit, CountsAndEscapes) {
  const std::string xml =
      RenderJunit({{.name = "a<b.yml",
                    .cases = {{"one", {}}, {"two & three", {"  exp: \"x\"\nmore"}}},
                    .errors = {}},
                   {.name = "broken.yml", .cases = {}, .errors = {"no file"}}});
  EXPECT_EQ(xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
            "  <testsuite name=\"a&lt;b.yml\" tests=\"2\" failures=\"1\" errors=\"0\">\n"
            "    <testcase classname=\"a&lt;b.yml\" name=\"one\"/>\n"
            "    <testcase classname=\"a&lt;b.yml\" name=\"two &amp; three\">\n"
            "      <failure message=\"exp: &quot;x&quot;\">  exp: &quot;x&quot;\nmore</failure>\n"
            "    </testcase>\n"
            "  </testsuite>\n"
            "  <testsuite name=\"broken.yml\" tests=\"1\" failures=\"0\" errors=\"1\">\n"
            "    <testcase classname=\"broken.yml\" name=\"broken.yml\">\n"
            "      <error message=\"no file\">no file</error>\n"
            "    </testcase>\n"
            "  </testsuite>\n"
            "</testsuites>\n");
}

}  // namespace
}  // namespace tocsin::cli
