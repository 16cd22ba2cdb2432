#include "exporters/redis/redis_keys.h"

#include <algorithm>
#include <utility>

#include "exporters/family_index.h"
#include "exporters/peer_text.h"
#include "exporters/redis/redis_details.h"
#include "exporters/redis/redis_families.h"
#include "exporters/redis/redis_glob.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

using Kind = RedisReply::Kind;

constexpr int kKeysPerScan = 1000;

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kRedisFamilies, name); }

struct SizeCommand {
  std::string_view type;
  std::string_view command;
};
constexpr SizeCommand kSizeCommands[] = {
    {"string", "STRLEN"}, {"list", "LLEN"}, {"set", "SCARD"},
    {"zset", "ZCARD"},    {"hash", "HLEN"}, {"stream", "XLEN"},
};

std::string DatabaseName(int database) { return "db" + std::to_string(database); }

// "1795440678763-0": the milliseconds.
double IdTime(std::string_view id) { return NumberOrZero(id.substr(0, id.find('-'))); }

struct StreamFigure {
  std::string_view family;
  std::string_view field;
  bool is_id;
};
constexpr StreamFigure kStreamFigures[] = {
    {"redis_stream_length", "length", false},
    {"redis_stream_radix_tree_keys", "radix-tree-keys", false},
    {"redis_stream_radix_tree_nodes", "radix-tree-nodes", false},
    {"redis_stream_groups", "groups", false},
    {"redis_stream_last_generated_id", "last-generated-id", true},
    {"redis_stream_max_deleted_entry_id", "max-deleted-entry-id", true},
};
constexpr StreamFigure kGroupFigures[] = {
    {"redis_stream_group_consumers", "consumers", false},
    {"redis_stream_group_messages_pending", "pending", false},
    {"redis_stream_group_entries_read", "entries-read", false},
    {"redis_stream_group_lag", "lag", false},
    {"redis_stream_group_last_delivered_id", "last-delivered-id", true},
};

const RedisReply* FieldOf(const RedisReply& pairs, std::string_view name) {
  for (size_t i = 0; i + 1 < pairs.elements.size(); i += 2) {
    if (pairs.elements[i].text == name) return &pairs.elements[i + 1];
  }
  return nullptr;
}

void WriteFigures(std::span<const StreamFigure> figures, const RedisReply& pairs,
                  std::span<const MetricSink::LabelView> labels, MetricSink& sink) {
  for (const StreamFigure& figure : figures) {
    const RedisReply* field = FieldOf(pairs, figure.field);
    if (field == nullptr || field->kind == Kind::kNil) continue;
    sink.Write(Family(figure.family), labels,
               figure.is_id ? IdTime(field->text) : static_cast<double>(field->integer));
  }
}

// first-entry and last-entry: an id with what it carries.
void WriteEntryId(std::string_view family, const RedisReply* entry,
                  std::span<const MetricSink::LabelView> labels, MetricSink& sink) {
  if (entry == nullptr || entry->elements.empty()) return;
  sink.Write(Family(family), labels, IdTime(entry->elements[0].text));
}

}  // namespace

RedisKeys::RedisKeys(const RedisConfig& config, const Clock& clock)
    : config_(config), clock_(clock) {}

// Groups are of all databases that have keys, patterns of those that they name.
void RedisKeys::PlanWalks(const std::vector<int>& used) {
  std::map<int, RedisWalkOptions> options;
  for (const RedisKeyPattern& key : config_.count_keys) {
    options[key.database].count.push_back(key.pattern);
  }
  for (const auto* keys : {&config_.check_keys, &config_.check_streams}) {
    for (const RedisKeyPattern& key : *keys) {
      if (IsRedisPattern(key.pattern)) options[key.database].find.push_back(key.pattern);
    }
  }
  if (!config_.key_groups.empty()) {
    for (const int database : used) options[database];
  }
  for (auto& [database, walk] : options) {
    if (walks_.contains(database)) continue;
    walk.groups = config_.key_groups;
    walk.max_groups = static_cast<size_t>(config_.max_key_groups);
    walk.max_found = static_cast<size_t>(config_.max_keys);
    walks_.emplace(database, RedisKeyWalk(std::move(walk)));
  }
}

Status RedisKeys::Collect(const std::vector<int>& used, RedisClient& client,
                          CollectContext& context, MetricSink& sink) {
  PlanWalks(used);
  RETURN_IF_ERROR(WalkOn(client, context));
  RETURN_IF_ERROR(WriteKeys(client, context, sink));
  RETURN_IF_ERROR(WriteStreams(client, context, sink));
  WriteWalks(sink);
  return Ok();
}

