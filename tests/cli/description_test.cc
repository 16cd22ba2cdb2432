#include "cli/description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/terminal.h"

namespace tocsin::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TargetSnapshot Target(const std::string& pool, const std::string& url, bool built_in) {
  TargetSnapshot target;
  target.scrape_pool = pool;
  target.scrape_url = url;
  target.built_in = built_in;
  target.interval = std::chrono::seconds(15);
  return target;
}

std::string Describe(const Config& config, const TargetsSnapshot& targets) {
  return DescribeFindings({.url = "http://127.0.0.1:9977",
                           .config = config,
                           .targets = targets,
                           .rules = {},
                           .alertmanagers = {},
                           .retention = std::chrono::hours(24)});
}

TEST(Description, SaysWhatIsNotWatchedWithoutAConfiguration) {
  Config config;
  config.collectors.redis.emplace_back();
  EXPECT_THAT(Describe(config, {.active = {Target("redis", "tocsin://redis/r:6379", true)}}),
              AllOf(HasSubstr("collects        redis every 15s  tocsin://redis/r:6379\n"),
                    HasSubstr("DATABASE_URL, CELERY_BROKER_URL not set"),
                    HasSubstr("no rule_files are configured"),
                    HasSubstr("no Alertmanagers are configured")));
}

TEST(Description, DoesNotSuggestVariablesToThoseWithAConfiguration) {
  Config config;
  config.path = "tocsin.yml";
  EXPECT_THAT(Describe(config, {}),
              AllOf(HasSubstr("configuration   tocsin.yml\n"), Not(HasSubstr("DATABASE_URL"))));
}

TEST(Description, FitsOneScreenHoweverMuchIsWatched) {
  TargetsSnapshot targets;
  for (int i = 0; i < 3000; ++i) {
    const std::string number = std::to_string(i);
    targets.active.push_back(Target("job" + std::to_string(i % 50), "http://h" + number, false));
  }
  Config config;
  config.warnings.resize(100, "something is off");
  const std::string text = Describe(config, targets);
  EXPECT_LE(std::ranges::count(text, '\n'), 40);
  EXPECT_THAT(text, AllOf(HasSubstr(" and 57 more\n"), HasSubstr("and 30 more jobs\n")));
}

TEST(Terminal, ColorsOnlyWhenAsked) {
  EXPECT_EQ(Colored("x", Color::kRed, false), "x");
  EXPECT_EQ(Colored("x", Color::kRed, true), "\033[1;31mx\033[0m");
}

}  // namespace
}  // namespace tocsin::cli
