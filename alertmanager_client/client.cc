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

std::string UrlOf(const LabelSet& labels) {
  std::string url(labels.Get("__scheme__"));
  url.append("://").append(labels.Get("__address__"));
  return url.append(labels.Get("__alerts_path__"));
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
      // Labels of the group win, so that discovery may say how each one is reached.
      LabelSet labels = group.labels;
      labels.Set("__address__", address);
      AddMissing(labels, {{"__scheme__", config.scheme},
                          {"__alerts_path__", AlertsPath(config.path_prefix)}});
      const std::string url = UrlOf(labels);
      const std::optional<LabelSet> kept = Relabel(std::move(labels), config.relabel_configs);
      if (!kept || !kept->Has("__address__")) {
        found.dropped.push_back(url);
        continue;
      }
      std::string kept_url = UrlOf(*kept);
      if (std::ranges::find(found.urls, kept_url) == found.urls.end()) {
        found.urls.push_back(std::move(kept_url));
      }
    }
  }
  return found;
}

AlertmanagerClient::AlertmanagerClient(AlertmanagerClientOptions options, Dependencies dependencies)
    : options_(std::move(options)),
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
  SendersByPlace present;
  for (size_t i = 0; i < old->clusters.size(); ++i) {
    for (const auto& sender : old->clusters[i].senders) present[{i, sender->url()}] = sender;
  }
  auto next = std::make_shared<Setup>();
  next->external_labels = config.global.external_labels;
  next->alert_relabel_configs = config.alert_relabel_configs;
  if (options_.mode == NotifyMode::kAlertmanagers) {
    for (size_t i = 0; i < config.alertmanagers.size(); ++i) {
      next->clusters.push_back(
          MakeCluster(config.alertmanagers[i], i, *old, present, next->dropped));
    }
  }
  size_t active = 0;
  for (const Cluster& cluster : next->clusters) active += cluster.senders.size();
  discovered_->Set(static_cast<double>(active));
  for (const auto& [place, sender] : present) {
    if (!sender) continue;
    sender->Stop();
    // Its successor is not known yet: what it has not told waits.
    const size_t entry = place.first;
    if (entry >= next->clusters.size() || !next->clusters[entry].senders.empty()) continue;
    Hand(next->clusters[entry], sender->TakeQueue());
  }
  // Before others can hand anything newer to the senders.
  for (const Cluster& cluster : next->clusters) {
    if (cluster.backlog && !cluster.senders.empty()) Hand(cluster, cluster.backlog->TakeAll());
  }
  std::vector<Notification> early;
  {
    const MutexLock lock(mutex_);
    setup_ = std::move(next);
    applied_ = true;
    early = std::exchange(early_, {});
  }
  if (!early.empty()) Notify(std::move(early));
}

AlertmanagerClient::Cluster AlertmanagerClient::MakeCluster(const AlertmanagerConfig& entry,
                                                            size_t index, const Setup& old,
                                                            SendersByPlace& present,
                                                            std::vector<std::string>& dropped) {
  Cluster cluster;
  cluster.alert_relabel_configs = entry.alert_relabel_configs;
  DiscoveredAlertmanagers found = DiscoverStatic(entry);
  std::ranges::move(found.dropped, std::back_inserter(dropped));
  for (std::string& url : found.urls) {
    AlertmanagerEndpoint endpoint{url, entry.timeout, entry.http};
    std::shared_ptr<Sender>& slot = present[{index, url}];
    if (slot) {
      slot->Configure(std::move(endpoint));
    } else {
      slot = std::make_shared<Sender>(std::move(endpoint), options_, dependencies_);
    }
    cluster.senders.push_back(std::exchange(slot, nullptr));
  }
  if (entry.discovery.empty()) return cluster;
  if (index < old.clusters.size()) cluster.backlog = old.clusters[index].backlog;
  if (!cluster.backlog) cluster.backlog = std::make_shared<Backlog>(options_.queue_capacity);
  return cluster;
}

