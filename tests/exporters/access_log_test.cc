#include "exporters/nginx/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/nginx/nginx_families.h"
#include "exporters/nginx/request_counts.h"
#include "tests/exporters/table_sink.h"

namespace tocsin {
namespace {

using testing::HasSubstr;
using testing_support::TableSink;

constexpr const char* kCombinedLine =
    R"(127.0.0.1 - frank [25/Nov/2026:15:11:20 +0000] "GET /a?b=c HTTP/1.1" 503 612 "-" "curl/7 \x22x")";

AccessLogReader Reader(std::string_view format) {
  Result<AccessLogReader> reader = AccessLogReader::Make(format);
  EXPECT_TRUE(reader.ok());
  return *std::move(reader);
}

TEST(AccessLogTest, TheCombinedFormatIsRead) {
  AccessLogReader reader = Reader("combined");
  const auto request = reader.Read(kCombinedLine);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->status, 503);
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->bytes, 612);
  EXPECT_EQ(request->seconds, std::nullopt);
  EXPECT_EQ(request->host, "");
}

TEST(AccessLogTest, AnOwnFormatIsReadAsNginxWritesIt) {
  AccessLogReader reader = Reader(
      R"($host "$request" $status ${bytes_sent} rt=$request_time ut="$upstream_response_time")");
  const auto request =
      reader.Read(R"(shop.example "POST /buy HTTP/2.0" 201 99 rt=1.250 ut="0.100, 0.200 : 0.300")");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->host, "shop.example");
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->status, 201);
  EXPECT_EQ(request->seconds, 1.25);
  ASSERT_TRUE(request->upstream_s.has_value());
  EXPECT_NEAR(*request->upstream_s, 0.6, 1e-9);
}

TEST(AccessLogTest, JsonIsReadWithNumbersInQuotesOrWithout) {
  AccessLogReader reader = Reader("json");
  for (const char* line :
       {R"({"status":"404","host":"a","request_method":"HEAD","request_time":"0.004"})",
        R"({"request_method":"HEAD","host":"a","request_time":0.004,"status":404,"x":{"y":1}})"}) {
    const auto request = reader.Read(line);
    ASSERT_TRUE(request.has_value()) << line;
    EXPECT_EQ(request->status, 404);
    EXPECT_EQ(request->host, "a");
    EXPECT_EQ(request->method, "HEAD");
    EXPECT_EQ(request->seconds, 0.004);
  }
}

TEST(AccessLogTest, AnAbsentUpstreamIsNoZero) {
  AccessLogReader reader = Reader("$status $upstream_response_time");
  EXPECT_EQ(reader.Read("200 -")->upstream_s, std::nullopt);
}

TEST(AccessLogTest, OtherLinesAreNoRequests) {
  AccessLogReader combined = Reader("combined");
  AccessLogReader json = Reader("json");
  for (const std::string& line :
       {std::string(), std::string("\xff\xfe\x00", 3), std::string(5000, '"'), std::string("[]"),
        std::string("{\"status\":{}}"), std::string(2000, '['), std::string("{\"status\":\"abc\"}"),
        std::string("a - b [c] \"d\" 99999999999999999999 1 \"e\" \"f\"")}) {
    EXPECT_FALSE(combined.Read(line).has_value()) << line.substr(0, 50);
    EXPECT_FALSE(json.Read(line).has_value()) << line.substr(0, 50);
  }
}

TEST(AccessLogTest, AFormatThatCannotWorkIsRefused) {
  EXPECT_THAT(AccessLogReader::Make("$remote_addr").error().message, HasSubstr("without $status"));
  EXPECT_THAT(AccessLogReader::Make("$status$host").error().message,
              HasSubstr("nothing stands between $status"));
  EXPECT_FALSE(AccessLogReader::Make("").ok());
}

TEST(RequestCountsTest, RequestsAreCountedUnderTheNamesOfTheCommonAlerts) {
  RequestCounts counts;
  counts.Add({.status = 200, .method = "GET", .host = "a", .seconds = 0.3, .bytes = 10});
  counts.Add({.status = 200, .method = "GET", .host = "a", .seconds = 20, .bytes = 5});
  counts.Add({.status = 500, .method = "BREW", .host = "a"});
  TableSink sink(kNginxFamilies);
  counts.Write(sink);
  EXPECT_EQ(sink.Value(R"(nginx_http_requests_total{host="a", method="GET", status="200"})"), 2);
  EXPECT_EQ(sink.Value(R"(nginx_http_requests_total{host="a", method="other", status="500"})"), 1);
  const std::string bucket = "nginx_http_request_duration_seconds_bucket{host=\"a\", le=";
  EXPECT_EQ(sink.Value(bucket + "\"0.25\"}"), 0);
  EXPECT_EQ(sink.Value(bucket + "\"0.5\"}"), 1);
  EXPECT_EQ(sink.Value(bucket + "\"10.0\"}"), 1);
  EXPECT_EQ(sink.Value(bucket + "\"+Inf\"}"), 2);
  EXPECT_EQ(sink.Value("nginx_http_response_bytes_total{host=\"a\"}"), 15);
}

TEST(RequestCountsTest, EverNewHostsAreOneSeries) {
  RequestCounts counts(3);
  for (int i = 0; i < 100; ++i) {
    const std::string host = "h" + std::to_string(i);
    counts.Add({.status = 200, .method = "GET", .host = host});
  }
  TableSink sink(kNginxFamilies);
  counts.Write(sink);
  EXPECT_EQ(sink.values().size(), 4U);
  EXPECT_EQ(sink.Value(R"(nginx_http_requests_total{host="_other", method="GET", status="200"})"),
            97);
}

}  // namespace
}  // namespace tocsin
