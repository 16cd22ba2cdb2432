// The series that the benchmarks work on: a web app's counters by handler, code and instance.
#pragma once

#include <string>

#include "engine/model/label_set.h"
#include "engine/storage/head.h"
#include "tests/support/fake_clock.h"

namespace tocsin::bench {

constexpr size_t kSeries = 10'000;
constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kIntervalMs = 15'000;

inline LabelSet SeriesLabels(size_t i) {
  return {{"__name__", "http_requests_total"},
          {"job", "api"},
          {"instance", "10.0.0." + std::to_string(i % 20) + ":8080"},
          {"handler", "/api/v1/resource/" + std::to_string(i / 100)},
          {"code", std::to_string(200 + (i / 20) % 5)}};
}

inline std::string Page(size_t scrape) {
  std::string page = "# TYPE http_requests_total counter\n";
  for (size_t i = 0; i < kSeries; ++i) {
    page += SeriesLabels(i).ToString() + " " + std::to_string(i * 7 + scrape * (i % 13)) + "\n";
  }
  return page;
}

// A store that holds `samples` of each series, up to kStartMs + samples · kIntervalMs.
class FilledHead {
 public:
  explicit FilledHead(size_t samples) : head_(HeadOptions{.max_future = Duration(0)}, clock_) {
    for (size_t i = 0; i < kSeries; ++i) refs_.push_back(head_.Register(SeriesLabels(i)));
    for (size_t n = 0; n < samples; ++n) AppendScrape();
  }

  void AppendScrape() {
    batch_.clear();
    for (size_t i = 0; i < kSeries; ++i) {
      batch_.push_back({.ref = refs_[i],
                        .t_ms = now_ms(),
                        .value = static_cast<double>(i * 7 + scrapes_ * (i % 13))});
    }
    ++scrapes_;
    if (!head_.Commit(batch_).ok()) std::abort();
  }

  Head& head() { return head_; }
  const std::vector<SeriesRef>& refs() const { return refs_; }
  int64_t now_ms() const { return kStartMs + static_cast<int64_t>(scrapes_) * kIntervalMs; }

 private:
  testing_support::FakeClock clock_{FromMs(kStartMs)};
  Head head_;
  std::vector<SeriesRef> refs_;
  std::vector<PendingSample> batch_;
  size_t scrapes_ = 0;
};

}  // namespace tocsin::bench
