// Delivers to one Alertmanager: one request in flight, retries with growing pauses.
//
// What an answer means:
//   2xx            delivered
//   400, 413, 422, other 4xx
//                  something in the batch is unacceptable: the batch is split in halves until the
//                  offender stands alone; that one is refused and forgotten, the others delivered.
//                  (The Alertmanager may have stored some of them already; posting an alert twice
//                  changes nothing.)
//   anything else  no connection, 5xx, 408, 429, wrong password, wrong path: nothing is wrong with
//                  the alerts, so all are kept and tried again after min_backoff, doubled up to
//                  max_backoff and spread by jitter.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alertmanager_client/alert_queue.h"
#include "alertmanager_client/client.h"

namespace tocsin {

// How to reach an Alertmanager.
struct AlertmanagerEndpoint {
  std::string url;  // …/api/v2/alerts
  Duration timeout{};
  HttpClientConfig http;
};

// Lives as a shared_ptr, which its tasks hold.
//
// Thread safety: all methods may be called from any thread.
class Sender : public std::enable_shared_from_this<Sender> {
 public:
  Sender(AlertmanagerEndpoint endpoint, const AlertmanagerClientOptions& options,
         AlertmanagerClient::Dependencies dependencies);

  const std::string& url() const { return url_; }
  // From the next request on. The URL stays.
  void Configure(AlertmanagerEndpoint endpoint);
  void Enqueue(std::vector<QueuedAlert> alerts);
  AlertmanagerSnapshot Snapshot() const;

  // Ends the present pause and keeps the later ones as short as possible.
  void BeginDrain();
  // Waits until nothing is queued or in flight. Returns how many alerts still are.
  size_t WaitUntilIdle(Duration at_most);
  // Nothing is sent any more; the request in flight is abandoned.
  void Stop();
  // What was not delivered, but for a request that is being abandoned. After Stop.
  std::vector<QueuedAlert> TakeQueue();

 private:
  struct Outcome {
    size_t delivered = 0;
    size_t refused = 0;
    size_t failed_requests = 0;
    std::string error;  // of the last request that failed
    std::vector<QueuedAlert> retry;
  };
  struct Figures {
    std::shared_ptr<Distribution> latency;
    std::shared_ptr<Distribution> latency_histogram;
    std::shared_ptr<Counter> errors;
    std::shared_ptr<Counter> sent;
    std::shared_ptr<Counter> dropped;
    std::shared_ptr<Gauge> queue_length;
  };
  enum class Activity { kIdle, kSending, kPausing };

  void Post();
  void SendNext();
  void Deliver(const AlertmanagerEndpoint& endpoint, std::span<QueuedAlert> batch,
               Outcome& outcome);
  void Finish(Outcome outcome);
  Result<HttpResponse> Fetch(const AlertmanagerEndpoint& endpoint,
                             std::span<const QueuedAlert> batch);
  Duration NextPause() REQUIRES_LOCK(mutex_);

  const std::string url_;
  const std::string shown_url_;  // without secrets
  const AlertmanagerClientOptions options_;
  const AlertmanagerClient::Dependencies dependencies_;
  const Figures figures_;
  std::atomic<bool> stopped_ = false;

  mutable Mutex mutex_;
  std::condition_variable_any idle_;
  std::shared_ptr<const AlertmanagerEndpoint> endpoint_ GUARDED_BY(mutex_);
  AlertQueue queue_ GUARDED_BY(mutex_);
  size_t in_flight_ GUARDED_BY(mutex_) = 0;
  Activity activity_ GUARDED_BY(mutex_) = Activity::kIdle;
  std::optional<TimerId> pause_timer_ GUARDED_BY(mutex_);
  bool draining_ GUARDED_BY(mutex_) = false;
  int failures_in_a_row_ GUARDED_BY(mutex_) = 0;
  AlertmanagerSnapshot seen_ GUARDED_BY(mutex_);
};

}  // namespace tocsin
