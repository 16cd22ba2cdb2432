#include "server/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::server {
namespace {

using testing::ElementsAre;

TEST(UrlDecodeTest, ResolvesEscapesAndPlusSigns) {
  struct Row {
    std::string_view encoded;
    std::string_view decoded;
  };
  constexpr Row kRows[] = {
      {"", ""},
      {"a+b", "a b"},
      {"%41b%2Bc", "Ab+c"},
      {"%e2%82%ac", "\xe2\x82\xac"},
      {"100%", "100%"},
      {"%4", "%4"},
      {"%zz", "%zz"},
      {"%%41", "%A"},
      {"a%00b", {"a\0b", 3}},
  };
  for (const Row& row : kRows) EXPECT_EQ(UrlDecode(row.encoded), row.decoded) << row.encoded;
}

TEST(ParametersTest, TheFirstOfANameWinsAndAllAreKept) {
  Parameters parameters;
  parameters.AddEncoded("match[]=up&x&match%5B%5D=a%26b&&x=2&y=");
  EXPECT_EQ(parameters.Get("match[]"), "up");
  EXPECT_THAT(parameters.All("match[]"), ElementsAre("up", "a&b"));
  EXPECT_EQ(parameters.Get("x"), "");
  EXPECT_THAT(parameters.All("x"), ElementsAre("", "2"));
  EXPECT_TRUE(parameters.Has("y"));
  EXPECT_FALSE(parameters.Has("z"));
}

TEST(HttpServerResponseTest, BodyOfJoinsAStream) {
  HttpServerResponse response = PlainText(200, "unused");
  response.stream = [](const BodyWriter& out) {
    EXPECT_TRUE(out("a"));
    EXPECT_TRUE(out("b"));
  };
  EXPECT_EQ(BodyOf(response), "ab");
}

}  // namespace
}  // namespace tocsin::server
