#include "exporters/celery/celery_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/hash.h"
#include "base/thread_annotations.h"
#include "exporters/celery/celery_event_stream.h"
#include "exporters/celery/celery_events.h"
#include "exporters/celery/celery_families.h"
#include "exporters/celery/rabbitmq_broker.h"
#include "exporters/celery/redis_broker.h"
#include "exporters/service_url.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

constexpr size_t kMaxStateBytes = 16 << 20;

// What the stream of events has told so far. Thread-safe.
struct EventFeed {
  explicit EventFeed(const CeleryEventLimits& limits) : events(limits) {}

  void Take(const std::string& payload, double now_s) {
    const Result<std::vector<CeleryEvent>> read = ParseEventMessage(payload);
    const MutexLock lock(mutex);
    if (!read.ok()) {
      ++refused;
      return;
    }
    received += static_cast<double>(read->size());
    for (const CeleryEvent& event : *read) events.Apply(event, now_s);
  }

  Mutex mutex;
  CeleryEvents events GUARDED_BY(mutex);
  double received GUARDED_BY(mutex) = 0;
  double refused GUARDED_BY(mutex) = 0;
};

// Since when a queue's oldest message is known to be the oldest: a lower bound of its age that
// needs no help of the application.
class FirstSeen {
 public:
  double Of(const std::string& delivery_tag, double now_s) {
    const auto [entry, added] = seen_.try_emplace(delivery_tag, now_s, round_);
    entry->second.second = round_;
    return entry->second.first;
  }
  void NextRound() {
    std::erase_if(seen_, [this](const auto& entry) { return entry.second.second != round_; });
    ++round_;
  }

 private:
  std::map<std::string, std::pair<double, uint64_t>> seen_;
  uint64_t round_ = 0;
};

class CeleryCollector final : public Collector {
 public:
  CeleryCollector(const CeleryConfig& config, const CollectorDependencies& dependencies)
      : config_(config), files_(dependencies.files) {
    CeleryEventLimits limits;
    limits.worker_timeout_s = ToSeconds(config.worker_timeout);
    feed_ = std::make_shared<EventFeed>(limits);
    if (!dependencies.state_folder.empty()) {
      state_path_ = fmt::format("{}/celery-{:016x}.json", dependencies.state_folder,
                                Hash64(config.job + "\n" + config.instance));
    }
    if (const Status opened = Open(dependencies); !opened.ok()) broken_ = opened.error();
  }

  ~CeleryCollector() override {
    if (stream_ != nullptr) stream_->Stop();
  }

  Status Collect(CollectContext& context, MetricSink& sink) override {
    if (broker_ == nullptr) return broken_;
    std::set<std::string> queues;
    {
      const MutexLock lock(feed_->mutex);
      feed_->events.ReleaseHeld(ToSeconds(context.clock.Now()));
      queues = feed_->events.queues();
    }
    ASSIGN_OR_RETURN(const BrokerState state, broker_->Read(context, queues));
    const double waiting = WriteQueues(state, ToSeconds(context.clock.Now()), sink);
    WriteBroker(state, ToSeconds(context.clock.Now()), sink);
    SaveCounters(context);
    WriteEvents(context, waiting, sink);
    return Ok();
  }

  void Cancel() override {
    if (broker_ != nullptr) broker_->Cancel();
    if (stream_ != nullptr) stream_->Stop();
  }

 private:
  Status Open(const CollectorDependencies& dependencies) {
    ASSIGN_OR_RETURN(const ServiceUrl url, ParseServiceUrl(config_.broker_url.Reveal()));
    if (url.scheme == "amqp" || url.scheme == "amqps" || url.scheme == "pyamqp") {
      ASSIGN_OR_RETURN(RabbitMqBroker::Address address, RabbitMqBroker::AddressOf(config_));
      std::set<std::string> vhosts(config_.virtual_hosts.begin(), config_.virtual_hosts.end());
      vhosts.erase("all");
      broker_ = std::make_unique<RabbitMqBroker>(std::move(address), std::move(vhosts),
                                                 dependencies.http);
      return Ok();
    }
    ASSIGN_OR_RETURN(const RedisAddress address, ParseRedisUrl(config_.broker_url));
    broker_ = std::make_unique<RedisBroker>(config_, address, dependencies.clock);
    if (config_.events) Listen(address, dependencies);
    return Ok();
  }

