// All that the Redis collector gives, and all fields of INFO that it reads.
#pragma once

#include <algorithm>
#include <array>

#include "exporters/family_index.h"
#include "exporters/redis/redis_info_fields.h"
#include "exporters/redis/redis_key_families.h"
#include "exporters/redis/redis_server_families.h"

namespace tocsin {

// Sorted by field.
inline constexpr auto kRedisInfoFields = [] {
  auto fields =
      Joined(kRedisServerFields, kRedisClientsFields, kRedisMemoryFields, kRedisPersistenceFields,
             kRedisStatsFields, kRedisReplicationFields, kRedisCPUFields, kRedisClusterFields,
             kRedisSentinelFields, kRedisKeyDBFields, kRedisModulesFields);
  std::ranges::sort(fields, {}, &RedisInfoField::field);
  return fields;
}();

// Sorted by name.
inline constexpr auto kRedisFamilies = SortedByName([] {
  constexpr auto kOthers = Joined(kRedisServerFamilies, kRedisKeyFamilies);
  std::array<FamilySpec, kOthers.size() + kRedisInfoFields.size()> families{};
  const auto end = std::ranges::copy(kOthers, families.begin()).out;
  std::ranges::transform(kRedisInfoFields, end, &RedisInfoField::family);
  return families;
}());

}  // namespace tocsin
