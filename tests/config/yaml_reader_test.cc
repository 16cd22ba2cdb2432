#include "config/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace tocsin {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;  // NOLINT: literals only

struct Rule {
  std::string expr;
  Duration hold{};
  int64_t limit = 0;
  std::vector<std::pair<std::string, std::string>> labels;
};

Result<Rule> ReadRule(std::string_view text, const YamlOptions& options = {}) {
  ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse("rules.yml", text, options));
  ASSIGN_OR_RETURN(YamlMap map, YamlMap::Open(root, "a rule"));
  Rule rule;
  ASSIGN_OR_RETURN(rule.expr, map.RequiredString("expr"));
  ASSIGN_OR_RETURN(rule.hold, map.OptionalDuration("for", Duration::zero()));
  ASSIGN_OR_RETURN(rule.limit, map.OptionalInt("limit", 7));
  ASSIGN_OR_RETURN(rule.labels, map.OptionalStringMap("labels"));
  RETURN_IF_ERROR(map.RejectUnknownFields());
  return rule;
}

TEST(YamlReader, ReadsFieldsByType) {
  const Result<Rule> rule = ReadRule("expr: up == 0\nfor: 1h30m\nlabels: {a: 1, b: yes, c: ''}\n");
  ASSERT_TRUE(rule.ok()) << rule.error().message;
  EXPECT_EQ(rule->expr, "up == 0");
  EXPECT_EQ(rule->hold, 90min);
  EXPECT_EQ(rule->limit, 7);
  const std::vector<std::pair<std::string, std::string>> labels = {
      {"a", "1"}, {"b", "yes"}, {"c", ""}};
  EXPECT_EQ(rule->labels, labels);
}

TEST(YamlReader, ErrorsNamePlaceAndWayOut) {
  struct Case {
    std::string_view text;
    std::string_view message;
  };
  const Case cases[] = {
      {"expr: up\nfro: 5m\n", "rules.yml:2:1: unknown field \"fro\"; did you mean \"for\"?"},
      {"expr: up\nsomething_else: 5m\n",
       "rules.yml:2:1: unknown field \"something_else\" in a rule"},
      {"for: 5m\n", "rules.yml:1:1: a rule needs the field \"expr\""},
      {"expr: up\nfor:\n  5x\n", "rules.yml:3:3: "},
      {"expr: up\nlimit: many\n", "rules.yml:2:8: expected a whole number, got \"many\""},
      {"expr: [up]\n", "rules.yml:1:7: expected a text, got a list"},
      {"expr: up\nexpr: down\n", "rules.yml:2:1: mapping key \"expr\" already defined at line 1"},
      {"- expr: up\n", "rules.yml:1:1: a rule must be a mapping of fields"},
      {"expr: up\nlabels: {a: [x]}\n", "rules.yml:2:13: expected a text, got a list"},
      {"expr: \"up\nfor: 1m\n", "rules.yml:1:7: this quoted text is never closed"},
      {"expr: 'it''s\n", "rules.yml:1:7: this quoted text is never closed"},
      {"expr: up\nlabels: &l {a: *l}\n",
       "rules.yml:2:16: an alias may not stand inside its own anchor"},
  };
  for (const Case& c : cases) {
    const Result<Rule> rule = ReadRule(c.text);
    ASSERT_FALSE(rule.ok()) << c.text;
    EXPECT_THAT(rule.error().message, HasSubstr(c.message));
  }
}

TEST(YamlReader, FollowsAnchorsAndMergeKeys) {
  const Result<YamlNode> root = YamlNode::Parse("f", R"(
base: &base {expr: up, for: 1m}
other: &other {limit: 3, expr: other}
one:
  <<: *base
  for: 2m
two:
  <<: [*base, *other]
  labels: {a: b}
)");
  ASSERT_TRUE(root.ok()) << root.error().message;
  Result<YamlMap> top = YamlMap::Open(*root, "it");
  ASSERT_TRUE(top.ok());
  Result<YamlMap> one = YamlMap::Open(*top->Find("one"), "one");
  EXPECT_EQ(*one->RequiredString("expr"), "up");
  EXPECT_EQ(*one->OptionalDuration("for", 0ms), 2min);
  Result<YamlMap> two = YamlMap::Open(*top->Find("two"), "two");
  EXPECT_EQ(*two->RequiredString("expr"), "up");
  EXPECT_EQ(*two->OptionalInt("limit", 0), 3);
}

