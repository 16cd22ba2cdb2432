// Counts the requests of an access log: by host, method and status, and how long they took.
#pragma once

#include <array>
#include <map>
#include <string>
#include <tuple>

#include "exporters/collector.h"
#include "exporters/nginx/access_log.h"

namespace tocsin {

// Bounded: hosts beyond the first so many count as "_other", methods that are none of HTTP's as
// "other".
//
// Not thread-safe.
class RequestCounts {
 public:
  explicit RequestCounts(size_t max_hosts = 100) : max_hosts_(max_hosts) {}

  void Add(const LoggedRequest& request);
  void Write(MetricSink& sink) const;

 private:
  static constexpr size_t kBounds = 11;
  struct Histogram {
    double count = 0;
    double sum = 0;
    std::array<double, kBounds> buckets{};  // not cumulative
    void Observe(double seconds);
  };
  struct Host {
    std::map<std::pair<std::string_view, int>, double> requests;  // by method and status
    double bytes = 0;
    bool has_bytes = false;
    Histogram duration;
    Histogram upstream;
  };
  void WriteHistograms(const FamilySpec& family, Histogram Host::*which, MetricSink& sink) const;

  const size_t max_hosts_;
  std::map<std::string, Host, std::less<>> hosts_;
};

}  // namespace tocsin
