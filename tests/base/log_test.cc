#include "base/log.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Log, QuotesWhatNeedsIt) {
  EXPECT_EQ(FormatLogEntry(
                LogFormat::kLogfmt, "T", LogLevel::kWarn, "scrape failed",
                {{"target", "app:8000"}, {"err", "a \"b\"\n\x1b[31m"}, {"n", 3}, {"empty", ""}}),
            "time=T level=WARN msg=\"scrape failed\" target=app:8000 "
            "err=\"a \\\"b\\\"\\n\\x1b[31m\" n=3 empty=\"\"");
}

TEST(Log, SpeaksJson) {
  EXPECT_EQ(FormatLogEntry(LogFormat::kJson, "T", LogLevel::kInfo, "m", {{"ok", true}}),
            R"({"time":"T","level":"INFO","msg":"m","ok":"true"})");
}

TEST(Log, NamesTheChoices) {
  EXPECT_EQ(*ParseLogLevel("warn"), LogLevel::kWarn);
  EXPECT_EQ(ParseLogLevel("loud").error().message,
            "unknown log level \"loud\"; one of debug, info, warn, error");
  EXPECT_EQ(*ParseLogFormat("json"), LogFormat::kJson);
  EXPECT_FALSE(ParseLogFormat("xml").ok());
}

}  // namespace
}  // namespace tocsin
