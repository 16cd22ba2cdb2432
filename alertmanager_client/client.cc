#include "alertmanager_client/client.h"

#include <algorithm>
#include <utility>

#include "alertmanager_client/payload.h"
#include "alertmanager_client/sender.h"
#include "engine/model/relabel.h"

namespace tocsin {
namespace {

std::string AlertsPath(const std::string& path_prefix) {
  std::string path = path_prefix;
  while (path.ends_with('/')) path.pop_back();
  if (!path.starts_with('/') && !path.empty()) path.insert(0, "/");
  return path + "/api/v2/alerts";
}

// Labels of the process go where the alert has none of that name.
void AddMissing(LabelSet& labels, const LabelSet& external) {
  for (const auto& [name, value] : external) {
    if (!labels.Has(name)) labels.Set(name, value);
  }
}

QueuedAlert Render(Notification notification, LabelSet labels, Timestamp now) {
  notification.labels = std::move(labels);
  return {.identity = notification.labels.Hash(),
          .resolved = notification.ends_at <= now,
          .json = std::make_shared<const std::string>(RenderAlert(notification))};
}

}  // namespace

DiscoveredAlertmanagers DiscoverStatic(const AlertmanagerConfig& config) {
  DiscoveredAlertmanagers found;
  for (const StaticTargets& group : config.static_configs) {
    for (const std::string& address : group.targets) {
      LabelSet labels = group.labels;
      labels.Set("__address__", address);
      labels.Set("__scheme__", config.scheme);
      labels.Set("__alerts_path__", AlertsPath(config.path_prefix));
      const std::optional<LabelSet> kept = Relabel(std::move(labels), config.relabel_configs);
      if (!kept || !kept->Has("__address__")) {
        found.dropped.push_back(address);
        continue;
      }
      std::string url = std::string(kept->Get("__scheme__")) + "://" +
                        std::string(kept->Get("__address__")) +
                        std::string(kept->Get("__alerts_path__"));
      if (std::ranges::find(found.urls, url) == found.urls.end()) {
        found.urls.push_back(std::move(url));
      }
    }
  }
  return found;
}

AlertmanagerClient::AlertmanagerClient(AlertmanagerClientOptions options, Dependencies dependencies)
    : options_(options),
      dependencies_(std::move(dependencies)),
      capacity_(dependencies_.metrics.MakeGauge("prometheus_notifications_queue_capacity",
                                                "The capacity of the alert notifications queue.")),
      discovered_(
          dependencies_.metrics.MakeGauge("prometheus_notifications_alertmanagers_discovered",
                                          "The number of alertmanagers discovered and active.")),
      setup_(std::make_shared<const Setup>()) {
  capacity_->Set(static_cast<double>(options_.queue_capacity));
}

AlertmanagerClient::~AlertmanagerClient() {
  for (const Cluster& cluster : CurrentSetup()->clusters) {
    for (const std::shared_ptr<Sender>& sender : cluster.senders) sender->Stop();
  }
}

std::shared_ptr<const AlertmanagerClient::Setup> AlertmanagerClient::CurrentSetup() const {
  const MutexLock lock(mutex_);
  return setup_;
}

void AlertmanagerClient::Apply(const Config& config) {
  const std::shared_ptr<const Setup> old = CurrentSetup();
  // By entry and URL: two entries may reach the same Alertmanager with different relabelling.
  std::map<std::pair<size_t, std::string>, std::shared_ptr<Sender>> present;
  for (size_t i = 0; i < old->clusters.size(); ++i) {
    for (const auto& sender : old->clusters[i].senders) present[{i, sender->url()}] = sender;
  }
  auto next = std::make_shared<Setup>();
  next->external_labels = config.global.external_labels;
  next->alert_relabel_configs = config.alert_relabel_configs;
  size_t active = 0;
  for (size_t i = 0; i < config.alertmanagers.size(); ++i) {
    const AlertmanagerConfig& entry = config.alertmanagers[i];
    Cluster cluster{.alert_relabel_configs = entry.alert_relabel_configs, .senders = {}};
    DiscoveredAlertmanagers found = DiscoverStatic(entry);
    for (std::string& url : found.urls) {
      AlertmanagerEndpoint endpoint{url, entry.timeout, entry.http};
      std::shared_ptr<Sender>& slot = present[{i, url}];
      if (slot) {
        slot->Configure(std::move(endpoint));
      } else {
        slot = std::make_shared<Sender>(std::move(endpoint), options_, dependencies_);
      }
      cluster.senders.push_back(std::exchange(slot, nullptr));
      ++active;
    }
    next->clusters.push_back(std::move(cluster));
    next->dropped.insert(next->dropped.end(), found.dropped.begin(), found.dropped.end());
  }
  discovered_->Set(static_cast<double>(active));
  {
    const MutexLock lock(mutex_);
    setup_ = std::move(next);
  }
  for (const auto& [key, sender] : present) {
    if (sender) sender->Stop();
  }
}

void AlertmanagerClient::Notify(std::vector<Notification> notifications) {
  const std::shared_ptr<const Setup> setup = CurrentSetup();
  const Timestamp now = dependencies_.clock.Now();
  std::vector<std::vector<QueuedAlert>> queued(setup->clusters.size());
  for (const Notification& notification : notifications) {
    LabelSet labels = notification.labels;
    AddMissing(labels, setup->external_labels);
    const std::optional<LabelSet> kept = Relabel(std::move(labels), setup->alert_relabel_configs);
    if (!kept || kept->empty()) continue;
    std::optional<QueuedAlert> shared;
    for (size_t i = 0; i < setup->clusters.size(); ++i) {
      const std::vector<RelabelRule>& rules = setup->clusters[i].alert_relabel_configs;
      if (rules.empty()) {
        if (!shared) shared = Render(notification, *kept, now);
        queued[i].push_back(*shared);
      } else if (std::optional<LabelSet> own = Relabel(*kept, rules); own && !own->empty()) {
        queued[i].push_back(Render(notification, *std::move(own), now));
      }
    }
  }
  for (size_t i = 0; i < setup->clusters.size(); ++i) {
    for (const auto& sender : setup->clusters[i].senders) sender->Enqueue(queued[i]);
  }
}

AlertmanagersSnapshot AlertmanagerClient::Snapshot() const {
  const std::shared_ptr<const Setup> setup = CurrentSetup();
  AlertmanagersSnapshot snapshot;
  snapshot.dropped = setup->dropped;
  for (const Cluster& cluster : setup->clusters) {
    for (const auto& sender : cluster.senders) snapshot.active.push_back(sender->Snapshot());
  }
  return snapshot;
}

DrainReport AlertmanagerClient::Drain(Duration deadline) {
  const std::shared_ptr<const Setup> setup = CurrentSetup();
  const SteadyTime end = dependencies_.clock.Steady() + deadline;
  DrainReport report;
  std::vector<std::shared_ptr<Sender>> senders;
  for (const Cluster& cluster : setup->clusters) {
    senders.insert(senders.end(), cluster.senders.begin(), cluster.senders.end());
  }
  for (const auto& sender : senders) sender->BeginDrain();
  for (const auto& sender : senders) {
    const auto left = std::chrono::duration_cast<Duration>(end - dependencies_.clock.Steady());
    const size_t undelivered = sender->WaitUntilIdle(std::max(left, Duration::zero()));
    if (undelivered > 0) {
      report.undelivered += undelivered;
      report.alertmanagers.push_back(UrlWithoutSecrets(sender->url()));
    }
    sender->Stop();
  }
  return report;
}

}  // namespace tocsin
