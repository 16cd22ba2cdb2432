// Runs a built-in collector and writes what it finds.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "exporters/collector.h"
#include "exporters/source.h"

namespace tocsin {

class Counter;  // base/metrics.h
class Metrics;  // base/metrics.h

struct CollectorSourceOptions {
  // Series of one family in one collection. A family that has more keeps those that it had before;
  // the others are summed up in one series (one for each `le` or `quantile`) whose other labels
  // have the value "_other".
  size_t series_limit = 10'000;
};

class CollectorSource final : public Source {
 public:
  // `metrics` outlives the source; it gets tocsin_series_dropped_total{family}.
  CollectorSource(std::unique_ptr<Collector> collector, CollectorSourceOptions options,
                  Metrics& metrics);
  Status Collect(CollectContext& context, SeriesWriter& writer) override;
  void Cancel() override;

 private:
  class Sink;
  struct FamilyCount {
    size_t last = 0;  // series in the last collection
    size_t now = 0;   // in this one
  };

  void CountDropped(const std::string& family, double series);

  const std::unique_ptr<Collector> collector_;
  const CollectorSourceOptions options_;
  Metrics& metrics_;
  std::string scratch_;  // the text of the series at hand; kept for its memory
  std::map<std::string, FamilyCount, std::less<>> counts_;
  std::map<std::string, std::shared_ptr<Counter>> dropped_;  // by family
};

}  // namespace tocsin