// At most so many keys and a quarter of the time that is left: the server has other work.
Status RedisKeys::WalkOn(RedisClient& client, CollectContext& context) {
  int budget = config_.scan_keys_per_collection;
  for (auto& [database, walk] : walks_) {
    const SteadyTime started = clock_.Steady();
    const SteadyTime until = started + (context.deadline - started) / 4;
    while (budget > 0 && clock_.Steady() < until) {
      const std::string select = std::to_string(database);
      ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                       client.Run({{"SELECT", select},
                                   {"SCAN", walk.cursor(), "COUNT",
                                    std::to_string(std::min(budget, kKeysPerScan))}},
                                  context.deadline));
      budget -= kKeysPerScan;
      if (replies[1].kind == Kind::kError || replies[0].kind == Kind::kError) {
        const RedisReply& refused = replies[0].kind == Kind::kError ? replies[0] : replies[1];
        context.problems.push_back("SCAN of " + DatabaseName(database) + ": " +
                                   PeerMessage(refused.text));
        break;
      }
      std::vector<RedisReply> memory;
      if (walk.wants_memory() && replies[1].elements.size() == 2) {
        std::vector<RedisCommand> commands = {{"SELECT", select}};
        for (const RedisReply& key : replies[1].elements[1].elements) {
          commands.push_back({"MEMORY", "USAGE", key.text});
        }
        ASSIGN_OR_RETURN(memory, client.Run(commands, context.deadline));
        memory.erase(memory.begin());
      }
      if (walk.Take(replies[1], memory)) break;
    }
    walk.Spent(std::chrono::duration_cast<Duration>(clock_.Steady() - started));
    if (walk.result() != nullptr && walk.result()->found_more) {
      context.problems.push_back("more than max_keys (" + std::to_string(config_.max_keys) +
                                 ") keys of " + DatabaseName(database) + " match check_keys");
    }
  }
  return Ok();
}

std::set<RedisKeys::Key> RedisKeys::Wanted(const std::vector<RedisKeyPattern>& single,
                                           const std::vector<RedisKeyPattern>& patterns) const {
  std::set<Key> keys;
  for (const RedisKeyPattern& key : single) keys.insert({key.database, key.pattern});
  for (const RedisKeyPattern& key : patterns) {
    if (!IsRedisPattern(key.pattern)) {
      keys.insert({key.database, key.pattern});
      continue;
    }
    const auto walk = walks_.find(key.database);
    if (walk == walks_.end() || walk->second.result() == nullptr) continue;
    for (const std::string& found : walk->second.result()->found) {
      if (MatchesRedisPattern(key.pattern, found)) keys.insert({key.database, found});
    }
  }
  while (keys.size() > static_cast<size_t>(config_.max_keys)) keys.erase(std::prev(keys.end()));
  return keys;
}

Status RedisKeys::WriteKeys(RedisClient& client, CollectContext& context, MetricSink& sink) const {
  const std::set<Key> keys = Wanted(config_.check_single_keys, config_.check_keys);
  if (keys.empty()) return Ok();
  constexpr size_t kTypeCommands = 3;
  std::vector<RedisCommand> commands;
  for (const Key& key : keys) {
    commands.push_back({"SELECT", std::to_string(key.database)});
    commands.push_back({"TYPE", key.name});
    commands.push_back({"MEMORY", "USAGE", key.name});
  }
  ASSIGN_OR_RETURN(const std::vector<RedisReply> types, client.Run(commands, context.deadline));
  commands.clear();
  size_t i = 0;
  for (const Key& key : keys) {
    const RedisReply& type = types[kTypeCommands * i++ + 1];
    const auto* size = std::ranges::find(kSizeCommands, type.text, &SizeCommand::type);
    commands.push_back({"SELECT", std::to_string(key.database)});
    // A key that is not there, or of a module, has no size: PING keeps the order.
    if (size == std::end(kSizeCommands)) {
      commands.push_back({"PING"});
    } else {
      commands.push_back({std::string(size->command), key.name});
    }
    const bool value = config_.key_values && type.text == "string";
    commands.push_back(value ? RedisCommand{"GET", key.name} : RedisCommand{"PING"});
  }
  ASSIGN_OR_RETURN(const std::vector<RedisReply> sizes, client.Run(commands, context.deadline));
  const auto write = [&](std::string_view family, const auto& value_of) {
    size_t number = 0;
    for (const Key& key : keys) {
      const std::optional<double> value = value_of(kTypeCommands * number++);
      const std::string database = DatabaseName(key.database);
      if (value) sink.Write(Family(family), {{"db", database}, {"key", key.name}}, *value);
    }
  };
  const auto integer = [](const RedisReply& reply) {
    return reply.kind == Kind::kInteger ? std::optional(static_cast<double>(reply.integer))
                                        : std::nullopt;
  };
  write("redis_key_size", [&](size_t at) { return integer(sizes[at + 1]); });
  write("redis_key_memory_usage_bytes", [&](size_t at) { return integer(types[at + 2]); });
  if (!config_.key_values) return Ok();
  write("redis_key_value", [&](size_t at) { return ReadNumber(sizes[at + 2].text); });
  return Ok();
}

