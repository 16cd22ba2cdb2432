#include "rules/lint/metric_schema.h"

#include <algorithm>
#include <utility>

namespace tocsin::lint {
namespace {

// Levenshtein's distance, given up beyond `limit`.
size_t Distance(std::string_view a, std::string_view b, size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

bool Surer(const MetricShape& a, const MetricShape& b) { return a.origin < b.origin; }

}  // namespace

void MetricSchema::Add(MetricShape shape) {
  if (shape.name.ends_with('*')) {
    shape.name.pop_back();
    wildcards_.push_back(std::move(shape));
    return;
  }
  const auto found = shapes_.find(shape.name);
  if (found != shapes_.end() && !Surer(shape, found->second)) return;
  std::string name = shape.name;
  shapes_.insert_or_assign(std::move(name), std::move(shape));
}

const MetricShape* MetricSchema::Find(std::string_view metric) const {
  if (const auto found = shapes_.find(metric); found != shapes_.end()) return &found->second;
  for (const MetricShape& shape : wildcards_) {
    if (metric.size() > shape.name.size() && metric.starts_with(shape.name)) return &shape;
  }
  return nullptr;
}

std::vector<std::string> MetricSchema::Similar(std::string_view metric) const {
  const size_t limit = std::max<size_t>(2, metric.size() / 5);
  std::vector<std::pair<size_t, std::string>> near;
  for (const auto& [name, shape] : shapes_) {
    if (shape.missing) continue;
    const size_t distance = Distance(metric, name, limit);
    if (distance <= limit) near.emplace_back(distance, name);
  }
  std::ranges::sort(near);
  std::vector<std::string> names;
  for (const auto& [distance, name] : near) {
    if (names.size() < 3) names.push_back(name);
  }
  return names;
}

std::vector<std::string_view> MetricSchema::StartingWith(std::string_view prefix) const {
  std::vector<std::string_view> names;
  for (auto it = shapes_.lower_bound(prefix); it != shapes_.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    if (!it->second.missing) names.push_back(it->first);
  }
  return names;
}

void MetricSchema::AddOwner(std::string prefix, std::string owner) {
  owners_.insert_or_assign(std::move(prefix), std::move(owner));
}

bool MetricSchema::OwnsPrefix(std::string_view metric, std::string* owner) const {
  for (const auto& [prefix, name] : owners_) {
    if (!metric.starts_with(prefix)) continue;
    if (owner != nullptr) *owner = name;
    return true;
  }
  return false;
}

void AddFamily(MetricSchema& schema, const FamilyShape& family) {
  MetricShape shape{.name = std::string(family.name),
                    .type = family.type,
                    .labels = {family.labels.begin(), family.labels.end()},
                    .open = family.open,
                    .origin = family.origin,
                    .source = family.source};
  const bool histogram = family.type == MetricType::kHistogram;
  if (!histogram && family.type != MetricType::kSummary) {
    schema.Add(std::move(shape));
    return;
  }
  for (const char* suffix : {"_sum", "_count"}) {
    MetricShape figure = shape;
    figure.name += suffix;
    figure.type = MetricType::kCounter;
    schema.Add(std::move(figure));
  }
  MetricShape parts = shape;
  if (histogram) parts.name += "_bucket";
  if (histogram || family.has_quantiles) {
    parts.labels.insert(histogram ? "le" : "quantile");
    parts.type = histogram ? MetricType::kCounter : MetricType::kSummary;
    schema.Add(std::move(parts));
  }
  if (histogram || !family.has_quantiles) {
    // The family's own name is no series; what is known of it says what to write instead.
    schema.Add({.name = std::string(family.name),
                .type = family.type,
                .labels = std::move(shape.labels),
                .origin = family.origin,
                .source = family.source,
                .missing = true});
  }
}

}  // namespace tocsin::lint
