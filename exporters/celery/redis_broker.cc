#include "exporters/celery/redis_broker.h"

#include <algorithm>

#include "exporters/redis/redis_info.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

// Looking for queues walks through all keys of the broker, a piece in each collection, so that a
// broker full of results is not walked through at once; and not all the time when there are many.
constexpr int kScansPerCollection = 20;
constexpr int kQuickWalk = 2;
constexpr Duration kWalkInterval = std::chrono::minutes(5);
constexpr std::string_view kKeysPerScan = "1000";
// A message may hold megabytes of arguments, and a list gives whole messages only.
constexpr size_t kLargeMessage = 256 << 10;
constexpr int kSkipLarge = 20;
constexpr size_t kMaxVirtualHosts = 64;

// "db3:keys=12,expires=0,avg_ttl=0"
std::optional<int> DatabaseOf(std::string_view line) {
  if (!line.starts_with("db")) return std::nullopt;
  const std::optional<double> number = ReadNumber(line.substr(2, line.find(':') - 2));
  if (!number || *number < 0 || *number > 65535) return std::nullopt;
  return static_cast<int>(*number);
}

void ReadMemory(const RedisReply& reply, BrokerState& state) {
  if (reply.kind != RedisReply::Kind::kText) return;
  const RedisInfo info(reply.text);
  state.memory_policy = info.Get("maxmemory_policy");
  const double limit = info.Number("maxmemory").value_or(0);
  state.may_evict = limit > 0 && state.memory_policy.starts_with("allkeys-");
  if (limit > 0) state.memory_used_ratio = info.Number("used_memory").value_or(0) / limit;
}

}  // namespace

RedisBroker::RedisBroker(const CeleryConfig& config, RedisAddress address, const Clock& clock)
    : config_(config),
      all_hosts_(config.virtual_hosts.size() == 1 && config.virtual_hosts[0] == "all"),
      own_database_(address.database),
      client_(std::move(address), clock) {
  for (const std::string& host : config.virtual_hosts) {
    if (const std::optional<double> database = ReadNumber(host)) {
      hosts_.try_emplace(static_cast<int>(*database), config);
    }
  }
  if (hosts_.empty()) hosts_.try_emplace(own_database_, config);
}

Result<std::vector<RedisReply>> RedisBroker::Run(int database, std::vector<RedisCommand> commands,
                                                 CollectContext& context) {
  const SteadyTime start = context.clock.Steady();
  const std::string what = commands.empty() ? "" : commands[0][0];
  const size_t count = commands.size();
  const bool select = hosts_.size() > 1 || all_hosts_;
  if (select) commands.insert(commands.begin(), {"SELECT", std::to_string(database)});
  Result<std::vector<RedisReply>> replies = client_.Run(commands, context.deadline);
  context.Step(
      what + " (" + std::to_string(count) + " commands, database " + std::to_string(database) + ")",
      start, replies.ok() ? replies->size() : 0);
  if (!replies.ok() || !select) return replies;
  if (replies->front().kind == RedisReply::Kind::kError) {
    return PermissionDenied("redis: SELECT " + std::to_string(database) + ": " +
                            replies->front().text);
  }
  replies->erase(replies->begin());
  return replies;
}

Result<BrokerState> RedisBroker::Read(CollectContext& context,
                                      const std::set<std::string>& queues) {
  BrokerState state;
  ASSIGN_OR_RETURN(const std::vector<RedisReply> info,
                   Run(own_database_, {{"INFO", "memory"}, {"INFO", "keyspace"}}, context));
  ReadMemory(info[0], state);
  if (all_hosts_) RETURN_IF_ERROR(FindVirtualHosts(info[1]));
  for (auto& [database, host] : hosts_) {
    RETURN_IF_ERROR(FindQueues(database, host, context));
    // Events do not say of which database they are.
    if (hosts_.size() == 1) {
      for (const std::string& queue : queues) host.finder.SeeQueue(queue);
    }
    if (all_hosts_ && !host.finder.found_any() && database != own_database_) continue;
    RETURN_IF_ERROR(ReadVirtualHost(database, host, context, state));
  }
  return state;
}

Status RedisBroker::FindVirtualHosts(const RedisReply& keyspace) {
  std::string_view rest = keyspace.text;
  while (const auto line = TakeLine(rest)) {
    const std::optional<int> database = DatabaseOf(*line);
    if (database && hosts_.size() < kMaxVirtualHosts) hosts_.try_emplace(*database, config_);
  }
  return Ok();
}

