// A collector asks one kind of system (Postgres, Redis, the host, …) for its figures and writes
// them as samples of declared families.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/model/label_set.h"

namespace tocsin {

enum class MetricType { kCounter, kGauge, kHistogram, kSummary, kUntyped };

// One row of a collector's table: everything that /metrics, the documentation, the linter and
// `collectors list` want to know of a family.
struct FamilySpec {
  std::string_view name;
  MetricType type = MetricType::kGauge;
  std::string_view help;
  std::vector<std::string_view> labels;
  std::string_view source;    // the view, command or file that it is read from
  std::string_view alias_of;  // the family whose values this one repeats, or ""
};

// Takes what a collector finds. Samples of one family belong together.
//
// Not thread-safe: one collection fills one sink.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  using LabelView = std::pair<std::string_view, std::string_view>;
  // `family` must be a row of the collector's table; labels in any order, empty values dropped.
  virtual void Write(const FamilySpec& family, std::span<const LabelView> labels, double value) = 0;
  // A sample whose name is not the family's: _bucket, _sum, _count.
  virtual void WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                             std::span<const LabelView> labels, double value) = 0;

  void Write(const FamilySpec& family, std::initializer_list<LabelView> labels, double value) {
    Write(family, std::span(labels.begin(), labels.size()), value);
  }
  void Write(const FamilySpec& family, double value) {
    Write(family, std::span<const LabelView>(), value);
  }
};

struct CollectContext {
  const Clock& clock;
  // Everything the collector does must be over by then; blocking calls are cut at it.
  SteadyTime deadline;
};

// Thread safety: Collect is never called twice at the same time on one object.
class Collector {
 public:
  virtual ~Collector() = default;
  // What was written before an error counts; <x>_up is written by the collector itself.
  virtual Status Collect(CollectContext& context, MetricSink& sink) = 0;
};

}  // namespace tocsin
