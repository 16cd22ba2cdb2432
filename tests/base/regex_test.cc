#include "base/regex.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Regex, AnchoredMatchesTheWholeText) {
  const Regex regex = *Regex::CompileAnchored("a.*|b");
  EXPECT_TRUE(regex.Matches("abc"));
  EXPECT_TRUE(regex.Matches("a\nc"));
  EXPECT_FALSE(regex.Matches("xb"));
  EXPECT_FALSE(regex.Matches("bc"));
}

TEST(Regex, TakesGosNamedGroups) {
  const Regex regex = *Regex::CompileAnchored("(?P<x>a+)-(?<y>b+)");
  std::vector<std::string_view> groups;
  ASSERT_TRUE(regex.Match("aa-b", &groups));
  EXPECT_EQ(regex.Expand("$y/${x}/$1$2/$$/$nope/$", groups), "b/aa/aab/$//$");
}

TEST(Regex, ExpandsAsGoDoes) {
  const Regex regex = *Regex::CompileAnchored("(.)(.)");
  std::vector<std::string_view> groups;
  ASSERT_TRUE(regex.Match("ab", &groups));
  const struct {
    const char* replacement;
    const char* expanded;
  } cases[] = {{"$1x", ""},  {"${1}x", "ax"}, {"$0", "ab"}, {"$9", ""},    {"${", "${"},
               {"$-", "$-"}, {"x$2", "xb"},   {"", ""},     {"$1_$2", "b"}};
  for (const auto& c : cases)
    EXPECT_EQ(regex.Expand(c.replacement, groups), c.expanded) << c.replacement;
}

TEST(Regex, ReplacesAllAsGoDoes) {
  const struct {
    const char* pattern;
    const char* text;
    const char* replacement;
    const char* result;
  } cases[] = {{"a", "banana", "o", "bonono"},
               {"a*", "baac", "x", "xbxcx"},
               {"(b)(.)", "abcbd", "$2$1", "acbdb"},
               {"x", "abc", "y", "abc"},
               {"", "ab", "-", "-a-b-"},
               {"", "\xC3\xBC", "-", "-\xC3\xBC-"},
               {"^", "ab", "x", "xab"},
               {"b+", "abbb", "", "a"}};
  for (const auto& c : cases) {
    EXPECT_EQ(Regex::Compile(c.pattern)->ReplaceAll(c.text, c.replacement), c.result)
        << c.pattern << " in " << c.text;
  }
}

TEST(Regex, SaysWhatIsBroken) {
  const auto broken = Regex::CompileAnchored("a(");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().message.rfind("error parsing regexp: ", 0), 0u)
      << broken.error().message;
  EXPECT_FALSE(Regex::Compile("a{1001}").ok());
}

TEST(QuoteRegex, MatchesItself) {
  const std::string literal = "a.b*c+(d)[e]{f}^$|\\?";
  EXPECT_TRUE(Regex::CompileAnchored(QuoteRegex(literal))->Matches(literal));
}

}  // namespace
}  // namespace tocsin