  void Listen(const RedisAddress& address, const CollectorDependencies& dependencies) {
    RestoreCounters(dependencies.log);
    std::vector<std::string> patterns;
    for (const std::string& host : config_.virtual_hosts) {
      const int database = host == "all" ? -1 : static_cast<int>(NumberOrZero(host));
      patterns.push_back(CeleryEventPattern(config_.global_keyprefix, database));
    }
    if (patterns.empty()) {
      patterns.push_back(CeleryEventPattern(config_.global_keyprefix, address.database));
    }
    const Clock& clock = dependencies.clock;
    stream_ = std::make_shared<CeleryEventStream>(
        CeleryEventStream::Dependencies{clock, dependencies.scheduler, dependencies.io}, address,
        std::move(patterns), [feed = feed_, &clock](const std::string& payload) {
          feed->Take(payload, ToSeconds(clock.Now()));
        });
    stream_->Start();
  }

  double WriteQueues(const BrokerState& state, double now_s, MetricSink& sink) {
    double all = 0;
    const auto write = [&](const FamilySpec& family, const QueueState& queue, double value) {
      sink.Write(family, {{"queue_name", queue.name}, {"vhost", queue.vhost}}, value);
    };
    for (const QueueState& queue : state.queues) {
      all += queue.messages;
      write(CeleryFamily("celery_queue_length"), queue, queue.messages);
    }
    for (const QueueState& queue : state.queues) {
      for (const auto& [step, messages] : queue.priorities) {
        sink.Write(CeleryFamily("celery_queue_priority_length"),
                   {{"queue_name", queue.name},
                    {"priority", std::to_string(step)},
                    {"vhost", queue.vhost}},
                   messages);
      }
    }
    std::vector<double> oldest;
    for (const QueueState& queue : state.queues) {
      const auto [head, longest] = Ages(queue, now_s);
      write(CeleryFamily("celery_queue_head_of_line_age_seconds"), queue, head);
      oldest.push_back(longest);
    }
    first_seen_.NextRound();
    for (size_t i = 0; i < oldest.size(); ++i) {
      write(CeleryFamily("celery_queue_oldest_age_seconds"), state.queues[i], oldest[i]);
    }
    for (const QueueState& queue : state.queues) {
      if (queue.unacked)
        write(CeleryFamily("celery_queue_unacked_messages"), queue, *queue.unacked);
    }
    for (const QueueState& queue : state.queues) {
      if (queue.consumers) {
        write(CeleryFamily("celery_active_consumer_count"), queue, *queue.consumers);
      }
    }
    return all;
  }

  // Of the message that is served next, and of the one that has waited longest.
  std::pair<double, double> Ages(const QueueState& queue, double now_s) {
    if (queue.head_sent_s) {
      const double age = std::max(0.0, now_s - *queue.head_sent_s);
      return {age, age};
    }
    double head = 0;
    double oldest = 0;
    const MutexLock lock(feed_->mutex);
    for (const WaitingMessage& message : queue.oldest) {
      const double seen = first_seen_.Of(message.delivery_tag, now_s);
      const double since = std::min(seen, feed_->events.SentAt(message.id).value_or(seen));
      const double age = std::max(0.0, now_s - since);
      if (&message == &queue.oldest.front()) head = age;
      oldest = std::max(oldest, age);
    }
    return {head, oldest};
  }

  void WriteBroker(const BrokerState& state, double now_s, MetricSink& sink) const {
    bool by_delivery = false;
    for (const UnackedState& unacked : state.unacked) {
      sink.Write(CeleryFamily("celery_unacked_messages"), {{"vhost", unacked.vhost}},
                 unacked.messages);
    }
    if (!state.memory_policy.empty()) {
      by_delivery = true;
      for (const UnackedState& unacked : state.unacked) {
        const double age = now_s - unacked.oldest_delivery_s.value_or(now_s);
        sink.Write(CeleryFamily("celery_unacked_oldest_age_seconds"), {{"vhost", unacked.vhost}},
                   std::max(0.0, age));
      }
      sink.Write(CeleryFamily("celery_broker_may_evict"),
                 {{"maxmemory_policy", state.memory_policy}}, state.may_evict ? 1 : 0);
    }
    if (state.memory_used_ratio) {
      sink.Write(CeleryFamily("celery_broker_memory_used_ratio"), *state.memory_used_ratio);
    }
    if (by_delivery) {
      sink.Write(CeleryFamily("celery_visibility_timeout_seconds"),
                 ToSeconds(config_.visibility_timeout));
    }
  }