TEST(YamlReader, ReadsOnlyTheFirstDocument) {
  const Result<Rule> rule = ReadRule("expr: up\n---\nnonsense: true\n");
  ASSERT_TRUE(rule.ok()) << rule.error().message;
  EXPECT_EQ(rule->expr, "up");
}

TEST(YamlReader, EmptyFilesAreNull) {
  for (const std::string_view text : {"", "\n# nothing\n", "---\n"}) {
    const Result<YamlNode> root = YamlNode::Parse("f", text);
    ASSERT_TRUE(root.ok()) << text;
    EXPECT_TRUE(root->is_null());
  }
}

TEST(YamlReader, ExpandsScalarsButNotKeys) {
  YamlOptions options;
  options.expand = [](std::string_view text) -> Result<std::string> {
    if (text == "${NONE}") return InvalidArgument("environment variable NONE is not set");
    return text == "expr" ? "broken" : std::string(text) + "!";
  };
  const Result<Rule> rule = ReadRule("expr: up\n", options);
  ASSERT_TRUE(rule.ok()) << rule.error().message;
  EXPECT_EQ(rule->expr, "up!");
  EXPECT_EQ(ReadRule("expr: ${NONE}\n", options).error().message,
            "rules.yml:1:7: environment variable NONE is not set");
}

TEST(YamlReader, BoundsSizeDepthAndAliases) {
  YamlOptions options{.max_bytes = 100'000, .max_nodes = 1000, .max_depth = 20};
  EXPECT_THAT(YamlNode::Parse("f", std::string(100'001, ' '), options).error().message,
              HasSubstr("100001 bytes"));
  EXPECT_THAT(YamlNode::Parse("f", std::string(30, '['), options).error().message,
              HasSubstr("nested deeper than 20 levels"));
  EXPECT_FALSE(YamlNode::Parse("f", std::string(99'000, '['), options).ok());
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    const std::string last = "*" + std::string(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 8; ++i) bomb += last + ", ";
    bomb += last + "]\n";
  }
  EXPECT_THAT(YamlNode::Parse("f", bomb, options).error().message,
              HasSubstr("more than 1000 values"));
}

TEST(YamlReader, ReadsSizesAsPrometheusDoes) {
  struct Case {
    std::string text;
    uint64_t bytes;
  };
  for (const Case& c : {Case{"512", 512}, Case{"1KB", 1024}, Case{"10MB", 10 << 20},
                        Case{"1.5GiB", 1'610'612'736}, Case{"2M", 2 << 20}}) {
    const Result<YamlNode> node = YamlNode::Parse("f", c.text);
    const Result<uint64_t> bytes = node->AsBytes();
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    EXPECT_EQ(*bytes, c.bytes) << c.text;
  }
  EXPECT_FALSE(YamlNode::Parse("f", "ten")->AsBytes().ok());
}

TEST(YamlReader, QuotedTextsAreNeverNull) {
  const Result<YamlNode> root = YamlNode::Parse("f", "[~, null, '~', \"null\", '']");
  const Result<std::vector<YamlNode>> list = root->AsList();
  ASSERT_TRUE(list.ok());
  EXPECT_TRUE((*list)[0].is_null());
  EXPECT_TRUE((*list)[1].is_null());
  EXPECT_FALSE((*list)[2].is_null());
  EXPECT_FALSE((*list)[3].is_null());
  EXPECT_FALSE((*list)[4].is_null());
}

TEST(YamlReader, FloatsAreYamlsAndNotGos) {
  const auto read = [](const std::string& text) {
    return YamlMap::Open(*YamlNode::Parse("a.yml", "v: " + text), "a map")->OptionalDouble("v", 0);
  };
  const std::pair<const char*, double> right[] = {
      {"1.5e3", 1500}, {"-.5", -0.5}, {"1_000", 1000}, {"0x1f", 31}, {"017", 15},
      {"-0b11", -3.0}, {"0", 0},      {"0.3", 0.3},    {"0e3", 0},   {"-.inf", -HUGE_VAL}};
  for (const auto& [text, value] : right) {
    const Result<double> number = read(text);
    ASSERT_TRUE(number.ok()) << text;
    EXPECT_EQ(*number, value) << text;
  }
  EXPECT_TRUE(std::isnan(*read(".nan")));
  for (const char* text : {"NaN", "Inf", "'1'", "one", "1e400", "0.5.5"}) {
    EXPECT_FALSE(read(text).ok()) << text;
  }
}

}  // namespace
}  // namespace tocsin
