// Aggregations that pick members of a group as they are, and info(), for the naive evaluator.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tests/support/naive_vectors.h"

namespace tocsin::testing_support {
namespace {

using promql::AggregateOp;

NaiveVector Best(bool top, NaiveVector members) {
  std::erase_if(members, [](const NaiveElement& e) { return e.number.histogram != nullptr; });
  std::ranges::stable_sort(members, [top](const NaiveElement& a, const NaiveElement& b) {
    const double x = a.number.value;
    const double y = b.number.value;
    if (std::isnan(x) || std::isnan(y)) return std::isnan(y) > std::isnan(x);
    return top ? x > y : x < y;
  });
  return members;
}

// By a place in [0, 1) that the labels alone decide; negative ratios take the upper end.
void PickRatio(double ratio, const NaiveVector& members, NaiveVector& out) {
  for (const NaiveElement& member : members) {
    const double place = static_cast<double>(member.labels.Hash()) / std::pow(2, 64);
    if (ratio >= 0 ? place < ratio : place >= 1 + ratio) out.push_back(member);
  }
}

}  // namespace

bool IsNaivePick(AggregateOp op) {
  return op == AggregateOp::kTopk || op == AggregateOp::kBottomk || op == AggregateOp::kLimitk ||
         op == AggregateOp::kLimitRatio;
}

Status NaivePick(AggregateOp op, double parameter, const NaiveVector& members, NaiveVector& out) {
  if (std::isnan(parameter)) return ExecutionError("the parameter is NaN");
  if (op == AggregateOp::kLimitRatio) {
    PickRatio(std::clamp(parameter, -1.0, 1.0), members, out);
    return Ok();
  }
  const NaiveVector sorted =
      op == AggregateOp::kLimitk ? members : Best(op == AggregateOp::kTopk, members);
  for (size_t i = 0; i < sorted.size() && static_cast<double>(i) < std::floor(parameter); ++i) {
    out.push_back(sorted[i]);
  }
  return Ok();
}

Result<NaiveValue> NaiveInfo(const NaiveVector& base, const NaiveInfoQuery& query,
                             const std::vector<NaiveInfoSample>& samples) {
  const auto matches = [](const std::vector<Matcher>& matchers, const LabelSet& labels) {
    return std::ranges::all_of(matchers,
                               [&](const Matcher& m) { return m.Matches(labels.Get(m.name())); });
  };
  const auto identity = [](const LabelSet& labels) { return Kept(labels, {"instance", "job"}); };
  const bool required = !std::ranges::all_of(query.data_matchers, &Matcher::MatchesEmpty);
  NaiveVector out;
  for (const NaiveElement& element : base) {
    if (matches(query.name_matchers, element.labels)) {
      out.push_back(element);
      continue;
    }
    // The newest one of each info metric.
    std::map<std::string, NaiveInfoSample> newest;
    for (const NaiveInfoSample& sample : samples) {
      if (identity(element.labels).empty() || identity(sample.labels) != identity(element.labels) ||
          !matches(query.name_matchers, sample.labels) ||
          !matches(query.data_matchers, sample.labels)) {
        continue;
      }
      const std::string name(sample.labels.Get(kMetricName));
      const auto [entry, fresh] = newest.try_emplace(name, sample);
      if (!fresh && entry->second.t_ms == sample.t_ms) return ExecutionError("two info series");
      if (entry->second.t_ms < sample.t_ms) entry->second = sample;
    }
    if (newest.empty() && required) continue;
    std::set<std::string> wanted;
    for (const Matcher& matcher : query.data_matchers) wanted.insert(matcher.name());
    LabelSet labels = element.labels;
    for (const auto& [name, sample] : newest) {
      for (const auto& [label, value] : sample.labels) {
        if (label == kMetricName || element.labels.Has(label)) continue;
        if (!wanted.empty() && !wanted.contains(label)) continue;
        if (labels.Has(label) && labels.Get(label) != value) {
          return ExecutionError("two values of " + label);
        }
        labels.Set(label, value);
      }
    }
    out.push_back({labels, element.number});
  }
  return NaiveUnique(std::move(out));
}

}  // namespace tocsin::testing_support
