#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "exporters/redis/redis_glob.h"
#include "exporters/redis/redis_key_walk.h"

namespace tocsin {
namespace {

using testing::ElementsAre;

// Tries every way to spread the stars: right, and exponential.
bool NaiveMatch(std::string_view pattern, std::string_view key) {
  if (pattern.empty()) return key.empty();
  if (pattern[0] == '*') {
    for (size_t skip = 0; skip <= key.size(); ++skip) {
      if (NaiveMatch(pattern.substr(1), key.substr(skip))) return true;
    }
    return false;
  }
  if (key.empty()) return false;
  return (pattern[0] == '?' || pattern[0] == key[0]) &&
         NaiveMatch(pattern.substr(1), key.substr(1));
}

TEST(RedisPatternTest, FormsOfPatterns) {
  struct Case {
    const char* pattern;
    const char* key;
    bool matches;
  };
  for (const Case& test : {
           Case{"h?llo", "hello", true},
           Case{"h*llo", "heeeello", true},
           Case{"h[ae]llo", "hallo", true},
           Case{"h[ae]llo", "hillo", false},
           Case{"h[^e]llo", "hallo", true},
           Case{"h[^e]llo", "hello", false},
           Case{"h[a-c]llo", "hbllo", true},
           Case{"h[c-a]llo", "hbllo", true},
           Case{"a\\*b", "a*b", true},
           Case{"a\\*b", "axb", false},
           Case{"[\\]]", "]", true},
           Case{"", "", true},
           Case{"", "a", false},
           Case{"*", "", true},
           Case{"a*", "", false},
           Case{"*a*b*", "xxaxxbxx", true},
           Case{"[", "a", false},
           Case{"sess:*", "session:1", false},
       }) {
    EXPECT_EQ(MatchesRedisPattern(test.pattern, test.key), test.matches)
        << test.pattern << ' ' << test.key;
  }
}

TEST(RedisPatternTest, EqualsTheNaiveMatch) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern;
    std::string key;
    for (size_t i = random() % 7; i > 0; --i) pattern += "ab*?"[random() % 4];
    for (size_t i = random() % 7; i > 0; --i) key += "ab"[random() % 2];
    ASSERT_EQ(MatchesRedisPattern(pattern, key), NaiveMatch(pattern, key)) << pattern << ' ' << key;
  }
}

TEST(RedisPatternTest, ManyStarsTakeNoTime) {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "a*";
  EXPECT_FALSE(MatchesRedisPattern(pattern + "b", std::string(5000, 'a')));
}

RedisReply Reply(std::string text) {
  return {.kind = RedisReply::Kind::kText, .text = std::move(text)};
}

RedisReply Scan(const std::string& cursor, const std::vector<std::string>& keys) {
  RedisReply list{.kind = RedisReply::Kind::kArray};
  for (const std::string& key : keys) list.elements.push_back(Reply(key));
  RedisReply scan{.kind = RedisReply::Kind::kArray};
  scan.elements = {Reply(cursor), list};
  return scan;
}

std::vector<RedisReply> Bytes(size_t keys, long long each) {
  return std::vector<RedisReply>(keys,
                                 {.kind = RedisReply::Kind::kInteger, .text = {}, .integer = each});
}

TEST(RedisKeyWalkTest, FiguresAreThoseOfTheLastWholeWalk) {
  RedisKeyWalk walk({.count = {"a:*", "b:*"}, .find = {"?:1"}});
  EXPECT_FALSE(walk.Take(Scan("17", {"a:1", "a:2"}), {}));
  EXPECT_EQ(walk.cursor(), "17");
  EXPECT_EQ(walk.result(), nullptr);
  EXPECT_TRUE(walk.Take(Scan("0", {"b:1"}), {}));
  ASSERT_NE(walk.result(), nullptr);
  EXPECT_EQ(walk.result()->counts, (std::map<std::string, double>{{"a:*", 2}, {"b:*", 1}}));
  EXPECT_THAT(walk.result()->found, ElementsAre("a:1", "b:1"));
  EXPECT_FALSE(walk.Take(Scan("5", {}), {}));
  EXPECT_EQ(walk.result()->counts.at("a:*"), 2);
  EXPECT_TRUE(walk.Take(Scan("0", {}), {}));
  EXPECT_EQ(walk.result()->counts.at("a:*"), 0);
}

TEST(RedisKeyWalkTest, GroupsAreNamedByTheirFirstSubmatchAndBounded) {
  RedisKeyWalk walk(
      {.groups = {*Regex::Compile("^(\\w+):"), *Regex::Compile("^tmp")}, .max_groups = 3});
  walk.Take(Scan("0", {"a:1", "a:2", "tmp7", "zzz", "c:1", "d:1"}), Bytes(6, 10));
  const auto& groups = walk.result()->groups;
  EXPECT_EQ(groups.at("a").keys, 2);
  EXPECT_EQ(groups.at("a").bytes, 20);
  EXPECT_EQ(groups.at("tmp").keys, 1);
  EXPECT_EQ(groups.at("unclassified").keys, 1);
  EXPECT_EQ(groups.at("overflow").keys, 2);
}

TEST(RedisKeyWalkTest, FoundKeysAreBoundedAndABrokenAnswerBeginsAnew) {
  RedisKeyWalk walk({.find = {"*"}, .max_found = 2});
  walk.Take(Scan("0", {"a", "b", "c", "a"}), {});
  EXPECT_EQ(walk.result()->found.size(), 2u);
  EXPECT_TRUE(walk.result()->found_more);
  walk.Take(Scan("9", {"a"}), {});
  EXPECT_TRUE(walk.Take(Reply("garbage"), {}));
  EXPECT_EQ(walk.cursor(), "0");
}

}  // namespace
}  // namespace tocsin
