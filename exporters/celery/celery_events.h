// What Celery's events tell: counters and histograms of tasks, and which workers are alive.
//
// Only task-sent and task-received name the task, and only task-sent its queue; the rest is told by
// the uuid. So tasks that are under way are remembered, the longest untouched are forgotten first,
// and events of a task that is not known count under an empty name. A worker may be heard before
// the producer, who tells of a task when it has been published: unless no producer tells, the
// events of a task whose queue is not known yet are held back for a moment.
#pragma once

#include <array>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "exporters/celery/celery_message.h"
#include "exporters/collector.h"

namespace tocsin {

struct CeleryEventLimits {
  size_t tracked_tasks = 10'000;
  // Sets of name, host and queue; what comes beyond counts under "_other".
  size_t series = 1000;
  size_t exceptions = 50;
  size_t workers = 1000;
  double worker_timeout_s = 30;  // a worker that is silent for so long is down …
  double worker_forget_s = 600;  // … and is shown as down for so long
  double patience_s = 2;         // for the producer's task-sent event
};

// Counts that only grow and spread over fixed bounds.
class CeleryHistogram {
 public:
  static constexpr size_t kBounds = 14;
  void Observe(const std::array<std::string_view, kBounds>& bounds, double value);
  void Add(const CeleryHistogram& other);
  double count = 0;
  double sum = 0;
  std::array<double, kBounds> buckets{};  // not cumulative; what is above the last is only in count
};

// Not thread-safe.
class CeleryEvents {
 public:
  explicit CeleryEvents(CeleryEventLimits limits = {});
  ~CeleryEvents();

  // `now_s`: the own clock, by which workers are alive.
  void Apply(const CeleryEvent& event, double now_s);
  // Counts what has been held back long enough; before the counters are shown or saved.
  void ReleaseHeld(double now_s);
  void Write(double now_s, MetricSink& sink) const;
  // The names that zerok's exporter and the seed's rules use.
  void WriteAliases(double now_s, double waiting, MetricSink& sink) const;

  // When the task was sent, if its task-sent event was seen and it is still under way.
  std::optional<double> SentAt(const std::string& uuid) const;
  // Queues that task-sent events named.
  const std::set<std::string>& queues() const { return queues_; }

  // The counters and histograms as text, for a file; they change only with events of tasks.
  std::string Save() const;
  uint64_t changes() const { return changes_; }
  // Adds what an earlier process saved. A text that is none changes nothing.
  Status Restore(std::string_view text);

 private:
  enum class Kind {
    kSent,
    kReceived,
    kStarted,
    kSucceeded,
    kFailed,
    kRejected,
    kRevoked,
    kRetried
  };
  static constexpr size_t kKinds = 8;
  friend struct CeleryKinds;
  struct SeriesKey {
    std::string name, host, queue;
    auto operator<=>(const SeriesKey&) const = default;
  };
  struct Series {
    std::array<double, kKinds> counts{};
    std::map<std::string, double> failures;  // by exception
    std::unique_ptr<CeleryHistogram> runtime;
    std::unique_ptr<CeleryHistogram> wait;
    bool of_worker = false;  // a producer only sends
  };
  // Where a task is, as zerok's exporter counts it.
  enum class Stage { kWaiting, kReceived, kStarted, kRetry };
  static constexpr size_t kStages = 4;
  struct Task {
    std::string uuid, name, queue;
    double sent = 0;      // 0: not seen
    double due = 0;       // when it may start: sent, or its eta
    double received = 0;  // 0: not seen
    Stage stage = Stage::kWaiting;
  };
  using Tasks = std::list<Task>;
  struct Worker {
    double seen_s = 0;
    bool offline = false;
    double active = 0;
    double processed = 0;
  };

  struct Held {
    double since_s = 0;
    std::vector<CeleryEvent> events;
  };

  // Whether the event waits for the one that names its queue.
  bool Hold(Kind kind, const CeleryEvent& event, double now_s);
  void ApplyNow(const CeleryEvent& event);
  void ApplyWorker(const CeleryEvent& event, double now_s);
  void ApplyTask(Kind kind, const CeleryEvent& event);
  Task& Track(const CeleryEvent& event);
  void Untrack(const std::string& uuid);
  Series& SeriesOf(const Task& task, const std::string& host);
  void Started(const CeleryEvent& event, Task& task, Series& series);
  void WriteCounters(MetricSink& sink) const;
  void WriteHistogram(std::string_view family, std::unique_ptr<CeleryHistogram> Series::*which,
                      const std::array<std::string_view, CeleryHistogram::kBounds>& bounds,
                      MetricSink& sink) const;
  void WriteWorkers(double now_s, MetricSink& sink) const;
  bool IsUp(const Worker& worker, double now_s) const;

  const CeleryEventLimits limits_;
  std::map<SeriesKey, Series> series_;
  std::set<std::string> exceptions_;
  Tasks tasks_;  // longest untouched first
  std::unordered_map<std::string, Tasks::iterator> by_uuid_;
  std::map<std::string, Worker> workers_;  // by node
  std::set<std::string> queues_;
  bool producers_tell_ = false;       // a task-sent event was seen, maybe by an earlier process
  bool producers_silent_ = false;     // none came although one was waited for
  std::map<std::string, Held> held_;  // by uuid
  CeleryHistogram latency_;           // from received to started, of all tasks
  uint64_t changes_ = 0;
};

}  // namespace tocsin
