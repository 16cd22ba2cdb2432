// LabelSet: labels as owned strings, for everything outside the store and the query engine
// (configuration, alerts, JSON, exposition).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

constexpr std::string_view kMetricName = "__name__";

// Sorted by name (bytewise); names are unique; no value is empty (an empty value means "no such
// label", as everywhere in Prometheus).
class LabelSet {
 public:
  using Pair = std::pair<std::string, std::string>;
  using const_iterator = std::vector<Pair>::const_iterator;

  LabelSet() = default;
  // Any order; of equal names the last wins.
  LabelSet(std::initializer_list<Pair> pairs);
  static LabelSet FromPairs(std::vector<Pair> pairs);

  // "" when there is no such label.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const { return !Get(name).empty(); }
  // An empty value removes the label.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name) { Set(name, {}); }

  bool empty() const { return pairs_.empty(); }
  size_t size() const { return pairs_.size(); }
  const_iterator begin() const { return pairs_.begin(); }
  const_iterator end() const { return pairs_.end(); }

  // Stable over restarts and machines: identifies an alert or a target.
  uint64_t Hash() const;
  // {a="1", b="x"}; with the metric name in front when there is one: up{job="a"}.
  std::string ToString() const;

  friend bool operator==(const LabelSet&, const LabelSet&) = default;
  // Prometheus' order of label sets: pair by pair, name before value, shorter first.
  friend auto operator<=>(const LabelSet&, const LabelSet&) = default;

 private:
  std::vector<Pair> pairs_;
};

// A label value in quotes, escaped as PromQL and the text format want it.
std::string QuoteLabelValue(std::string_view value);
// [a-zA-Z_][a-zA-Z0-9_]*
bool IsLegacyLabelName(std::string_view name);
// [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsLegacyMetricName(std::string_view name);
bool IsValidUtf8(std::string_view text);

}  // namespace tocsin
