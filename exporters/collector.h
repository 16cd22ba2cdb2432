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
#include "engine/model/metric_type.h"

namespace tocsin {

// One row of a collector's table: everything that /metrics, the documentation, the linter and
// `collectors list` want to know of a family. Tables are constexpr arrays.
struct FamilySpec {
  std::string_view name;  // "pg_settings_*" where the target decides on the rest of the name
  MetricType type = MetricType::kGauge;
  std::string_view help;
  std::string_view labels;    // "datname,state"
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
  // `family` is a row of the collector's table, or made on the spot for a row whose name ends in
  // "*": the sink copies what it keeps. Labels in any order, empty values dropped.
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
  // Shown beside the target when the collection as a whole succeeds: a view that this role may
  // not read, a command that this server does not have. Without secrets.
  std::vector<std::string> problems;
  // What was asked, for /debug/collect. Without secrets and without values.
  struct CollectStep {
    std::string what;  // the query, command or file
    std::chrono::microseconds took{};
    size_t rows = 0;
    std::string error;
  };
  std::vector<CollectStep> steps;

  // A step that began at `start` and is over now. What comes after the first few hundred is not
  // kept.
  void Step(std::string what, SteadyTime start, size_t rows, std::string error = {}) {
    if (steps.size() >= kMaxSteps) return;
    steps.push_back(
        {.what = std::move(what),
         .took = std::chrono::duration_cast<std::chrono::microseconds>(clock.Steady() - start),
         .rows = rows,
         .error = std::move(error)});
  }
  static constexpr size_t kMaxSteps = 300;
};

// Thread safety: Collect is never called twice at the same time on one object; Cancel may be
// called from any thread.
class Collector {
 public:
  virtual ~Collector() = default;
  // An error means that the thing is down: <x>_up and up become 0 and what was written in this
  // collection is forgotten. Messages hold no secrets. The loop writes <x>_up.
  virtual Status Collect(CollectContext& context, MetricSink& sink) = 0;
  // Makes a running Collect return soon; no Collect follows.
  virtual void Cancel() {}
};

// The row of that name, found at compile time: kFamilies[RowOf(kFamilies, "pg_up")].
template <size_t N>
consteval size_t RowOf(const FamilySpec (&table)[N], std::string_view name) {
  for (size_t i = 0; i < N; ++i) {
    if (table[i].name == name) return i;
  }
  throw "no such family";  // a compile-time error
}

// The names in FamilySpec::labels.
std::vector<std::string_view> SplitLabelNames(std::string_view labels);

}  // namespace tocsin
