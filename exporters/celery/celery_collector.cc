#include "exporters/celery/celery_collector.h"

#include <algorithm>
#include <utility>

#include "exporters/celery/celery_families.h"
#include "exporters/celery/queue_finder.h"
#include "exporters/family_index.h"
#include "exporters/redis/redis_connection.h"
#include "exporters/redis/redis_info.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kCeleryFamilies, name); }

// Looking for queues walks through all keys of the broker, a piece in each collection, so that a
// broker full of results is not walked through at once.
constexpr int kScansPerCollection = 20;
constexpr std::string_view kKeysPerScan = "1000";

class CeleryCollector final : public Collector {
 public:
  CeleryCollector(const CeleryConfig& config, Result<RedisAddress> address, const Clock& clock)
      : prefix_(config.global_keyprefix), finder_(config) {
    if (address.ok()) {
      client_.emplace(*std::move(address), clock);
    } else {
      broken_ = address.error();
    }
  }

  Status Collect(CollectContext& context, MetricSink& sink) override {
    if (!client_) return broken_;
    RETURN_IF_ERROR(FindQueues(context));
    RETURN_IF_ERROR(WriteQueues(context, sink));
    return WriteUnacked(context, sink);
  }

  void Cancel() override {
    if (client_) client_->Cancel();
  }

 private:
  Status FindQueues(CollectContext& context) {
    for (int i = 0; i < kScansPerCollection; ++i) {
      ASSIGN_OR_RETURN(
          const std::vector<RedisReply> replies,
          client_->Run({{"SCAN", cursor_, "COUNT", std::string(kKeysPerScan)}}, context.deadline));
      const RedisReply& scan = replies[0];
      if (scan.kind != RedisReply::Kind::kArray || scan.elements.size() != 2) {
        context.problems.push_back("SCAN: " + scan.text);
        break;
      }
      for (const RedisReply& key : scan.elements[1].elements) finder_.SeeKey(key.text);
      cursor_ = scan.elements[0].text;
      if (cursor_ == "0") break;
    }
    std::vector<RedisCommand> commands;
    for (const std::string& key : finder_.bindings()) commands.push_back({"SMEMBERS", key});
    ASSIGN_OR_RETURN(const std::vector<RedisReply> bindings,
                     client_->Run(commands, context.deadline));
    for (const RedisReply& binding : bindings) {
      for (const RedisReply& member : binding.elements) finder_.SeeBinding(member.text);
    }
    return Ok();
  }

  // A queue's length is the sum over all its priority lists.
  Status WriteQueues(CollectContext& context, MetricSink& sink) {
    std::vector<RedisCommand> commands;
    for (const std::string& queue : finder_.queues()) {
      for (const int step : finder_.steps()) {
        commands.push_back({"LLEN", finder_.ListKey(queue, step)});
      }
    }
    ASSIGN_OR_RETURN(const std::vector<RedisReply> lengths,
                     client_->Run(commands, context.deadline));
    const size_t steps = finder_.steps().size();
    const auto length = [&](size_t i) { return static_cast<double>(lengths[i].integer); };
    double all = 0;
    size_t i = 0;
    for (const std::string& queue : finder_.queues()) {
      double messages = 0;
      for (size_t step = 0; step < steps; ++step) messages += length(i++);
      sink.Write(Family("celery_queue_length"), {{"queue_name", queue}}, messages);
      all += messages;
    }
    i = 0;
    for (const std::string& queue : finder_.queues()) {
      for (const int step : finder_.steps()) {
        const double messages = length(i++);
        if (messages == 0) continue;
        sink.Write(Family("celery_queue_priority_length"),
                   {{"queue_name", queue}, {"priority", std::to_string(step)}}, messages);
      }
    }
    sink.Write(Family("celery_tasks_total"), {{"state", "PENDING"}}, all);
    return Ok();
  }

  Status WriteUnacked(CollectContext& context, MetricSink& sink) {
    ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                     client_->Run({{"HLEN", prefix_ + "unacked"},
                                   {"ZRANGE", prefix_ + "unacked_index", "0", "0", "WITHSCORES"},
                                   {"INFO", "memory"}},
                                  context.deadline));
    sink.Write(Family("celery_unacked_messages"), static_cast<double>(replies[0].integer));
    double age = 0;
    if (replies[1].elements.size() == 2) {
      const double now = ToSeconds(context.clock.Now());
      age = std::max(0.0, now - NumberOrZero(replies[1].elements[1].text));
    }
    sink.Write(Family("celery_unacked_oldest_age_seconds"), age);
    if (replies[2].kind != RedisReply::Kind::kText) return Ok();
    const RedisInfo info(replies[2].text);
    const std::string_view policy = info.Get("maxmemory_policy");
    const bool limited = info.Number("maxmemory").value_or(0) > 0;
    sink.Write(Family("celery_broker_may_evict"), {{"maxmemory_policy", policy}},
               limited && policy.starts_with("allkeys-") ? 1 : 0);
    return Ok();
  }

  const std::string prefix_;
  QueueFinder finder_;
  std::string cursor_ = "0";
  std::optional<RedisClient> client_;
  Error broken_;
};

std::vector<CollectorTarget> Targets(const Config& config, const std::string& /*own_instance*/) {
  std::vector<CollectorTarget> targets;
  for (const CeleryConfig& written : config.collectors.celery) {
    auto celery = std::make_shared<CeleryConfig>(written);
    const Result<RedisAddress> address = ParseRedisUrl(written.broker_url);
    const std::string text = address.ok() ? address->Text() : "invalid";
    if (celery->job.empty()) celery->job = "celery";
    if (celery->instance.empty()) celery->instance = text;
    targets.push_back({.config = std::move(celery), .url = "tocsin://celery/" + text});
  }
  return targets;
}

std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  const auto& celery = static_cast<const CeleryConfig&>(config);
  return std::make_unique<CeleryCollector>(celery, ParseRedisUrl(celery.broker_url),
                                           dependencies.clock);
}

}  // namespace

CollectorSpec CeleryCollectorSpec() {
  return {.name = "celery",
          .help = "Celery's queues in a Redis broker: waiting and unacknowledged messages.",
          .up = "celery_up",
          .families = kCeleryFamilies,
          .targets = Targets,
          .make = Make,
          .equal = SameConfig<CeleryConfig>};
}

}  // namespace tocsin
