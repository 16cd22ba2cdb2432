#include "rules/recording_rule.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tocsin {
namespace {

RuleSpec Rule() {
  RuleSpec rule;
  rule.name = "job:x";
  rule.label_overrides = {{"level", "job"}, {"pod", ""}};
  return rule;
}

promql::VectorValue Vector(std::vector<LabelSet> series) {
  promql::VectorValue vector;
  for (LabelSet& labels : series) {
    vector.push_back({std::move(labels), {.value = 3, .histogram = nullptr}});
  }
  return vector;
}

TEST(RecordingRuleTest, ReplacesTheNameAndSetsLabels) {
  const auto samples = Record(
      Rule(), Vector({{{"__name__", "x"}, {"job", "a"}, {"level", "pod"}, {"pod", "p"}}}), 0);
  ASSERT_TRUE(samples.ok());
  ASSERT_EQ(samples->size(), 1u);
  EXPECT_EQ((*samples)[0].labels.ToString(), "job:x{job=\"a\", level=\"job\"}");
  EXPECT_EQ((*samples)[0].value, 3);
}

TEST(RecordingRuleTest, RefusesTwoSamplesOfOneSeries) {
  const auto samples = Record(Rule(), Vector({{{"pod", "p"}}, {{"job", "a"}}, {{"pod", "q"}}}), 0);
  ASSERT_FALSE(samples.ok());
  EXPECT_EQ(samples.error().message,
            "vector contains metrics with the same labelset after applying rule labels");
}

TEST(RecordingRuleTest, RefusesMoreSeriesThanTheLimit) {
  EXPECT_TRUE(Record(Rule(), Vector({{{"job", "a"}}}), 1).ok());
  const auto samples = Record(Rule(), Vector({{{"job", "a"}}, {{"job", "b"}}}), 1);
  ASSERT_FALSE(samples.ok());
  EXPECT_EQ(samples.error().message, "exceeded limit of 1 with 2 series");
}

}  // namespace
}  // namespace tocsin