Status RedisBroker::FindQueues(int database, VirtualHost& host, CollectContext& context) {
  const SteadyTime now = context.clock.Steady();
  const bool walk = !host.next_walk || now >= *host.next_walk;
  for (int i = 0; walk && i < kScansPerCollection; ++i) {
    ASSIGN_OR_RETURN(
        const std::vector<RedisReply> replies,
        Run(database, {{"SCAN", host.cursor, "COUNT", std::string(kKeysPerScan)}}, context));
    const RedisReply& scan = replies[0];
    if (scan.kind != RedisReply::Kind::kArray || scan.elements.size() != 2) {
      context.problems.push_back("SCAN: " + scan.text);
      break;
    }
    ++host.scans;
    for (const RedisReply& key : scan.elements[1].elements) host.finder.SeeKey(key.text);
    host.cursor = scan.elements[0].text;
    if (host.cursor != "0") continue;
    host.next_walk = now + (host.scans <= kQuickWalk ? Duration::zero() : kWalkInterval);
    host.scans = 0;
    break;
  }
  std::vector<RedisCommand> commands;
  for (const std::string& key : host.finder.bindings()) commands.push_back({"SMEMBERS", key});
  ASSIGN_OR_RETURN(const std::vector<RedisReply> bindings, Run(database, commands, context));
  for (const RedisReply& binding : bindings) {
    for (const RedisReply& member : binding.elements) host.finder.SeeBinding(member.text);
  }
  return Ok();
}

// One round trip for all figures, so that as little as can be moves on between them.
Status RedisBroker::ReadVirtualHost(int database, VirtualHost& host, CollectContext& context,
                                    BrokerState& state) {
  const QueueFinder& finder = host.finder;
  const std::string& prefix = config_.global_keyprefix;
  std::vector<RedisCommand> commands = {
      {"HLEN", prefix + "unacked"}, {"ZRANGE", prefix + "unacked_index", "0", "0", "WITHSCORES"}};
  for (const std::string& queue : finder.queues()) {
    for (const int step : finder.steps()) commands.push_back({"LLEN", finder.ListKey(queue, step)});
  }
  ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                   Run(database, std::move(commands), context));
  const std::string vhost = config_.virtual_hosts.empty() ? "" : std::to_string(database);
  UnackedState unacked{.vhost = vhost, .messages = static_cast<double>(replies[0].integer)};
  if (replies[1].elements.size() == 2) {
    unacked.oldest_delivery_s = NumberOrZero(replies[1].elements[1].text);
  }
  state.unacked.push_back(std::move(unacked));
  size_t i = 2;
  std::vector<QueueState> queues;
  std::vector<std::pair<size_t, std::string>> lists;
  for (const std::string& name : finder.queues()) {
    QueueState queue{.vhost = vhost, .name = name};
    for (const int step : finder.steps()) {
      const auto messages = static_cast<double>(replies[i++].integer);
      if (messages == 0) continue;
      queue.messages += messages;
      queue.priorities.emplace_back(step, messages);
      lists.emplace_back(queues.size(), finder.ListKey(name, step));
    }
    queues.push_back(std::move(queue));
  }
  RETURN_IF_ERROR(ReadOldest(database, host, context, lists, queues));
  std::move(queues.begin(), queues.end(), std::back_inserter(state.queues));
  return Ok();
}

// Producers push on the left and workers pop on the right, so the oldest is at -1; workers pop step
// 0 first.
Status RedisBroker::ReadOldest(int database, VirtualHost& host, CollectContext& context,
                               const std::vector<std::pair<size_t, std::string>>& lists,
                               std::vector<QueueState>& queues) {
  std::vector<RedisCommand> commands;
  std::vector<size_t> asked;
  for (size_t i = 0; i < lists.size(); ++i) {
    const auto skipped = host.skip.find(lists[i].second);
    if (skipped != host.skip.end() && --skipped->second > 0) continue;
    commands.push_back({"LINDEX", lists[i].second, "-1"});
    asked.push_back(i);
  }
  if (commands.empty()) return Ok();
  ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                   Run(database, std::move(commands), context));
  for (size_t i = 0; i < replies.size(); ++i) {
    const auto& [queue, key] = lists[asked[i]];
    host.skip.erase(key);
    if (replies[i].kind != RedisReply::Kind::kText) continue;  // taken meanwhile
    if (replies[i].text.size() > kLargeMessage) host.skip[key] = kSkipLarge;
    Result<WaitingMessage> message = ParseWaitingMessage(replies[i].text);
    if (message.ok()) queues[queue].oldest.push_back(*std::move(message));
  }
  return Ok();
}

}  // namespace tocsin
