#include "alertmanager_client/sender.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

// Refusals that say nothing about the alerts: who asks (401, 403, 407), where (404, 405, 410, 415,
// 421), when (408, 425, 429). The same alerts are welcome once that is put right.
constexpr int kNotAboutTheAlerts[] = {401, 403, 404, 405, 407, 408, 410, 415, 421, 425, 429};

// The batch itself is at fault, rather than the way to the Alertmanager.
bool RefusesContent(int status) {
  return status / 100 == 4 && !std::ranges::binary_search(kNotAboutTheAlerts, status);
}

std::string FirstLine(std::string_view body) {
  constexpr size_t kEnough = 200;
  return std::string(body.substr(0, std::min(body.find('\n'), kEnough)));
}

}  // namespace

Sender::Sender(AlertmanagerEndpoint endpoint, const AlertmanagerClientOptions& options,
               AlertmanagerClient::Dependencies dependencies)
    : url_(endpoint.url),
      shown_url_(UrlWithoutSecrets(endpoint.url)),
      options_(options),
      dependencies_(std::move(dependencies)),
      figures_([this] {
        Metrics& metrics = dependencies_.metrics;
        const MetricLabels labels = {{"alertmanager", shown_url_}};
        return Figures{
            metrics.MakeSummary("prometheus_notifications_latency_seconds",
                                "Latency quantiles for sending alert notifications.", labels),
            metrics.MakeHistogram("prometheus_notifications_latency_histogram_seconds",
                                  "Latency histogram for sending alert notifications.",
                                  {0.01, 0.1, 1, 10}, labels),
            metrics.MakeCounter("prometheus_notifications_errors_total",
                                "Total number of sent alerts affected by errors.", labels),
            metrics.MakeCounter("prometheus_notifications_sent_total",
                                "Total number of alerts sent.", labels),
            metrics.MakeCounter("prometheus_notifications_dropped_total",
                                "Alerts that will not be sent: refused by the Alertmanager, or "
                                "pushed out of a full queue.",
                                labels),
            metrics.MakeGauge("prometheus_notifications_queue_length",
                              "The number of alert notifications in the queue.", labels)};
      }()),
      endpoint_(std::make_shared<const AlertmanagerEndpoint>(std::move(endpoint))),
      queue_(options.queue_capacity) {
  seen_.url = shown_url_;
}

void Sender::Configure(AlertmanagerEndpoint endpoint) {
  auto next = std::make_shared<const AlertmanagerEndpoint>(std::move(endpoint));
  const MutexLock lock(mutex_);
  endpoint_ = std::move(next);
}

void Sender::Enqueue(std::vector<QueuedAlert> alerts) {
  if (stopped_ || alerts.empty()) return;
  size_t dropped = 0;
  bool start = false;
  {
    const MutexLock lock(mutex_);
    for (QueuedAlert& alert : alerts) dropped += queue_.Push(std::move(alert));
    figures_.queue_length->Set(static_cast<double>(queue_.size()));
    start = activity_ == Activity::kIdle;
    if (start) activity_ = Activity::kSending;
  }
  if (dropped > 0) {
    figures_.dropped->Increment(static_cast<double>(dropped));
    dependencies_.log.Error("notification queue is full, oldest alerts dropped",
                            {{"alertmanager", shown_url_}, {"alerts", dropped}});
  }
  if (start) Post();
}

AlertmanagerSnapshot Sender::Snapshot() const {
  const MutexLock lock(mutex_);
  AlertmanagerSnapshot copy = seen_;
  copy.queued = queue_.size() + in_flight_;
  return copy;
}

void Sender::BeginDrain() {
  std::optional<TimerId> timer;
  {
    const MutexLock lock(mutex_);
    draining_ = true;
    if (activity_ != Activity::kPausing) return;
    timer = std::exchange(pause_timer_, std::nullopt);
    activity_ = Activity::kSending;
  }
  if (timer) dependencies_.scheduler.Cancel(*timer);
  Post();
}

size_t Sender::WaitUntilIdle(Duration at_most) {
  MutexLock lock(mutex_);
  idle_.wait_for(lock, at_most, [this]() NO_THREAD_SAFETY_ANALYSIS {
    return activity_ == Activity::kIdle || stopped_;
  });
  return queue_.size() + in_flight_;
}

void Sender::Stop() {
  std::optional<TimerId> timer;
  stopped_ = true;
  {
    const MutexLock lock(mutex_);
    timer = std::exchange(pause_timer_, std::nullopt);
  }
  if (timer) dependencies_.scheduler.Cancel(*timer);
  idle_.notify_all();
}

std::vector<QueuedAlert> Sender::TakeQueue() {
  const MutexLock lock(mutex_);
  return queue_.Take(options_.queue_capacity);
}

void Sender::Post() {
  dependencies_.io.Post([self = shared_from_this()] { self->SendNext(); });
}