void AlertmanagerClient::Hand(const Cluster& cluster, std::vector<QueuedAlert> alerts) {
  if (alerts.empty()) return;
  if (cluster.senders.empty() && cluster.backlog) {
    const size_t dropped = cluster.backlog->Keep(std::move(alerts));
    if (dropped == 0) return;
    dependencies_.log.Error("no Alertmanager is found and too many alerts wait, oldest dropped",
                            {{"alerts", dropped}});
    return;
  }
  for (const auto& sender : cluster.senders) sender->Enqueue(alerts);
}

bool AlertmanagerClient::KeepEarly(std::vector<Notification>& notifications) {
  const MutexLock lock(mutex_);
  if (applied_) return false;
  std::ranges::move(notifications, std::back_inserter(early_));
  if (early_.size() > options_.queue_capacity) {
    early_.erase(early_.begin(), early_.end() - static_cast<ptrdiff_t>(options_.queue_capacity));
  }
  return true;
}

void AlertmanagerClient::Print(const std::vector<Notification>& notifications,
                               const Setup& setup) const {
  std::string line;
  for (const Notification& notification : notifications) {
    LabelSet labels = notification.labels;
    AddMissing(labels, setup.external_labels);
    std::optional<LabelSet> kept = Relabel(std::move(labels), setup.alert_relabel_configs);
    if (!kept || kept->empty()) continue;
    line += line.empty() ? '[' : ',';
    line += *Render(notification, *std::move(kept), dependencies_.clock.Now()).json;
  }
  if (!line.empty()) options_.print(line + "]\n");
}

void AlertmanagerClient::Notify(std::vector<Notification> notifications) {
  if (options_.mode == NotifyMode::kOff || KeepEarly(notifications)) return;
  const std::shared_ptr<const Setup> setup = CurrentSetup();
  if (options_.mode == NotifyMode::kPrint) return Print(notifications, *setup);
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
    const Cluster& cluster = setup->clusters[i];
    // What was kept while the Alertmanagers were being taken over.
    if (cluster.backlog && !cluster.senders.empty()) Hand(cluster, cluster.backlog->TakeAll());
    Hand(cluster, std::move(queued[i]));
  }
}

AlertmanagersSnapshot AlertmanagerClient::Snapshot() const {
  const std::shared_ptr<const Setup> setup = CurrentSetup();
  AlertmanagersSnapshot snapshot;
  snapshot.dropped = setup->dropped;
  if (options_.mode != NotifyMode::kAlertmanagers) {
    snapshot.nobody_because = "--notify says so";
    return snapshot;
  }
  if (!setup->clusters.empty()) snapshot.nobody_because = "no Alertmanager has been found";
  for (const Cluster& cluster : setup->clusters) {
    for (const auto& sender : cluster.senders) snapshot.active.push_back(sender->Snapshot());
  }
  return snapshot;
}

DrainReport AlertmanagerClient::Drain(Duration deadline) {
  const std::shared_ptr<const Setup> setup = CurrentSetup();
  const SteadyTime end = dependencies_.clock.Steady() + deadline;
  DrainReport report;
  const auto note = [&](const std::string& url, size_t count, std::vector<QueuedAlert> alerts) {
    if (count == 0) return;
    report.lost.push_back({url, count, alerts.empty() ? "" : *alerts.front().json});
    dependencies_.log.Warn(
        "alerts were not delivered before the end",
        {{"alertmanager", url}, {"alerts", count}, {"first", report.lost.back().first}});
  };
  std::vector<std::shared_ptr<Sender>> senders;
  for (const Cluster& cluster : setup->clusters) {
    senders.insert(senders.end(), cluster.senders.begin(), cluster.senders.end());
    if (!cluster.backlog) continue;
    std::vector<QueuedAlert> waiting = cluster.backlog->TakeAll();
    const size_t count = waiting.size();
    note("", count, std::move(waiting));
  }
  for (const auto& sender : senders) sender->BeginDrain();
  for (const auto& sender : senders) {
    const auto left = std::chrono::duration_cast<Duration>(end - dependencies_.clock.Steady());
    const size_t undelivered = sender->WaitUntilIdle(std::max(left, Duration::zero()));
    sender->Stop();
    note(UrlWithoutSecrets(sender->url()), undelivered, sender->TakeQueue());
  }
  return report;
}

}  // namespace tocsin
