#include "exporters/redis/redis_key_walk.h"

#include <utility>

#include "exporters/redis/redis_glob.h"

namespace tocsin {
namespace {

constexpr std::string_view kNoGroup = "unclassified";
constexpr std::string_view kOtherGroups = "overflow";

}  // namespace

RedisKeyWalk::RedisKeyWalk(RedisWalkOptions options) : options_(std::move(options)) { Restart(); }

void RedisKeyWalk::Restart() {
  cursor_ = "0";
  walking_ = {};
  spent_ = {};
  for (const std::string& pattern : options_.count) walking_.counts[pattern] = 0;
}

bool RedisKeyWalk::Take(const RedisReply& scan, const std::vector<RedisReply>& memory) {
  if (scan.elements.size() != 2) {
    Restart();
    return true;
  }
  const std::vector<RedisReply>& keys = scan.elements[1].elements;
  for (size_t i = 0; i < keys.size(); ++i) {
    See(keys[i].text, i < memory.size() ? static_cast<double>(memory[i].integer) : 0);
  }
  cursor_ = scan.elements[0].text;
  if (cursor_ != "0" && !cursor_.empty()) return false;
  took_ = spent_;
  result_ = std::move(walking_);
  Restart();
  return true;
}

void RedisKeyWalk::See(const std::string& key, double bytes) {
  for (auto& [pattern, count] : walking_.counts) {
    if (MatchesRedisPattern(pattern, key)) ++count;
  }
  for (const std::string& pattern : options_.find) {
    if (!MatchesRedisPattern(pattern, key)) continue;
    if (walking_.found.size() >= options_.max_found && !walking_.found.contains(key)) {
      walking_.found_more = true;
    } else {
      walking_.found.insert(key);
    }
  }
  if (options_.groups.empty()) return;
  std::string name = GroupOf(key);
  auto group = walking_.groups.find(name);
  if (group == walking_.groups.end()) {
    if (walking_.groups.size() >= options_.max_groups) name = kOtherGroups;
    group = walking_.groups.try_emplace(std::move(name)).first;
  }
  ++group->second.keys;
  group->second.bytes += bytes;
}

std::string RedisKeyWalk::GroupOf(std::string_view key) const {
  std::vector<std::string_view> parts;
  for (const Regex& group : options_.groups) {
    if (!group.Match(key, &parts)) continue;
    return std::string(parts.size() > 1 ? parts[1] : parts[0]);
  }
  return std::string(kNoGroup);
}

}  // namespace tocsin
