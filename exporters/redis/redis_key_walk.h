// A walk through all keys of one database, a piece in each collection.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/regex.h"
#include "exporters/redis/redis_reply.h"

namespace tocsin {

struct RedisWalkOptions {
  std::vector<std::string> count;  // patterns whose keys are counted
  std::vector<std::string> find;   // patterns whose keys are remembered
  std::vector<Regex> groups;
  size_t max_groups = 100;
  size_t max_found = 500;
};

// What one whole walk has shown.
struct RedisWalkResult {
  struct Group {
    double keys = 0;
    double bytes = 0;
  };
  std::map<std::string, double> counts;  // by pattern
  std::map<std::string, Group, std::less<>> groups;
  std::set<std::string> found;
  bool found_more = false;  // than max_found
};

// Begins anew when it has come round; until then the last whole walk stands. A key that SCAN gives
// twice is counted twice, as SCAN documents.
//
// Not thread-safe.
class RedisKeyWalk {
 public:
  explicit RedisKeyWalk(RedisWalkOptions options);

  const std::string& cursor() const { return cursor_; }
  bool wants_memory() const { return !options_.groups.empty(); }
  // An answer of SCAN, and for each of its keys that of MEMORY USAGE (none when memory is not
  // wanted). Returns whether the walk has come round.
  bool Take(const RedisReply& scan, const std::vector<RedisReply>& memory);
  // A walk that was interrupted for good.
  void Restart();
  // Null until the first walk has come round.
  const RedisWalkResult* result() const { return result_ ? &*result_ : nullptr; }

  // How long the walk took, over all collections that it was spread on.
  Duration took() const { return took_; }
  void Spent(Duration time) { spent_ += time; }

 private:
  void See(const std::string& key, double bytes);
  std::string GroupOf(std::string_view key) const;

  const RedisWalkOptions options_;
  std::string cursor_ = "0";
  RedisWalkResult walking_;
  std::optional<RedisWalkResult> result_;
  Duration spent_{};
  Duration took_{};
};

}  // namespace tocsin
