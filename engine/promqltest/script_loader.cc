#include "engine/promqltest/script_loader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/go_float.h"
#include "engine/model/histogram.h"

namespace tocsin::promqltest {
namespace {

bool SameLayout(const FloatHistogram& a, const FloatHistogram& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         a.custom_bounds == b.custom_bounds;
}

// A classic histogram of a load block.
struct Classic {
  std::map<double, const std::vector<NotedValue>*> buckets;  // by le
  const std::vector<NotedValue>* count = nullptr;
  const std::vector<NotedValue>* sum = nullptr;
};

std::optional<double> ValueAt(const std::vector<NotedValue>* values, size_t step) {
  if (values == nullptr || step >= values->size()) return std::nullopt;
  const NotedValue& value = (*values)[step];
  if (value.kind != NotedValue::Kind::kFloat || IsStaleNan(value.value)) return std::nullopt;
  return value.value;
}

std::string WithoutSuffix(const std::string& name, std::string_view suffix) {
  return name.substr(0, name.size() - suffix.size());
}

std::map<LabelSet, Classic> FindClassic(const LoadCommand& load) {
  std::map<LabelSet, Classic> found;
  for (const LoadedSeries& loaded : load.series) {
    LabelSet labels = loaded.series.labels;
    const std::string name(labels.Get(kMetricName));
    const auto* values = &loaded.series.values;
    if (name.ends_with("_bucket") && labels.Has("le")) {
      const std::optional<double> bound = ParseGoFloat(labels.Get("le"));
      if (!bound) continue;
      labels.Remove("le");
      labels.Set(kMetricName, WithoutSuffix(name, "_bucket"));
      found[labels].buckets[*bound] = values;
    } else if (name.ends_with("_count")) {
      labels.Set(kMetricName, WithoutSuffix(name, "_count"));
      found[labels].count = values;
    } else if (name.ends_with("_sum")) {
      labels.Set(kMetricName, WithoutSuffix(name, "_sum"));
      found[labels].sum = values;
    }
  }
  std::erase_if(found, [](const auto& entry) {
    return entry.second.buckets.empty() && entry.second.count == nullptr;
  });
  return found;
}

NotedValue CustomBucketsAt(const Classic& classic, size_t step) {
  FloatHistogram histogram;
  histogram.schema = kCustomBucketsSchema;
  double below = 0;
  bool any = false;
  std::optional<double> infinite;
  for (const auto& [bound, values] : classic.buckets) {
    const std::optional<double> count = ValueAt(values, step);
    if (!count) continue;
    any = true;
    if (std::isinf(bound)) {
      infinite = count;
      continue;
    }
    histogram.custom_bounds.push_back(bound);
    histogram.positive_buckets.push_back(*count - below);
    below = *count;
  }
  const std::optional<double> total = ValueAt(classic.count, step);
  if (!any && !total) return {};
  histogram.count = total.value_or(infinite.value_or(below));
  histogram.positive_buckets.push_back(infinite.value_or(histogram.count) - below);
  histogram.positive_spans = {{0, static_cast<uint32_t>(histogram.positive_buckets.size())}};
  histogram.sum = ValueAt(classic.sum, step).value_or(0);
  histogram.Compact();
  return {.kind = NotedValue::Kind::kHistogram,
          .histogram = std::make_shared<const FloatHistogram>(std::move(histogram))};
}

LoadedSeries CustomBuckets(const LabelSet& labels, const Classic& classic) {
  size_t steps = 0;
  for (const auto& [bound, values] : classic.buckets) steps = std::max(steps, values->size());
  if (classic.count != nullptr) steps = std::max(steps, classic.count->size());
  LoadedSeries loaded;
  loaded.series.labels = labels;
  for (size_t step = 0; step < steps; ++step) {
    loaded.series.values.push_back(CustomBucketsAt(classic, step));
  }
  return loaded;
}

}  // namespace

ScriptStore::ScriptStore(const Clock& clock) : clock_(clock) { Clear(); }

void ScriptStore::Clear() {
  head_ = std::make_unique<Head>(HeadOptions{.retention = Duration(0), .max_future = Duration(0)},
                                 clock_);
  newest_.clear();
}

Status ScriptStore::Load(const LoadCommand& load) {
  for (const LoadedSeries& loaded : load.series) RETURN_IF_ERROR(Append(loaded, load.step_ms));
  if (!load.with_custom_buckets) return Ok();
  for (const auto& [labels, classic] : FindClassic(load)) {
    RETURN_IF_ERROR(Append(CustomBuckets(labels, classic), load.step_ms));
  }
  return Ok();
}

std::vector<PendingSample> ScriptStore::Prepare(const LoadedSeries& loaded, int64_t step_ms,
                                                int64_t start_ms) {
  const SeriesRef ref = head_->Register(loaded.series.labels);
  std::vector<PendingSample> batch;
  for (size_t i = 0; i < loaded.series.values.size(); ++i) {
    const NotedValue& value = loaded.series.values[i];
    if (value.kind == NotedValue::Kind::kNone) continue;
    PendingSample sample{.ref = ref, .t_ms = start_ms + static_cast<int64_t>(i) * step_ms};
    sample.value = value.value;
    sample.histogram = WithStoredHint(loaded.series.labels, value.histogram);
    if (sample.histogram != nullptr) sample.value = NormalNan();
    if (i < loaded.starts.size() && loaded.starts[i]) {
      sample.start_ms = sample.t_ms + *loaded.starts[i];
    }
    batch.push_back(std::move(sample));
  }
  return batch;
}

Status ScriptStore::Append(const LoadedSeries& loaded, int64_t step_ms) {
  const std::vector<PendingSample> batch = Prepare(loaded, step_ms);
  ASSIGN_OR_RETURN(const CommitReport report, head_->Commit(batch));
  if (report.stored == batch.size()) return Ok();
  return ExecutionError(loaded.series.labels.ToString() + ": " +
                        std::to_string(batch.size() - report.stored) +
                        " samples were refused by the store");
}

HistogramPtr ScriptStore::WithStoredHint(const LabelSet& labels, const HistogramPtr& histogram) {
  HistogramPtr& newest = newest_[labels];
  const HistogramPtr before = std::exchange(newest, histogram);
  if (histogram == nullptr || histogram->reset_hint == CounterResetHint::kGauge) return histogram;
  const bool goes_on = before != nullptr && before->reset_hint != CounterResetHint::kGauge &&
                       SameLayout(*before, *histogram) && !histogram->DetectReset(*before);
  auto stored = std::make_shared<FloatHistogram>(*histogram);
  stored->reset_hint = goes_on ? CounterResetHint::kNotReset : CounterResetHint::kUnknown;
  return stored;
}

}  // namespace tocsin::promqltest
