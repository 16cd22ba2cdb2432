#include "cli/housekeeping.h"

#include <vector>

namespace tocsin::cli {
namespace {

constexpr Duration kMaintainPause = std::chrono::minutes(1);
constexpr Duration kPublishPause = std::chrono::seconds(15);

struct GaugeRow {
  const char* name;
  const char* help;
  double (*value)(const HeadStats& stats);
};
constexpr GaugeRow kGauges[] = {
    {"prometheus_tsdb_head_series", "Series in the store.",
     [](const HeadStats& stats) { return static_cast<double>(stats.series); }},
    {"prometheus_tsdb_head_chunks", "Chunks in the store.",
     [](const HeadStats& stats) { return static_cast<double>(stats.chunks); }},
    {"prometheus_tsdb_head_min_time", "Time of the oldest sample, in milliseconds.",
     [](const HeadStats& stats) { return static_cast<double>(stats.min_ms); }},
    {"prometheus_tsdb_head_max_time", "Time of the newest sample, in milliseconds.",
     [](const HeadStats& stats) { return static_cast<double>(stats.max_ms); }},
    {"tocsin_store_bytes", "Memory that samples, labels and indexes take, estimated.",
     [](const HeadStats& stats) { return static_cast<double>(stats.bytes); }},
    {"tocsin_store_samples", "Samples in the store.",
     [](const HeadStats& stats) { return static_cast<double>(stats.samples); }},
};

struct CounterRow {
  const char* name;
  const char* help;
  uint64_t HeadStats::*value;
};
constexpr CounterRow kCounters[] = {
    {"prometheus_tsdb_head_series_created_total", "Series that were made.",
     &HeadStats::series_created},
    {"prometheus_tsdb_head_series_removed_total", "Series that retention removed.",
     &HeadStats::series_removed},
    {"prometheus_tsdb_head_samples_appended_total", "Samples that were stored.",
     &HeadStats::samples_appended},
    {"prometheus_tsdb_out_of_order_samples_total",
     "Samples refused for being older than the newest of their series.", &HeadStats::out_of_order},
    {"prometheus_tsdb_out_of_bound_samples_total",
     "Samples refused for being too old or too far in the future.", &HeadStats::out_of_bounds},
    {"tocsin_store_duplicate_samples_total",
     "Samples refused for having the time of another one with another value.",
     &HeadStats::duplicate},
};

}  // namespace

class Housekeeping::StoreFigures {
 public:
  explicit StoreFigures(Metrics& metrics) {
    for (const GaugeRow& row : kGauges) gauges_.push_back(metrics.MakeGauge(row.name, row.help));
    for (const CounterRow& row : kCounters) {
      counters_.push_back(metrics.MakeCounter(row.name, row.help));
    }
  }

  void Publish(const HeadStats& stats) {
    for (size_t i = 0; i < gauges_.size(); ++i) gauges_[i]->Set(kGauges[i].value(stats));
    for (size_t i = 0; i < counters_.size(); ++i) {
      counters_[i]->Increment(static_cast<double>(stats.*kCounters[i].value) -
                              counters_[i]->Value());
    }
  }

 private:
  std::vector<std::shared_ptr<Gauge>> gauges_;
  std::vector<std::shared_ptr<Counter>> counters_;
};

Housekeeping::Housekeeping(const Dependencies& dependencies)
    : figures_(std::make_unique<StoreFigures>(dependencies.metrics)),
      publish_(kPublishPause, dependencies.scheduler, dependencies.executor,
               [figures = figures_.get(), &head = dependencies.head] {
                 figures->Publish(head.Stats());
               }),
      maintain_(kMaintainPause, dependencies.scheduler, dependencies.executor,
                [&clock = dependencies.clock, &head = dependencies.head] {
                  head.Maintain(clock.Now());
                }) {}

Housekeeping::~Housekeeping() = default;

}  // namespace tocsin::cli
