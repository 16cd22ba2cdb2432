#include "engine/promql/group_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/storage/head.h"
#include "tests/support/fake_clock.h"

namespace tocsin::promql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class GroupPlanTest : public testing::Test {
 protected:
  void Append(const LabelSet& labels, int64_t t_ms, double value) {
    Appender appender(head_);
    appender.Append(labels, t_ms, value);
    ASSERT_TRUE(appender.Commit().ok());
  }

  GroupPlan Plan(std::vector<std::pair<std::string, std::string>> rules) {
    std::vector<GroupQuery> queries;
    for (const auto& [writes, text] : rules) {
      queries.push_back({*engine_.Parse(text), {writes}});
    }
    return GroupPlan(engine_, std::move(queries));
  }

  std::vector<std::pair<std::string, double>> Run(GroupPlan::Evaluation& evaluation, size_t i) {
    std::vector<std::pair<std::string, double>> out;
    const Result<QueryResult> result = evaluation.Run(i);
    if (!result.ok()) return {{result.error().message, 0}};
    for (const VectorElement& element : std::get<VectorValue>(result->value)) {
      out.emplace_back(element.labels.ToString(), element.point.value);
    }
    return out;
  }

  testing_support::FakeClock clock_;
  Head head_{HeadOptions{.retention = Duration(0), .max_future = Duration(0)}, clock_};
  Engine engine_{EngineOptions{}, clock_, nullptr};
};

TEST_F(GroupPlanTest, LabelsThatCameAfterTheFirstEvaluationAreGroupedBy) {
  GroupPlan plan = Plan({{"a", "sum by (pod) (up)"}, {"b", "up * on (pod) weight"}});
  {
    GroupPlan::Evaluation empty = plan.Begin(head_, 1000);
    EXPECT_THAT(Run(empty, 0), IsEmpty());
    EXPECT_THAT(Run(empty, 1), IsEmpty());
  }
  Append({{"__name__", "up"}, {"pod", "x"}}, 2000, 1);
  Append({{"__name__", "up"}, {"pod", "y"}}, 2000, 2);
  Append({{"__name__", "weight"}, {"pod", "y"}}, 2000, 10);
  GroupPlan::Evaluation evaluation = plan.Begin(head_, 2000);
  EXPECT_THAT(Run(evaluation, 0), ElementsAre(Pair("{pod=\"x\"}", 1), Pair("{pod=\"y\"}", 2)));
  EXPECT_THAT(Run(evaluation, 1), ElementsAre(Pair("{pod=\"y\"}", 20)));
}

TEST_F(GroupPlanTest, EqualPartsGiveEqualValuesAndNewSeriesJoin) {
  GroupPlan plan = Plan({{"a", "sum(up)"}, {"b", "sum(up) / count(up)"}, {"c", "sum(up)"}});
  for (int64_t round = 1; round <= 3; ++round) {
    const int64_t t_ms = round * 1000;
    for (int64_t series = 0; series < round; ++series) {
      Append({{"__name__", "up"}, {"pod", std::to_string(series)}}, t_ms, 6);
    }
    GroupPlan::Evaluation evaluation = plan.Begin(head_, t_ms);
    const auto total = static_cast<double>(6 * round);
    EXPECT_THAT(Run(evaluation, 0), ElementsAre(Pair("{}", total)));
    EXPECT_THAT(Run(evaluation, 1), ElementsAre(Pair("{}", 6)));
    EXPECT_THAT(Run(evaluation, 2), ElementsAre(Pair("{}", total)));
  }
}

TEST_F(GroupPlanTest, ALaterRuleSeesWhatAnEarlierOneWrote) {
  GroupPlan plan = Plan({{"written", "written + 1"}, {"x", "written + 1"}});
  Append({{"__name__", "written"}}, 1000, 1);
  GroupPlan::Evaluation evaluation = plan.Begin(head_, 2000);
  EXPECT_THAT(Run(evaluation, 0), ElementsAre(Pair("{}", 2)));
  Append({{"__name__", "written"}}, 2000, 2);
  EXPECT_THAT(Run(evaluation, 1), ElementsAre(Pair("{}", 3)));
}

TEST_F(GroupPlanTest, AFailingRuleLeavesTheOthersAlone) {
  GroupPlan plan = Plan({{"a", "up / ignoring (pod) up"}, {"b", "sum(up)"}});
  Append({{"__name__", "up"}, {"pod", "x"}}, 1000, 1);
  Append({{"__name__", "up"}, {"pod", "y"}}, 1000, 1);
  GroupPlan::Evaluation evaluation = plan.Begin(head_, 1000);
  EXPECT_FALSE(evaluation.Run(0).ok());
  EXPECT_THAT(Run(evaluation, 1), ElementsAre(Pair("{}", 2)));
}

TEST_F(GroupPlanTest, AnnotationsStandWhereTheSharedPartStands) {
  GroupPlan plan = Plan({{"a", "rate(up[1m])"}, {"b", "1 + rate(up[1m])"}});
  Append({{"__name__", "up"}}, 1000, 1);
  Append({{"__name__", "up"}}, 2000, 1);
  GroupPlan::Evaluation evaluation = plan.Begin(head_, 2000);
  const auto first = evaluation.Run(0);
  const auto second = evaluation.Run(1);
  EXPECT_THAT(first->infos, ElementsAre(testing::HasSubstr("(1:6)")));
  EXPECT_THAT(second->infos, ElementsAre(testing::HasSubstr("(1:10)")));
}

}  // namespace
}  // namespace tocsin::promql
