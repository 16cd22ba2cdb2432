#include "remote_write/remote_queue.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "engine/model/relabel.h"
#include "engine/storage/remote_write.h"

namespace tocsin {
namespace {

constexpr Duration kLongestRetryAfter = std::chrono::minutes(5);

bool MayWorkLater(int status) { return status / 100 == 5 || status == 429 || status == 408; }

// Retry-After in seconds; its form with a date is not used for this.
Duration RetryAfter(const HttpResponse& response) {
  const std::string_view text = response.Header("retry-after");
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return {};
  return std::min<Duration>(std::chrono::seconds(seconds), kLongestRetryAfter);
}

std::string FirstLine(std::string_view body) {
  constexpr size_t kEnough = 200;
  return std::string(body.substr(0, std::min(body.find('\n'), kEnough)));
}

}  // namespace

RemoteQueue::Figures RemoteQueue::MakeFigures(Metrics& metrics, const RemoteWriteConfig& config) {
  const MetricLabels labels = {{"remote_name", config.name},
                               {"url", UrlWithoutSecrets(config.url)}};
  return {
      .sent = metrics.MakeCounter("prometheus_remote_storage_samples_total",
                                  "Samples sent to remote storage, resent ones included.", labels),
      .failed = metrics.MakeCounter("prometheus_remote_storage_samples_failed_total",
                                    "Samples that the remote storage refused.", labels),
      .dropped = metrics.MakeCounter("prometheus_remote_storage_samples_dropped_total",
                                     "Samples that were never sent: the queue was full, they were "
                                     "too old, or relabelling dropped them.",
                                     labels),
      .retried = metrics.MakeCounter("prometheus_remote_storage_samples_retried_total",
                                     "Samples that had to be sent again.", labels),
      .bytes = metrics.MakeCounter("prometheus_remote_storage_bytes_total",
                                   "Bytes of samples sent, compressed.", labels),
      .pending = metrics.MakeGauge("prometheus_remote_storage_samples_pending",
                                   "Samples that wait to be sent.", labels),
      .highest_sent =
          metrics.MakeGauge("prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                            "Timestamp of the newest sample that was delivered.", labels)};
}

RemoteQueue::RemoteQueue(RemoteWriteConfig config, LabelSet external_labels,
                         const Dependencies& dependencies)
    : config_(std::move(config)),
      external_labels_(std::move(external_labels)),
      deps_(dependencies),
      shown_url_(UrlWithoutSecrets(config_.url)),
      figures_(MakeFigures(dependencies.metrics, config_)) {}

void RemoteQueue::Add(std::span<const PendingSample> batch) {
  size_t dropped = 0;
  bool tell = false;
  {
    const MutexLock lock(mutex_);
    if (stopped_) return;
    for (const PendingSample& sample : batch) {
      if (sample.ref == kNoSeries || sample.histogram != nullptr) continue;
      samples_.push_back({.ref = sample.ref, .t_ms = sample.t_ms, .value = sample.value});
    }
    for (; samples_.size() > config_.capacity; ++dropped) samples_.pop_front();
    tell = dropped > 0 && !std::exchange(full_, dropped > 0);
    figures_.pending->Set(static_cast<double>(samples_.size()));
    const bool enough = samples_.size() >= config_.max_samples_per_send;
    if (samples_.empty()) return;
    if (activity_ == Activity::kIdle) {
      ScheduleAfter(enough ? Duration::zero() : config_.batch_send_deadline);
    } else if (activity_ == Activity::kWaiting && enough && failures_ == 0) {
      ScheduleAfter(Duration::zero());
    }
  }
  if (dropped > 0) figures_.dropped->Increment(static_cast<double>(dropped));
  if (tell) {
    deps_.log.Error("remote write does not keep up: its queue is full, the oldest samples are lost",
                    {{"url", shown_url_}, {"samples", dropped}});
  }
}

void RemoteQueue::ScheduleAfter(Duration delay) {
  if (activity_ == Activity::kWaiting) deps_.scheduler.Cancel(timer_);
  activity_ = Activity::kWaiting;
  timer_ = deps_.scheduler.After(delay, deps_.io, [weak = weak_from_this()] {
    if (const std::shared_ptr<RemoteQueue> self = weak.lock()) self->Run();
  });
}

std::optional<RemoteQueue::Batch> RemoteQueue::NextBatch() {
  std::vector<Sample> taken;
  {
    const MutexLock lock(mutex_);
    if (retry_) return std::exchange(retry_, std::nullopt);
    const size_t count = std::min(samples_.size(), config_.max_samples_per_send);
    const auto end = samples_.begin() + static_cast<std::ptrdiff_t>(count);
    taken.assign(samples_.begin(), end);
    samples_.erase(samples_.begin(), end);
    figures_.pending->Set(static_cast<double>(samples_.size()));
    if (samples_.empty()) full_ = false;
  }
  if (taken.empty()) return std::nullopt;
  Batch batch;
  const int64_t oldest_ms = config_.sample_age_limit > Duration::zero()
                                ? ToMs(deps_.clock.Now() - config_.sample_age_limit)
                                : INT64_MIN;
  std::map<SeriesRef, WrittenSeries> series;
  std::vector<LabelView> views;
  for (const Sample& sample : taken) {
    const auto [found, added] = series.try_emplace(sample.ref);
    if (added && deps_.store.ViewLabels(sample.ref, views)) {
      LabelSet labels;
      for (const auto& [name, value] : views) labels.Set(name, value);
      for (const auto& [name, value] : external_labels_) {
        if (!labels.Has(name)) labels.Set(name, value);
      }
      found->second.labels =
          Relabel(std::move(labels), config_.relabel_configs).value_or(LabelSet());
    }
    if (found->second.labels.empty() || sample.t_ms < oldest_ms) continue;
    found->second.samples.emplace_back(sample.t_ms, sample.value);
    batch.newest_ms = std::max(batch.newest_ms, sample.t_ms);
    ++batch.samples;
  }
  std::vector<WrittenSeries> written;
  for (auto& [ref, one] : series) {
    if (!one.samples.empty()) written.push_back(std::move(one));
  }
  if (taken.size() > batch.samples) {
    figures_.dropped->Increment(static_cast<double>(taken.size() - batch.samples));
  }
  if (batch.samples > 0) batch.body = EncodeRemoteWrite(written);
  return batch;
}

RemoteQueue::Outcome RemoteQueue::Send(const Batch& batch, Duration timeout) {
  if (batch.samples == 0) return Outcome::kDone;
  HttpRequest request;
  request.method = "POST";
  request.url = config_.url;
  request.timeout = timeout;
  request.body = batch.body;
  request.headers = {{"Content-Type", "application/x-protobuf"},
                     {"Content-Encoding", "snappy"},
                     {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
  request.canceled = [this] { return abandoned_.load(); };
  Configure(request, config_.http);
  const auto samples = static_cast<double>(batch.samples);
  figures_.sent->Increment(samples);
  figures_.bytes->Increment(static_cast<double>(batch.body.size()));
  const Result<HttpResponse> response = deps_.http.Fetch(request);
  if (response.ok() && response->status / 100 == 2) {
    figures_.highest_sent->Set(static_cast<double>(batch.newest_ms) / 1000);
    return Outcome::kDone;
  }
  if (response.ok() && !MayWorkLater(response->status)) {
    Refused(batch, fmt::format("status {}: {}", response->status, FirstLine(response->body)));
    return Outcome::kDone;
  }
  figures_.retried->Increment(samples);
  const MutexLock lock(mutex_);
  if (failures_ == 0) {
    deps_.log.Warn("remote write failed; it is tried again",
                   {{"url", shown_url_},
                    {"err", response.ok() ? fmt::format("status {}: {}", response->status,
                                                        FirstLine(response->body))
                                          : response.error().message}});
  }
  told_to_wait_ = response.ok() ? RetryAfter(*response) : Duration::zero();
  return Outcome::kRetry;
}

void RemoteQueue::Refused(const Batch& batch, std::string_view why) {
  figures_.failed->Increment(static_cast<double>(batch.samples));
  deps_.log.Error("remote write was refused, its samples are dropped",
                  {{"url", shown_url_}, {"samples", batch.samples}, {"err", std::string(why)}});
}

Duration RemoteQueue::Backoff() {
  constexpr int kEnoughDoublings = 20;
  const Duration doubled = config_.min_backoff * (1 << std::min(failures_++, kEnoughDoublings));
  return std::max(std::min(doubled, config_.max_backoff), told_to_wait_);
}

void RemoteQueue::Run() {
  {
    const MutexLock lock(mutex_);
    if (stopped_ || activity_ == Activity::kSending) return;
    activity_ = Activity::kSending;
  }
  std::optional<Batch> batch = NextBatch();
  const Outcome outcome = batch ? Send(*batch, config_.timeout) : Outcome::kDone;
  const MutexLock lock(mutex_);
  activity_ = Activity::kIdle;
  if (outcome == Outcome::kRetry) {
    retry_ = std::move(batch);
  } else {
    failures_ = 0;
  }
  if (stopped_) {
    rest_.notify_all();
  } else if (outcome == Outcome::kRetry) {
    ScheduleAfter(Backoff());
  } else if (!samples_.empty()) {
    const bool enough = samples_.size() >= config_.max_samples_per_send;
    ScheduleAfter(enough ? Duration::zero() : config_.batch_send_deadline);
  }
}

size_t RemoteQueue::Stop(Duration at_most) {
  const SteadyTime deadline = deps_.clock.Steady() + at_most;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    if (activity_ == Activity::kWaiting) deps_.scheduler.Cancel(timer_);
    if (at_most <= Duration::zero()) abandoned_ = true;
    rest_.wait_for(lock, at_most,
                   [this]() NO_THREAD_SAFETY_ANALYSIS { return activity_ != Activity::kSending; });
    abandoned_ = true;
    rest_.wait(lock,
               [this]() NO_THREAD_SAFETY_ANALYSIS { return activity_ != Activity::kSending; });
    abandoned_ = false;
  }
  while (deps_.clock.Steady() < deadline) {
    const std::optional<Batch> batch = NextBatch();
    if (!batch) return 0;
    const Duration left = std::chrono::duration_cast<Duration>(deadline - deps_.clock.Steady());
    if (Send(*batch, std::min(left, config_.timeout)) == Outcome::kRetry) {
      const MutexLock lock(mutex_);
      return samples_.size() + batch->samples;
    }
  }
  const MutexLock lock(mutex_);
  return samples_.size() + (retry_ ? retry_->samples : 0);
}

}  // namespace tocsin
