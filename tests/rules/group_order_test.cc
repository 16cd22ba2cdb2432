#include "rules/group_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/rules/rules_fixture.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::vector<size_t>> Upstreams(const std::string& groups) {
  const auto parsed = ParseRuleFile("r.yml", "groups:\n" + groups);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message;
  std::vector<const RuleGroupSpec*> specs;
  for (const RuleGroupSpec& spec : *parsed) specs.push_back(&spec);
  return UpstreamsOf(specs);
}

TEST(GroupOrderTest, AReaderWaitsForItsWriterWhereverItStands) {
  EXPECT_THAT(Upstreams("- {name: a, eval_offset: 0s, rules: [{record: x, expr: y}]}\n"
                        "- {name: b, eval_offset: 0s, rules: [{record: y, expr: up}]}\n"),
              ElementsAre(ElementsAre(1), IsEmpty()));
}

TEST(GroupOrderTest, GroupsThatNeverMeetDoNotWait) {
  EXPECT_THAT(Upstreams("- {name: a, eval_offset: 0s, rules: [{record: x, expr: y}]}\n"
                        "- {name: b, eval_offset: 1s, rules: [{record: y, expr: up}]}\n"),
              ElementsAre(IsEmpty(), IsEmpty()));
  EXPECT_THAT(
      Upstreams("- {name: a, interval: 20s, eval_offset: 10s, rules: [{record: x, expr: y}]}\n"
                "- {name: b, interval: 30s, eval_offset: 0s, rules: [{record: y, expr: up}]}\n"),
      ElementsAre(ElementsAre(1), IsEmpty()))
      << "at 30 s";
}

TEST(GroupOrderTest, ACircleIsCutWhereItGoesBack) {
  EXPECT_THAT(Upstreams("- {name: a, eval_offset: 0s, rules: [{record: x, expr: z}]}\n"
                        "- {name: b, eval_offset: 0s, rules: [{record: y, expr: x}]}\n"
                        "- {name: c, eval_offset: 0s, rules: [{record: z, expr: y}]}\n"),
              ElementsAre(IsEmpty(), ElementsAre(0), ElementsAre(1)));
}

TEST(SlotOffsetTest, IsWhatTheGroupSaysOrAHash) {
  RuleGroupSpec group{.name = "a", .file = "f", .interval = 1min};
  const Duration hash = SlotOffset(group);
  EXPECT_GE(hash, 0s);
  EXPECT_LT(hash, 1min);
  group.extensions.eval_offset = 20s;
  EXPECT_EQ(SlotOffset(group), 20s);
  group.extensions.eval_offset = -20s;
  EXPECT_EQ(SlotOffset(group), 40s);
}

class SlotsTest : public testing_support::RulesFixture {};

TEST_F(SlotsTest, TheGroupIsEvaluatedAtItsOffset) {
  StartWith("  - {name: a, eval_offset: 20s, rules: [{record: x, expr: 1}]}\n");
  Advance(2min);
  EXPECT_EQ(ToMs(Group().next_evaluation) % 60'000, 20'000);
  EXPECT_EQ(ToMs(*Group().last_evaluation) % 60'000, 20'000);
}

TEST_F(SlotsTest, AChainOfGroupsIsComputedWithinOneSlot) {
  StartWith(R"(
  - {name: a, eval_offset: 0s, rules: [{record: third, expr: second}]}
  - {name: b, eval_offset: 0s, rules: [{record: second, expr: first}]}
  - {name: c, eval_offset: 0s, rules: [{record: first, expr: time()}]}
)");
  Advance(3min);
  EXPECT_EQ(Value("timestamp(third) - third"), 0) << "not what the slot before gave";
  EXPECT_EQ(Group(0).missed_iterations, 0u);
}

}  // namespace
}  // namespace tocsin
