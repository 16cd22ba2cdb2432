#include "cli/serve_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

// The flags as the parser would hand them over.
Arguments Given(const std::vector<std::pair<std::string, std::string>>& values) {
  Arguments arguments;
  for (const FlagSpec& flag : ServeFlags()) {
    arguments.SetFallback(std::string(flag.name), std::string(flag.fallback));
  }
  for (const auto& [name, value] : values) arguments.SetValues(name, {value});
  return arguments;
}

TEST(ServeFlags, AreThoseOfPrometheusWithItsDefaults) {
  const Result<ServeOptions> options = ReadServeFlags(Given({}));
  ASSERT_TRUE(options.ok()) << options.error().message;
  const AppOptions& app = options->app;
  EXPECT_EQ(app.config_file, "");
  EXPECT_EQ(app.listen_address, "127.0.0.1:9977");
  EXPECT_EQ(app.retention, std::chrono::hours(24 * 15));
  EXPECT_EQ(app.resend_delay, std::chrono::minutes(1));
  EXPECT_EQ(app.outage_tolerance, std::chrono::hours(1));
  EXPECT_EQ(app.notifications.queue_capacity, 10'000);
  EXPECT_EQ(app.engine.lookback_ms, 300'000);
  EXPECT_EQ(app.engine.timeout, std::chrono::minutes(2));
  EXPECT_EQ(app.engine.max_concurrent, 20);
  EXPECT_EQ(app.engine.max_samples, 50'000'000);
  EXPECT_FALSE(app.lifecycle);
  EXPECT_FALSE(app.remote_write_receiver);
  EXPECT_EQ(options->log_level, LogLevel::kInfo);
}

TEST(ServeFlags, AreShownByTheApi) {
  const Result<ServeOptions> options =
      ReadServeFlags(Given({{"--web.enable-lifecycle", "true"}, {"--query.timeout", "10s"}}));
  ASSERT_TRUE(options.ok());
  EXPECT_THAT(options->app.flags, Contains(Pair("web.enable-lifecycle", "true")));
  EXPECT_THAT(options->app.flags, Contains(Pair("web.enable-remote-write-receiver", "false")));
  EXPECT_THAT(options->app.flags, Contains(Pair("query.timeout", "10s")));
  EXPECT_TRUE(std::ranges::is_sorted(options->app.flags));
}

struct WrongFlag {
  const char* flag;
  const char* value;
  const char* error;
};
constexpr WrongFlag kWrongFlags[] = {
    {"--storage.tsdb.retention.time", "soon", "--storage.tsdb.retention.time: "},
    {"--storage.tsdb.retention.time", "0", "must be more than 0"},
    {"--query.max-concurrency", "0", "must be more than 0"},
    {"--query.max-samples", "many", "\"many\" is not a whole number"},
    {"--query.max-samples", "-1", "\"-1\" is not a whole number"},
    {"--storage.max-series", "1.5", "\"1.5\" is not a whole number"},
    {"--web.external-url", "ops.example", "must begin with http:// or https://"},
    {"--enable-feature", "warp", "there is no feature \"warp\""},
    {"--log.level", "loud", "loud"},
    {"--log.format", "xml", "xml"},
};

TEST(ServeFlags, AWrongValueIsNamed) {
  for (const WrongFlag& wrong : kWrongFlags) {
    const Result<ServeOptions> options = ReadServeFlags(Given({{wrong.flag, wrong.value}}));
    ASSERT_FALSE(options.ok()) << wrong.flag << "=" << wrong.value;
    EXPECT_THAT(options.error().message, HasSubstr(wrong.error));
  }
}

TEST(ServeFlags, FeaturesReachTheEngine) {
  const Result<ServeOptions> options = ReadServeFlags(
      Given({{"--enable-feature",
              "promql-experimental-functions,promql-delayed-name-removal,native-histograms"}}));
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_TRUE(options->app.engine.parser.experimental_functions);
  EXPECT_TRUE(options->app.engine.delayed_name_removal);
  EXPECT_FALSE(options->app.engine.type_and_unit_labels);
}

}  // namespace
}  // namespace tocsin::cli
