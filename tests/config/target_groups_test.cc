#include "config/target_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(TargetGroups, AreTheSameInJsonAndYaml) {
  const std::string text =
      R"([{"targets": ["a:1", "[::1]:2"], "labels": {"zone": "x\u00e9", "__scheme__": "https"}}, {}])";
  const auto json = ParseJsonTargetGroups(text);
  ASSERT_TRUE(json.ok()) << json.error().message;
  const auto document = YamlNode::Parse("f.yml", text);
  ASSERT_TRUE(document.ok()) << document.error().message;
  const auto yaml = ReadTargetGroups(*document);
  ASSERT_TRUE(yaml.ok()) << yaml.error().message;
  EXPECT_EQ(*json, *yaml);
  EXPECT_THAT(json->at(0).targets, ElementsAre("a:1", "[::1]:2"));
  EXPECT_THAT(json->at(1).targets, IsEmpty());
}

TEST(TargetGroups, ErrorsOfJsonNameTheGroup) {
  struct Case {
    std::string text;
    std::string message;
  };
  const Case cases[] = {
      {"{}", "expected an array of groups of targets"},
      {"[", ""},
      {R"([{"targets": []}, 7])", "group 2: must be an object"},
      {R"([{"targets": "a:1"}])", "group 1: \"targets\" must be an array"},
      {R"([{"targets": [1]}])", "group 1: a target must be a string"},
      {R"([{"targets": ["http://u:pw@a/x"]}])", "\"http://a/x\" is not a valid hostname"},
      {R"([{"labels": {"a-b": "x"}}])", "group 1: \"a-b\" is not a valid label name"},
      {R"([{"labels": {"a": 1}}])", "group 1: the label \"a\" must be a string"},
      {R"([{"target": []}])", "group 1: unknown field \"target\""},
  };
  for (const Case& each : cases) {
    const auto groups = ParseJsonTargetGroups(each.text);
    ASSERT_FALSE(groups.ok()) << each.text;
    EXPECT_THAT(groups.error().message, HasSubstr(each.message));
  }
}

}  // namespace
}  // namespace tocsin
