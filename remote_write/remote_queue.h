// Samples on their way to one server: a bounded queue in memory, one request in flight, retries
// with growing pauses.
//
// What an answer means:
//   2xx                     delivered
//   no connection, 5xx, 429 tried again after min_backoff, doubled up to max_backoff, or after what
//                           the header Retry-After says; nothing is lost until the queue is full
//   anything else           the server will not take these samples: they are dropped and counted
//
// Protocol: prometheus.io/docs/specs/prw/remote_write_spec. Figures have the names of Prometheus'.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"
#include "config/config.h"
#include "engine/storage/appender.h"

namespace tocsin {

// Lives as a shared_ptr, which its tasks hold.
//
// Thread safety: all methods may be called from any thread.
class RemoteQueue : public std::enable_shared_from_this<RemoteQueue> {
 public:
  // All outlive the queue.
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& io;
    HttpClient& http;
    Logger& log;
    Metrics& metrics;
    const SampleSink& store;  // knows the labels
  };

  RemoteQueue(RemoteWriteConfig config, LabelSet external_labels, const Dependencies& dependencies);

  const RemoteWriteConfig& config() const { return config_; }
  const LabelSet& external_labels() const { return external_labels_; }

  // Histograms are left out; so are the oldest samples when the queue is full.
  void Add(std::span<const PendingSample> batch);
  // Nothing is sent later than `at_most` from now; what is left then is dropped. Returns how many.
  size_t Stop(Duration at_most);

 private:
  struct Sample {
    SeriesRef ref;
    int64_t t_ms;
    double value;
  };
  struct Batch {
    std::string body;
    size_t samples = 0;
    int64_t newest_ms = 0;
  };
  struct Figures {
    std::shared_ptr<Counter> sent;
    std::shared_ptr<Counter> failed;
    std::shared_ptr<Counter> dropped;
    std::shared_ptr<Counter> retried;
    std::shared_ptr<Counter> bytes;
    std::shared_ptr<Gauge> pending;
    std::shared_ptr<Gauge> highest_sent;
  };
  enum class Activity { kIdle, kWaiting, kSending };
  enum class Outcome { kDone, kRetry };

  static Figures MakeFigures(Metrics& metrics, const RemoteWriteConfig& config);
  void ScheduleAfter(Duration delay) REQUIRES_LOCK(mutex_);
  void Run();
  // The next request; nothing when no sample is left.
  std::optional<Batch> NextBatch();
  Outcome Send(const Batch& batch, Duration timeout);
  void Refused(const Batch& batch, std::string_view why);
  Duration Backoff() REQUIRES_LOCK(mutex_);

  const RemoteWriteConfig config_;
  const LabelSet external_labels_;
  const Dependencies deps_;
  const std::string shown_url_;  // without secrets
  const Figures figures_;
  std::atomic<bool> abandoned_ = false;  // the request in flight is to end

  Mutex mutex_;
  std::condition_variable_any rest_;
  std::deque<Sample> samples_ GUARDED_BY(mutex_);
  std::optional<Batch> retry_ GUARDED_BY(mutex_);
  Activity activity_ GUARDED_BY(mutex_) = Activity::kIdle;
  TimerId timer_ GUARDED_BY(mutex_) = 0;
  bool stopped_ GUARDED_BY(mutex_) = false;
  bool full_ GUARDED_BY(mutex_) = false;  // has been told of
  int failures_ GUARDED_BY(mutex_) = 0;
  Duration told_to_wait_ GUARDED_BY(mutex_){};
};

}  // namespace tocsin
