// Loads the series of the comparison with Prometheus into servers, by remote write 1.0.
//
// usage: load_series SERIES END_SECONDS URL…
//
// An hour of samples, 15 s apart, the last one at END_SECONDS, into each server at
// URL/api/v1/write. Each instance of a service has 200 series: counters of requests, buckets of a
// histogram of durations, gauges of workers, and one series with facts about the instance.
#include <charconv>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "tests/support/remote_write_body.h"

namespace tocsin {
namespace {

constexpr int64_t kIntervalMs = 15'000;
constexpr size_t kSamples = 240;
constexpr size_t kSeriesPerInstance = 200;
constexpr size_t kBodyBytes = 4 << 20;

constexpr const char* kCodes[] = {"200", "302", "404", "500", "503"};
constexpr const char* kBounds[] = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                   "0.5",   "1",    "2.5",   "5",    "10",  "+Inf"};
constexpr size_t kHandlers = 16;
constexpr size_t kTimedHandlers = 8;
constexpr size_t kWorkers = 23;
static_assert(kHandlers * std::size(kCodes) + kTimedHandlers * std::size(kBounds) + kWorkers + 1 ==
              kSeriesPerInstance);

std::string Handler(size_t i) {
  constexpr const char* kFamilies[] = {"users", "orders", "search", "admin"};
  return std::string("/api/v") + std::to_string(1 + i / 8) + "/" + kFamilies[i % 4] +
         (i / 4 % 2 == 0 ? "" : "/batch");
}

class Loader {
 public:
  Loader(size_t instances, int64_t end_ms, std::vector<std::string> urls)
      : instances_(instances),
        start_ms_(end_ms - static_cast<int64_t>(kSamples - 1) * kIntervalMs),
        urls_(std::move(urls)),
        client_(MakeCurlHttpClient("tocsin-bench")) {}

  Status Run() {
    for (size_t i = 0; i < instances_; ++i) {
      RETURN_IF_ERROR(AddInstance(i));
      if (body_.bytes() >= kBodyBytes) RETURN_IF_ERROR(Send());
    }
    return Send();
  }

 private:
  Status AddInstance(size_t i) {
    const std::string instance =
        "10." + std::to_string(i / 250) + ".0." + std::to_string(i % 250) + ":8080";
    const LabelSet base{{"job", i % 4 == 0 ? "batch" : "api"}, {"instance", instance}};
    for (size_t handler = 0; handler < kHandlers; ++handler) {
      for (const char* code : kCodes) {
        LabelSet labels = base;
        labels.Set("__name__", "http_requests_total");
        labels.Set("handler", Handler(handler));
        labels.Set("code", code);
        AddCounter(labels, 1 + static_cast<double>(random_() % 40));
      }
    }
    for (size_t handler = 0; handler < kTimedHandlers; ++handler) AddHistogram(base, handler);
    for (size_t worker = 0; worker < kWorkers; ++worker) {
      LabelSet labels = base;
      labels.Set("__name__", "worker_memory_bytes");
      labels.Set("worker", std::to_string(worker));
      AddGauge(labels);
    }
    LabelSet facts = base;
    facts.Set("__name__", "instance_info");
    facts.Set("zone", std::string("zone-") + static_cast<char>('a' + i % 3));
    facts.Set("version", "1." + std::to_string(i % 7));
    for (size_t n = 0; n < kSamples; ++n) samples_[n] = {TimeOf(n), 1};
    body_.Add(facts, samples_);
    return Ok();
  }

  int64_t TimeOf(size_t n) const { return start_ms_ + static_cast<int64_t>(n) * kIntervalMs; }

  // Far from 0, where Prometheus 2 and 3 extrapolate differently; one in fifty restarts.
  // Rates are all different, so that topk has no choice.
  void AddCounter(const LabelSet& labels, double rise) {
    double value = 1e6 + static_cast<double>(random_() % 100'000);
    const size_t restart = random_() % (50 * kSamples);
    for (size_t n = 0; n < kSamples; ++n) {
      value += std::uniform_real_distribution<double>(0, 2 * rise)(random_);
      if (n == restart) value = 1e5;
      samples_[n] = {TimeOf(n), value};
    }
    body_.Add(labels, samples_);
  }

  void AddHistogram(const LabelSet& base, size_t handler) {
    std::vector<double> counts(kSamples * std::size(kBounds), 1e6);
    for (size_t n = 1; n < kSamples; ++n) {
      double observed = 0;
      for (size_t bucket = 0; bucket < std::size(kBounds); ++bucket) {
        const size_t i = n * std::size(kBounds) + bucket;
        observed += static_cast<double>(random_() % (3 + handler));
        counts[i] = counts[i - std::size(kBounds)] + observed;
      }
    }
    for (size_t bucket = 0; bucket < std::size(kBounds); ++bucket) {
      LabelSet labels = base;
      labels.Set("__name__", "http_request_duration_seconds_bucket");
      labels.Set("handler", Handler(handler));
      labels.Set("le", kBounds[bucket]);
      for (size_t n = 0; n < kSamples; ++n) {
        samples_[n] = {TimeOf(n), counts[n * std::size(kBounds) + bucket]};
      }
      body_.Add(labels, samples_);
    }
  }

  void AddGauge(const LabelSet& labels) {
    double value = 2e8 + static_cast<double>(random_() % 100'000'000);
    for (size_t n = 0; n < kSamples; ++n) {
      value += static_cast<double>(random_() % 200'001) * 10 - 1e6;
      samples_[n] = {TimeOf(n), value};
    }
    body_.Add(labels, samples_);
  }

  Status Send() {
    HttpRequest request{.method = "POST",
                        .headers = {{"Content-Type", "application/x-protobuf"},
                                    {"Content-Encoding", "snappy"},
                                    {"X-Prometheus-Remote-Write-Version", "0.1.0"}},
                        .body = body_.Take(),
                        .timeout = std::chrono::minutes(2)};
    for (const std::string& url : urls_) {
      request.url = url + "/api/v1/write";
      ASSIGN_OR_RETURN(const HttpResponse response, client_->Fetch(request));
      if (response.status / 100 != 2) {
        return Unavailable(request.url + ": " + std::to_string(response.status) + " " +
                           response.body);
      }
    }
    return Ok();
  }

  const size_t instances_;
  const int64_t start_ms_;
  const std::vector<std::string> urls_;
  const std::unique_ptr<HttpClient> client_;
  std::mt19937_64 random_{1};
  std::vector<Sample> samples_{kSamples};
  testing_support::RemoteWriteBody body_;
};

bool ReadNumber(std::string_view text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

int Main(std::vector<std::string> arguments) {
  int64_t series = 0;
  int64_t end_seconds = 0;
  if (arguments.size() < 3 || !ReadNumber(arguments[0], series) ||
      !ReadNumber(arguments[1], end_seconds)) {
    std::fprintf(stderr, "usage: load_series SERIES END_SECONDS URL...\n");
    return 2;
  }
  const size_t instances =
      (static_cast<size_t>(series) + kSeriesPerInstance - 1) / kSeriesPerInstance;
  arguments.erase(arguments.begin(), arguments.begin() + 2);
  const Status status = Loader(instances, end_seconds * 1000, std::move(arguments)).Run();
  if (!status.ok()) {
    std::fprintf(stderr, "load_series: %s\n", status.error().message.c_str());
    return 1;
  }
  std::printf("%zu series\n", instances * kSeriesPerInstance);
  return 0;
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) { return tocsin::Main({argv + 1, argv + argc}); }
