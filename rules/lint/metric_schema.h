// What the linter knows of metrics without looking at data: names, types and labels.
//
// Knowledge comes in layers, the surest first: what a server was asked for, what the lint
// configuration says, what built-in collectors give, what rules record, and what the usual client
// libraries expose. Only the last is a convention: the application may do otherwise, and findings
// that rest on it say so.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/metric_type.h"

namespace tocsin::lint {

enum class Origin { kServer, kConfigured, kCollector, kRule, kConvention };

struct MetricShape {
  std::string name;  // of the series: "…_bucket" is a shape of its own
  // Of the family, as far as known.
  std::optional<MetricType> type;
  // The labels that its series carry, job and instance included; the name excluded.
  std::set<std::string, std::less<>> labels;
  // Labels that not every series carries.
  std::set<std::string, std::less<>> optional_labels;
  // May carry labels that are not listed.
  bool open = false;
  // All values that a label takes, where they are known.
  std::map<std::string, std::set<std::string>, std::less<>> values;
  Origin origin = Origin::kCollector;
  // "the collector postgres", "prometheus-fastapi-instrumentator".
  std::string source;
  // The server has been asked and has no such series.
  bool missing = false;

  bool certain() const { return origin != Origin::kConvention; }
};

// Thread safety: const methods may be called from any thread.
class MetricSchema {
 public:
  // A name that ends in "*" stands for all names that begin so. Of equal names the surer origin
  // wins.
  void Add(MetricShape shape);
  // Null when nothing is known of that name.
  const MetricShape* Find(std::string_view metric) const;
  // Names that are near to a name that is not known, for "did you mean"; at most three.
  std::vector<std::string> Similar(std::string_view metric) const;
  // The names that begin so and are not wildcards.
  std::vector<std::string_view> StartingWith(std::string_view prefix) const;
  // The first part of a metric's name ("redis" of redis_up) belongs to a collector, which would
  // know the metric if there were one of that name.
  bool OwnsPrefix(std::string_view metric, std::string* owner) const;
  // `prefix` with its underscore: "redis_".
  void AddOwner(std::string prefix, std::string owner);

 private:
  std::map<std::string, MetricShape, std::less<>> shapes_;
  std::vector<MetricShape> wildcards_;
  std::map<std::string, std::string, std::less<>> owners_;
};

// Adds what client libraries and Prometheus itself usually expose (conventions.cc).
void AddConventions(MetricSchema& schema);

// Adds a family as the exposition formats know it: a histogram gives _bucket, _sum and _count, a
// summary _sum and _count beside the quantiles (those only when `has_quantiles`).
struct FamilyShape {
  std::string_view name;
  std::optional<MetricType> type;
  std::vector<std::string> labels;
  Origin origin = Origin::kCollector;
  std::string source;
  bool open = false;
  bool has_quantiles = true;
};
void AddFamily(MetricSchema& schema, const FamilyShape& family);

}  // namespace tocsin::lint
