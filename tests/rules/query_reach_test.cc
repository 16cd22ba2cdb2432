#include "rules/query_reach.h"

#include <gtest/gtest.h>

#include <string_view>

#include "engine/promql/parser.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only

TEST(QueryReachTest, IsTheLongestWayBack) {
  struct Case {
    std::string_view query;
    Duration reach;
  };
  for (const Case& c : {Case{"1", 0s},
                        {"x > 0", 0s},
                        {"rate(x[5m])", 5min},
                        {"x - x offset 1h", 1h},
                        {"x offset -1h", 0s},
                        {"sum by (a) (rate(x[5m] offset 10m)) / rate(y[1m])", 15min},
                        {"topk(scalar(rate(x[1m])), (y))", 1min},
                        {"max_over_time((-rate(x[5m]))[1h:1m] offset 1m)", 66min}}) {
    const auto query = promql::ParseQuery(c.query);
    ASSERT_TRUE(query.ok()) << c.query;
    EXPECT_EQ(Reach((*query)->root()), c.reach) << c.query;
  }
}

}  // namespace
}  // namespace tocsin