Status RedisKeys::WriteStreams(RedisClient& client, CollectContext& context,
                               MetricSink& sink) const {
  for (const Key& key : Wanted(config_.check_single_streams, config_.check_streams)) {
    ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                     client.Run({{"SELECT", std::to_string(key.database)},
                                 {"XINFO", "STREAM", key.name},
                                 {"XINFO", "GROUPS", key.name}},
                                context.deadline));
    if (replies[1].kind == Kind::kError) continue;  // no such stream, or something else by now
    const std::string database = DatabaseName(key.database);
    std::vector<MetricSink::LabelView> labels = {{"db", database}, {"stream", key.name}};
    WriteFigures(kStreamFigures, replies[1], labels, sink);
    WriteEntryId("redis_stream_first_entry_id", FieldOf(replies[1], "first-entry"), labels, sink);
    WriteEntryId("redis_stream_last_entry_id", FieldOf(replies[1], "last-entry"), labels, sink);
    std::vector<RedisCommand> commands = {{"SELECT", std::to_string(key.database)}};
    for (const RedisReply& group : replies[2].elements) {
      const std::string name(RedisSetting(group, "name").value_or(""));
      labels.emplace_back("group", name);
      WriteFigures(kGroupFigures, group, labels, sink);
      labels.pop_back();
      commands.push_back({"XINFO", "CONSUMERS", key.name, name});
    }
    if (!config_.streams_consumers) continue;
    ASSIGN_OR_RETURN(const std::vector<RedisReply> consumers,
                     client.Run(commands, context.deadline));
    for (size_t i = 1; i < consumers.size(); ++i) {
      labels.emplace_back("group", commands[i][3]);
      for (const RedisReply& consumer : consumers[i].elements) {
        const RedisReply* pending = FieldOf(consumer, "pending");
        const RedisReply* idle = FieldOf(consumer, "idle");
        if (pending == nullptr || idle == nullptr) continue;
        labels.emplace_back("consumer", RedisSetting(consumer, "name").value_or(""));
        sink.Write(Family("redis_stream_group_consumer_messages_pending"), labels,
                   static_cast<double>(pending->integer));
        sink.Write(Family("redis_stream_group_consumer_idle_seconds"), labels,
                   static_cast<double>(idle->integer) / 1000);
        labels.pop_back();
      }
      labels.pop_back();
    }
  }
  return Ok();
}

void RedisKeys::WriteWalks(MetricSink& sink) const {
  Duration took{};
  for (const auto& [number, walk] : walks_) {
    if (walk.result() == nullptr) continue;
    const std::string database = DatabaseName(number);
    for (const auto& [pattern, count] : walk.result()->counts) {
      sink.Write(Family("redis_keys_count"), {{"db", database}, {"key", pattern}}, count);
    }
    if (config_.key_groups.empty()) continue;
    took = std::max(took, walk.took());
    for (const auto& [group, sum] : walk.result()->groups) {
      sink.Write(Family("redis_key_group_count"), {{"db", database}, {"key_group", group}},
                 sum.keys);
      sink.Write(Family("redis_key_group_memory_usage_bytes"),
                 {{"db", database}, {"key_group", group}}, sum.bytes);
    }
    sink.Write(Family("redis_number_of_distinct_key_groups"), {{"db", database}},
               static_cast<double>(walk.result()->groups.size()));
  }
  if (config_.key_groups.empty()) return;
  sink.Write(Family("redis_last_key_groups_scrape_duration_milliseconds"),
             static_cast<double>(took.count()));
}

}  // namespace tocsin
