// Tells every Alertmanager the newest state of every alert.
//
//   Notify ─▶ external labels, relabelling ─▶ per Alertmanager: queue ─▶ POST /api/v2/alerts
//
// What comes before the Alertmanagers are known — before the first Apply, or while discovery has
// found none — waits for them. Nothing counts as sent before a 2xx. What fails waits and is tried
// again, unless a newer state of the same alert has come in between; see sender.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alertmanager_client/alertmanager_snapshot.h"
#include "alertmanager_client/backlog.h"
#include "alertmanager_client/notifier.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"
#include "config/config.h"

namespace tocsin {

enum class NotifyMode {
  kAlertmanagers,
  kPrint,  // what would be sent goes to `print` instead, once
  kOff,
};

struct AlertmanagerClientOptions {
  size_t queue_capacity = 10'000;  // alerts per Alertmanager
  size_t batch_size = 256;
  Duration min_backoff = std::chrono::seconds(1);
  Duration max_backoff = std::chrono::seconds(30);
  NotifyMode mode = NotifyMode::kAlertmanagers;
  std::function<void(std::string_view)> print;  // takes a whole line; for kPrint
};

// What a drain could not deliver.
struct DrainReport {
  struct Lost {
    std::string alertmanager;  // URL without secrets; "" when none was found
    size_t alerts = 0;
    std::string first;  // the oldest of them, as JSON
  };
  std::vector<Lost> lost;
};

class Sender;

// Thread safety: all methods may be called from any thread.
class AlertmanagerClient final : public Notifier {
 public:
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& io;  // one task per Alertmanager at a time
    HttpClient& http;
    Logger& log;
    Metrics& metrics;
    std::function<double()> jitter;  // in [0, 1): spreads retries
  };

  AlertmanagerClient(AlertmanagerClientOptions options, Dependencies dependencies);
  // Ends without waiting: requests that are under way end by themselves.
  ~AlertmanagerClient() override;

  // Takes over the Alertmanagers, external labels and alert_relabel_configs. An Alertmanager that
  // stays keeps its queue and its figures. What discovery has found stands among static_configs.
  void Apply(const Config& config);

  void Notify(std::vector<Notification> notifications) override;

  AlertmanagersSnapshot Snapshot() const;

  // Sends what is queued, without waiting between attempts longer than the shortest backoff, until
  // all is delivered or `deadline` has passed. Notifications after that are dropped. What is lost
  // is logged and returned.
  DrainReport Drain(Duration deadline);

 private:
  // The senders of one entry of alerting.alertmanagers.
  struct Cluster {
    std::vector<RelabelRule> alert_relabel_configs;
    std::vector<std::shared_ptr<Sender>> senders;
    std::shared_ptr<Backlog> backlog;  // null unless discovery may find some later
  };
  struct Setup {
    LabelSet external_labels;
    std::vector<RelabelRule> alert_relabel_configs;
    std::vector<Cluster> clusters;
    std::vector<std::string> dropped;
  };
  using SendersByPlace = std::map<std::pair<size_t, std::string>, std::shared_ptr<Sender>>;

  std::shared_ptr<const Setup> CurrentSetup() const;
  Cluster MakeCluster(const AlertmanagerConfig& entry, size_t index, const Setup& old,
                      SendersByPlace& present, std::vector<std::string>& dropped);
  void Hand(const Cluster& cluster, std::vector<QueuedAlert> alerts);
  void Print(const std::vector<Notification>& notifications, const Setup& setup) const;
  // Whether the notifications were kept because nobody is known yet.
  bool KeepEarly(std::vector<Notification>& notifications);

  const AlertmanagerClientOptions options_;
  const Dependencies dependencies_;
  const std::shared_ptr<Gauge> capacity_;
  const std::shared_ptr<Gauge> discovered_;
  mutable Mutex mutex_;
  std::shared_ptr<const Setup> setup_ GUARDED_BY(mutex_);
  // What came before the first Apply, oldest first.
  std::vector<Notification> early_ GUARDED_BY(mutex_);
  bool applied_ GUARDED_BY(mutex_) = false;
};

// The URL that each target of the entry is reached at, after relabelling, or the address of those
// that relabelling dropped.
struct DiscoveredAlertmanagers {
  std::vector<std::string> urls;
  std::vector<std::string> dropped;
};
DiscoveredAlertmanagers DiscoverStatic(const AlertmanagerConfig& config);

}  // namespace tocsin
