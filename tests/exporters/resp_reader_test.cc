#include "exporters/redis/resp_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tocsin {
namespace {

using Kind = RedisReply::Kind;
using testing::HasSubstr;

// The reply that the bytes are, fed in pieces of `piece` bytes.
Result<RedisReply> Read(std::string_view bytes, size_t piece = 1 << 20, RespLimits limits = {}) {
  RespReader reader(limits);
  while (true) {
    Result<std::optional<RedisReply>> reply = reader.Next();
    if (!reply.ok()) return reply.error();
    if (*reply) return **std::move(reply);
    if (bytes.empty()) return Unavailable("incomplete");
    RETURN_IF_ERROR(reader.Feed(bytes.substr(0, piece)));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
}

std::string Text(const RedisReply& reply) {
  switch (reply.kind) {
    case Kind::kText:
      return '"' + reply.text + '"';
    case Kind::kInteger:
      return std::to_string(reply.integer);
    case Kind::kNil:
      return "nil";
    case Kind::kError:
      return "!" + reply.text;
    case Kind::kArray:
      break;
  }
  std::string text = "[";
  for (const RedisReply& element : reply.elements) text += Text(element) + " ";
  return text + "]";
}

TEST(RespReaderTest, EveryKindIsReadHoweverItArrives) {
  struct Case {
    const char* bytes;
    const char* reply;
  };
  for (const Case& test : {
           Case{"+OK\r\n", "\"OK\""},
           Case{"-ERR no\r\n", "!ERR no"},
           Case{":-7\r\n", "-7"},
           Case{"$5\r\na\r\nbc\r\n", "\"a\r\nbc\""},
           Case{"$-1\r\n", "nil"},
           Case{"*0\r\n", "[]"},
           Case{"*-1\r\n", "nil"},
           Case{"*3\r\n$1\r\na\r\n*2\r\n:1\r\n*1\r\n$1\r\nb\r\n:2\r\n", "[\"a\" [1 [\"b\" ] ] 2 ]"},
       }) {
    for (const size_t piece : {1, 2, 3, 1000}) {
      const Result<RedisReply> reply = Read(test.bytes, piece);
      ASSERT_TRUE(reply.ok()) << test.bytes;
      EXPECT_EQ(Text(*reply), test.reply);
    }
  }
}

TEST(RespReaderTest, WhatIsNoProtocolIsAnError) {
  for (const char* bytes :
       {"HTTP/1.1 400 Bad Request\r\n", "%1\r\n+a\r\n+b\r\n", "$x\r\n", "*x\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"}) {
    const Result<RedisReply> reply = Read(bytes);
    ASSERT_FALSE(reply.ok()) << bytes;
    EXPECT_NE(reply.error().message, "incomplete") << bytes;
  }
}

TEST(RespReaderTest, AnAnnouncementCostsNothing) {
  EXPECT_THAT(Read("*2147483647\r\n").error().message, HasSubstr("incomplete"));
  EXPECT_THAT(Read("$536870911\r\nabc").error().message, HasSubstr("incomplete"));
}

TEST(RespReaderTest, MoreThanTheLimitsIsAnError) {
  const RespLimits limits{.max_bytes = 1 << 20, .max_elements = 3};
  std::string many = "*9\r\n";
  for (int i = 0; i < 9; ++i) many += ":1\r\n";
  EXPECT_THAT(Read(many, 10, limits).error().message, HasSubstr("too many elements"));
  EXPECT_THAT(Read("$2000000\r\n" + std::string(1'100'000, 'x'), 5000, limits).error().message,
              HasSubstr("longer than 1 MiB"));
}

TEST(RespReaderTest, LimitsAreOfOneReply) {
  RespReader reader({.max_bytes = 100, .max_elements = 2});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(reader.Feed("*2\r\n$3\r\nabc\r\n:1\r\n").ok());
    const auto reply = reader.Next();
    ASSERT_TRUE(reply.ok());
    ASSERT_TRUE(*reply);
    EXPECT_EQ((*reply)->elements.size(), 2u);
  }
}

TEST(RespReaderTest, RandomBytesEndInAnErrorOrWait) {
  std::mt19937 random(20'250'101);
  constexpr std::string_view kAlphabet = "+-:$*%_0123456789\r\nabc\0";
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    const size_t size = random() % 200;
    for (size_t i = 0; i < size; ++i) bytes += kAlphabet[random() % kAlphabet.size()];
    (void)Read(bytes, 1 + random() % 20);
  }
}

TEST(RespCommandTest, PartsMayHoldAnything) {
  EXPECT_EQ(RespCommand({"SET", "a b", "\r\n"}), "*3\r\n$3\r\nSET\r\n$3\r\na b\r\n$2\r\n\r\n\r\n");
}

}  // namespace
}  // namespace tocsin
