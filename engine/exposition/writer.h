// Writes metric families in the text format 0.0.4 or OpenMetrics 1.0.
//
//   ExpositionWriter writer(ExpositionFormat::kPrometheusText, body);
//   writer.Family("pg_up", MetricType::kGauge, "Whether the last collection reached the server.");
//   writer.Sample("pg_up", {{"instance", "db:5432"}}, 1);
//   writer.Finish();
//
// Names are the same in both formats. OpenMetrics wants a counter's samples to end in _total: a
// counter that does not is declared unknown there instead of being renamed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/exposition/format.h"
#include "engine/model/label_set.h"
#include "engine/model/metric_type.h"

namespace tocsin {

// Not thread-safe. Appends to `out`, which must outlive the writer.
class ExpositionWriter {
 public:
  using LabelView = std::pair<std::string_view, std::string_view>;

  ExpositionWriter(ExpositionFormat format, std::string& out) : format_(format), out_(out) {}

  // Opens a family; every sample until the next one belongs to it. An empty help is left out.
  void Family(std::string_view name, MetricType type, std::string_view help);

  // `name` is the family's, with its suffix (_bucket, _sum, _count) if any.
  void Sample(std::string_view name, std::span<const LabelView> labels, double value,
              std::optional<int64_t> t_ms = std::nullopt);
  void Sample(std::string_view name, std::initializer_list<LabelView> labels, double value) {
    Sample(name, std::span(labels.begin(), labels.size()), value);
  }
  // A series by its labels, the metric name among them as __name__.
  void Sample(std::span<const LabelView> series, double value);
  // The same when the caller knows that no name needs quotes.
  void PlainSample(std::span<const LabelView> series, double value);
  // A series whose text is kept between two pages: SeriesText once, then only the number.
  void Sample(std::string_view series_text, double value,
              std::optional<int64_t> t_ms = std::nullopt);

  // Ends the page: OpenMetrics wants "# EOF".
  void Finish();

  // name{a="1",b="x"}, the same in both formats; a name or label name that is not a legacy one is
  // quoted: {"my.metric","my.label"="x"}. Empty values are left out.
  static std::string SeriesText(std::string_view name, std::span<const LabelView> labels);
  // The metric name is the label __name__.
  static std::string SeriesText(const LabelSet& labels);

 private:
  void Number(double value, std::optional<int64_t> t_ms);

  const ExpositionFormat format_;
  std::string& out_;
};

}  // namespace tocsin