void Sender::SendNext() {
  std::shared_ptr<const AlertmanagerEndpoint> endpoint;
  std::vector<QueuedAlert> batch;
  {
    const MutexLock lock(mutex_);
    // A timer that fired just when the drain ended its pause comes too late.
    if (activity_ == Activity::kIdle || in_flight_ > 0 || stopped_) return;
    pause_timer_.reset();
    batch = queue_.Take(options_.batch_size);
    in_flight_ = batch.size();
    activity_ = batch.empty() ? Activity::kIdle : Activity::kSending;
    endpoint = endpoint_;
  }
  if (batch.empty()) {
    idle_.notify_all();
    return;
  }
  Outcome outcome;
  Deliver(*endpoint, batch, outcome);
  Finish(std::move(outcome));
}

void Sender::Deliver(const AlertmanagerEndpoint& endpoint, std::span<QueuedAlert> batch,
                     Outcome& outcome) {
  const bool way_is_blocked = !outcome.retry.empty();
  if (way_is_blocked) {
    outcome.retry.insert(outcome.retry.end(), batch.begin(), batch.end());
    return;
  }
  const Result<HttpResponse> response = Fetch(endpoint, batch);
  if (response.ok() && response->status / 100 == 2) {
    outcome.delivered += batch.size();
    return;
  }
  ++outcome.failed_requests;
  outcome.error = response.ok() ? fmt::format("{} answered {}: {}", shown_url_, response->status,
                                              FirstLine(response->body))
                                : response.error().message;
  if (!response.ok() || !RefusesContent(response->status)) {
    outcome.retry.insert(outcome.retry.end(), batch.begin(), batch.end());
    return;
  }
  if (batch.size() == 1) {
    ++outcome.refused;
    dependencies_.log.Error(
        "alert refused",
        {{"alertmanager", shown_url_}, {"alert", *batch[0].json}, {"err", outcome.error}});
    return;
  }
  const size_t half = batch.size() / 2;
  Deliver(endpoint, batch.first(half), outcome);
  Deliver(endpoint, batch.subspan(half), outcome);
}

Result<HttpResponse> Sender::Fetch(const AlertmanagerEndpoint& endpoint,
                                   std::span<const QueuedAlert> batch) {
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint.url;
  request.timeout = endpoint.timeout;
  request.max_body_bytes = 1 << 20;
  request.headers.emplace_back("Content-Type", "application/json");
  tocsin::Configure(request, endpoint.http);
  request.canceled = [self = shared_from_this()] { return self->stopped_.load(); };
  request.body = "[";
  for (const QueuedAlert& alert : batch) {
    if (request.body.size() > 1) request.body += ',';
    request.body += *alert.json;
  }
  request.body += ']';

  const SteadyTime begin = dependencies_.clock.Steady();
  Result<HttpResponse> response = dependencies_.http.Fetch(request);
  const std::chrono::duration<double> took = dependencies_.clock.Steady() - begin;
  figures_.latency->Observe(took.count());
  figures_.latency_histogram->Observe(took.count());
  return response;
}

Duration Sender::NextPause() {
  if (draining_) return options_.min_backoff;
  const int doublings = std::min(failures_in_a_row_ - 1, 16);
  const Duration pause = std::min(options_.min_backoff * (1 << doublings), options_.max_backoff);
  // Between three quarters and all of it, so that many senders do not come at the same moment.
  return Duration{static_cast<int64_t>(static_cast<double>(pause.count()) *
                                       (1 - 0.25 * dependencies_.jitter()))};
}

void Sender::Finish(Outcome outcome) {
  const bool blocked = !outcome.retry.empty();
  if (outcome.delivered > 0) figures_.sent->Increment(static_cast<double>(outcome.delivered));
  if (blocked) figures_.errors->Increment(static_cast<double>(outcome.retry.size()));
  size_t dropped = outcome.refused;
  bool recovered = false;
  Duration pause{};
  int failures = 0;
  {
    const MutexLock lock(mutex_);
    in_flight_ = 0;
    seen_.sent += outcome.delivered;
    seen_.refused += outcome.refused;
    seen_.failed += outcome.failed_requests;
    if (outcome.failed_requests > 0) {
      seen_.last_error = outcome.error;
      seen_.last_failure = dependencies_.clock.Now();
    }
    if (outcome.delivered > 0) seen_.last_success = dependencies_.clock.Now();
    if (blocked) {
      dropped += queue_.PutBack(std::move(outcome.retry));
      failures = ++failures_in_a_row_;
      pause = NextPause();
      activity_ = Activity::kPausing;
    } else {
      recovered = failures_in_a_row_ > 0;
      failures_in_a_row_ = 0;
    }
    figures_.queue_length->Set(static_cast<double>(queue_.size()));
  }
  if (dropped > 0) figures_.dropped->Increment(static_cast<double>(dropped));
  if (recovered) {
    dependencies_.log.Info("alertmanager takes alerts again", {{"alertmanager", shown_url_}});
  }
  if (!blocked) {
    Post();
    return;
  }
  dependencies_.log.Warn("sending alerts failed, will try again",
                         {{"alertmanager", shown_url_},
                          {"attempt", failures},
                          {"pause", FormatPrometheusDuration(pause)},
                          {"err", outcome.error}});
  const TimerId timer = dependencies_.scheduler.After(
      pause, dependencies_.io, [self = shared_from_this()] { self->SendNext(); });
  const MutexLock lock(mutex_);
  if (activity_ == Activity::kPausing) pause_timer_ = timer;
}

}  // namespace tocsin
