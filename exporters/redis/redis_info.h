// The text of Redis' INFO command.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/collector.h"

namespace tocsin {

// Fields in their order of name; sections do not matter, names are unique.
class RedisInfo {
 public:
  explicit RedisInfo(std::string_view text);

  // "" when there is no such field.
  std::string_view Get(std::string_view field) const;
  // Numbers; 1 for ok, up, yes and 0 for other words.
  std::optional<double> Number(std::string_view field) const;
  const std::map<std::string, std::string, std::less<>>& fields() const { return fields_; }

 private:
  std::map<std::string, std::string, std::less<>> fields_;
};

// "calls=1,usec=2" and "keys=5,expires=0": the value of one part, 0 when it is not there.
double RedisPart(std::string_view list, std::string_view name);
std::string_view RedisTextPart(std::string_view list, std::string_view name);

struct RedisInfoOptions {
  int databases = 0;  // how many there are, so that empty ones are written too
  bool aliases = true;
  size_t max_commands = 200;  // in the percentiles, those called most
};
// Everything that INFO says.
void WriteRedisInfo(const RedisInfo& info, const RedisInfoOptions& options, MetricSink& sink);

// Numbers of the databases that have keys, at most a thousand.
std::vector<int> UsedRedisDatabases(const RedisInfo& info);
// The plain numbers of INFO, or of CLUSTER INFO, whose text has the same form.
void WriteRedisNumbers(const RedisInfo& info, MetricSink& sink);

using RedisCommandSet = std::set<std::string, std::less<>>;
// Those that were called most.
RedisCommandSet BusiestCommands(const RedisInfo& info, size_t most);

}  // namespace tocsin
