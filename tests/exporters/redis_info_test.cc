#include "exporters/redis/redis_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporters/redis/redis_connection.h"
#include "tests/exporters/table_sink.h"

namespace tocsin {
namespace {

constexpr std::string_view kInfo =
    "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\n"
    "# Clients\r\nconnected_clients:3\r\nmaxclients:10000\r\n"
    "# Stats\r\nkeyspace_hits:8\r\nkeyspace_misses:2\r\n"
    "# Persistence\r\nrdb_last_bgsave_status:ok\r\naof_last_write_status:err\r\n"
    "# Commandstats\r\ncmdstat_get:calls=5,usec=1000,usec_per_call=200,rejected_calls=1,"
    "failed_calls=2\r\n"
    "# Errorstats\r\nerrorstat_NOAUTH:count=4\r\n"
    "# Replication\r\nslave0:ip=10.0.0.2,port=6380,state=online,offset=99,lag=1\r\n"
    "# Keyspace\r\ndb0:keys=12,expires=3,avg_ttl=4500\r\n";

TEST(RedisInfoTest, NumbersAndStatesAreRead) {
  const RedisInfo info(kInfo);
  EXPECT_EQ(info.Get("redis_version"), "7.0.15");
  EXPECT_EQ(info.Number("connected_clients"), 3);
  EXPECT_EQ(info.Number("rdb_last_bgsave_status"), 1);
  EXPECT_EQ(info.Number("aof_last_write_status"), 0);
  EXPECT_EQ(info.Number("nothing"), std::nullopt);
}

TEST(RedisInfoTest, PartsOfListsAreRead) {
  EXPECT_EQ(RedisPart("keys=12,expires=3", "expires"), 3);
  EXPECT_EQ(RedisPart("keys=12,expires=3", "keys"), 12);
  EXPECT_EQ(RedisPart("keys=12", "other"), 0);
  EXPECT_EQ(RedisTextPart("ip=10.0.0.2,port=6380", "ip"), "10.0.0.2");
}

TEST(RedisUrlTest, PartsAreReadAndSecretsStaySecret) {
  const auto address = ParseRedisUrl(Secret("redis://me:p%40ss@cache:6380/2"));
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->Text(), "cache:6380");
  EXPECT_EQ(address->user, "me");
  EXPECT_EQ(address->password.Reveal(), "p@ss");
  EXPECT_EQ(address->database, 2);
  EXPECT_EQ(ParseRedisUrl(Secret("unix:///run/redis.sock"))->Text(), "/run/redis.sock");
  for (const char* broken : {"cache:6379", "http://:geheim@x", "redis://:geheim@x:port",
                             "redis://:geheim@x/zero", "redis2://:geheim@x"}) {
    const auto error = ParseRedisUrl(Secret(broken));
    ASSERT_FALSE(error.ok()) << broken;
    EXPECT_EQ(error.error().message.find("geheim"), std::string::npos);
  }
}

}  // namespace
}  // namespace tocsin
