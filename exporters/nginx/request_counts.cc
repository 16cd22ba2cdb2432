#include "exporters/nginx/request_counts.h"

#include <algorithm>

#include "exporters/nginx/nginx_families.h"

namespace tocsin {
namespace {

constexpr std::string_view kOther = "_other";
constexpr size_t kMaxHostBytes = 255;

struct Bound {
  double value;
  std::string_view text;
};
// The defaults of Prometheus' client libraries.
constexpr std::array<Bound, 11> kBoundRows = {{{0.005, "0.005"},
                                               {0.01, "0.01"},
                                               {0.025, "0.025"},
                                               {0.05, "0.05"},
                                               {0.1, "0.1"},
                                               {0.25, "0.25"},
                                               {0.5, "0.5"},
                                               {1, "1.0"},
                                               {2.5, "2.5"},
                                               {5, "5.0"},
                                               {10, "10.0"}}};

constexpr std::string_view kMethods[] = {"GET",     "HEAD",  "POST",    "PUT",      "DELETE",
                                         "CONNECT", "TRACE", "OPTIONS", "PATCH",    "PROPFIND",
                                         "MKCOL",   "COPY",  "MOVE",    "PROPPATCH"};

// One of the above, so that it may be kept as a view.
std::string_view KnownMethod(std::string_view method) {
  if (method.empty()) return "";
  const auto* found = std::ranges::find(kMethods, method);
  return found == std::end(kMethods) ? std::string_view("other") : *found;
}

}  // namespace

void RequestCounts::Histogram::Observe(double seconds) {
  ++count;
  sum += seconds;
  for (size_t i = 0; i < kBounds; ++i) {
    if (seconds > kBoundRows[i].value) continue;
    ++buckets[i];
    return;
  }
}

void RequestCounts::Add(const LoggedRequest& request) {
  auto found = hosts_.find(request.host);
  if (found == hosts_.end()) {
    const bool room = hosts_.size() < max_hosts_ && request.host.size() <= kMaxHostBytes;
    found = hosts_.try_emplace(std::string(room ? request.host : kOther)).first;
  }
  Host& host = found->second;
  ++host.requests[{KnownMethod(request.method), request.status}];
  if (request.bytes && *request.bytes >= 0) {
    host.has_bytes = true;
    host.bytes += *request.bytes;
  }
  if (request.seconds) host.duration.Observe(*request.seconds);
  if (request.upstream_s) host.upstream.Observe(*request.upstream_s);
}

void RequestCounts::Write(MetricSink& sink) const {
  WriteHistograms(NginxFamily("nginx_http_request_duration_seconds"), &Host::duration, sink);
  for (const auto& [name, host] : hosts_) {
    for (const auto& [key, count] : host.requests) {
      sink.Write(NginxFamily("nginx_http_requests_total"),
                 {{"host", name}, {"method", key.first}, {"status", std::to_string(key.second)}},
                 count);
    }
  }
  for (const auto& [name, host] : hosts_) {
    if (!host.has_bytes) continue;
    sink.Write(NginxFamily("nginx_http_response_bytes_total"), {{"host", name}}, host.bytes);
  }
  WriteHistograms(NginxFamily("nginx_http_upstream_duration_seconds"), &Host::upstream, sink);
}

void RequestCounts::WriteHistograms(const FamilySpec& family, Histogram Host::*which,
                                    MetricSink& sink) const {
  for (const auto& [name, host] : hosts_) {
    const Histogram& histogram = host.*which;
    if (histogram.count == 0) continue;
    double below = 0;
    for (size_t i = 0; i < kBounds; ++i) {
      below += histogram.buckets[i];
      const MetricSink::LabelView labels[] = {{"host", name}, {"le", kBoundRows[i].text}};
      sink.WriteSuffixed(family, "_bucket", labels, below);
    }
    const MetricSink::LabelView all[] = {{"host", name}, {"le", "+Inf"}};
    sink.WriteSuffixed(family, "_bucket", all, histogram.count);
    const MetricSink::LabelView labels[] = {{"host", name}};
    sink.WriteSuffixed(family, "_count", labels, histogram.count);
    sink.WriteSuffixed(family, "_sum", labels, histogram.sum);
  }
}

}  // namespace tocsin