  void WriteEvents(CollectContext& context, double waiting, MetricSink& sink) const {
    if (stream_ != nullptr) {
      const CeleryEventStream::State stream = stream_->state();
      if (!stream.error.empty()) context.problems.push_back("events: " + stream.error);
      sink.Write(CeleryFamily("celery_event_stream_connected"), stream.connected ? 1 : 0);
      sink.Write(CeleryFamily("celery_event_gaps_total"), static_cast<double>(stream.gaps));
    }
    const double now_s = ToSeconds(context.clock.Now());
    const MutexLock lock(feed_->mutex);
    if (stream_ != nullptr) {
      sink.Write(CeleryFamily("celery_events_total"), feed_->received);
      sink.Write(CeleryFamily("celery_events_refused_total"), feed_->refused);
      feed_->events.Write(now_s, sink);
    }
    if (config_.aliases) feed_->events.WriteAliases(now_s, waiting, sink);
  }

  void RestoreCounters(Logger& log) {
    if (state_path_.empty() || !files_.Exists(state_path_)) return;
    const Result<std::string> text = files_.Read(state_path_, kMaxStateBytes);
    const MutexLock lock(feed_->mutex);
    const Status restored = text.ok() ? feed_->events.Restore(*text) : Status(text.error());
    if (!restored.ok()) {
      log.Warn("Celery's counters begin anew",
               {{"file", state_path_}, {"err", restored.error().message}});
    }
  }

  // Before they are shown: what was seen once must not be smaller after a crash.
  void SaveCounters(CollectContext& context) {
    if (state_path_.empty() || stream_ == nullptr) return;
    std::string text;
    {
      const MutexLock lock(feed_->mutex);
      if (feed_->events.changes() == saved_changes_) return;
      saved_changes_ = feed_->events.changes();
      text = feed_->events.Save();
    }
    if (const Status saved = files_.WriteAtomically(state_path_, text); !saved.ok()) {
      context.problems.push_back("counters are not kept over a restart: " + saved.error().message);
    }
  }

  const CeleryConfig config_;
  FileSystem& files_;
  std::string state_path_;  // "": nowhere
  std::shared_ptr<EventFeed> feed_;
  std::unique_ptr<CeleryBroker> broker_;
  std::shared_ptr<CeleryEventStream> stream_;
  FirstSeen first_seen_;
  uint64_t saved_changes_ = 0;
  Error broken_;
};

std::string AddressText(const CeleryConfig& config) {
  const Result<ServiceUrl> url = ParseServiceUrl(config.broker_url.Reveal());
  if (url.ok() && url->scheme.find("amqp") != std::string::npos) {
    return (url->host.empty() ? "localhost" : url->host) + ":" +
           std::to_string(url->port == 0 ? 5672 : url->port);
  }
  const Result<RedisAddress> address = ParseRedisUrl(config.broker_url);
  return address.ok() ? address->Text() : "invalid";
}

std::vector<CollectorTarget> Targets(const Config& config, const std::string& /*own_instance*/) {
  std::vector<CollectorTarget> targets;
  for (const CeleryConfig& written : config.collectors.celery) {
    auto celery = std::make_shared<CeleryConfig>(written);
    const std::string text = AddressText(written);
    if (celery->job.empty()) celery->job = "celery";
    if (celery->instance.empty()) celery->instance = text;
    targets.push_back({.config = std::move(celery), .url = "tocsin://celery/" + text});
  }
  return targets;
}

std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  return std::make_unique<CeleryCollector>(static_cast<const CeleryConfig&>(config), dependencies);
}

}  // namespace

CollectorSpec CeleryCollectorSpec() {
  return {
      .name = "celery",
      .help = "Celery: queues in a Redis or RabbitMQ broker, tasks and workers by their events.",
      .up = "celery_up",
      .families = kCeleryFamilies,
      .targets = Targets,
      .make = Make,
      .equal = SameConfig<CeleryConfig>};
}

}  // namespace tocsin
