#include <algorithm>
#include <limits>
#include <unordered_map>

#include "base/json.h"
#include "server/api_answer.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

struct Count {
  std::string name;
  uint64_t value = 0;
};

// What fills the store, by four views; each list in no order yet.
struct StoreCounts {
  uint64_t label_pairs = 0;
  std::vector<Count> series_by_metric;
  std::vector<Count> values_by_label;
  std::vector<Count> bytes_by_label;
  std::vector<Count> series_by_pair;
};

uint64_t KeyOf(const LabelPair& pair) { return uint64_t{pair.name} << 32 | pair.value; }

// Counts ids first: texts are made only for what there is to name.
Result<StoreCounts> CountLabels(const Querier& querier) {
  SymbolTable overlay(querier.symbols());
  const Matcher all[] = {Matcher::NotEqual(kMetricName, "")};
  ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> set,
                   querier.Select(all, TimeRange(), SelectHints(), overlay));
  std::unordered_map<uint64_t, uint64_t> series_by_pair;
  for (size_t i = 0; i < set->size(); ++i) {
    for (const LabelPair& pair : set->labels(i)) ++series_by_pair[KeyOf(pair)];
  }
  struct OfLabel {
    uint64_t values = 0;
    uint64_t bytes = 0;
  };
  std::unordered_map<SymbolId, OfLabel> by_label;
  StoreCounts counts{.label_pairs = series_by_pair.size()};
  for (const auto& [key, series] : series_by_pair) {
    const auto name = static_cast<SymbolId>(key >> 32);
    const std::string_view name_text = overlay.Text(name);
    const std::string_view value = overlay.Text(static_cast<SymbolId>(key));
    OfLabel& label = by_label[name];
    ++label.values;
    label.bytes += series * value.size();
    counts.series_by_pair.push_back({std::string(name_text) + "=" + std::string(value), series});
    if (name_text == kMetricName) counts.series_by_metric.push_back({std::string(value), series});
  }
  for (const auto& [name, label] : by_label) {
    counts.values_by_label.push_back({std::string(overlay.Text(name)), label.values});
    counts.bytes_by_label.push_back({std::string(overlay.Text(name)), label.bytes});
  }
  return counts;
}

void WriteLargest(JsonWriter& json, std::string_view key, std::vector<Count> counts, size_t limit) {
  const auto larger = [](const Count& a, const Count& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  };
  const size_t shown = std::min(limit, counts.size());
  std::partial_sort(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(shown),
                    counts.end(), larger);
  json.Key(key).BeginArray();
  for (size_t i = 0; i < shown; ++i) {
    json.BeginObject().Field("name", counts[i].name).Field("value", counts[i].value).EndObject();
  }
  json.EndArray();
}

}  // namespace

HttpServerResponse HandleStoreStatus(const ProcessView& view, const HttpServerRequest& request) {
  size_t limit = 10;
  if (const std::string_view text = request.parameters.Get("limit"); !text.empty()) {
    const Result<int64_t> number = ParseApiInt(text);
    if (!number.ok() || *number < 1) {
      return Failure(ApiError::kBadData, "limit must be a positive number");
    }
    limit = static_cast<size_t>(*number);
  }
  const Result<StoreCounts> counts = CountLabels(view.querier);
  if (!counts.ok()) return Failure(counts.error());
  const HeadStats stats = view.store();
  // An empty store has no first and last sample: the empty interval says so.
  const bool empty = stats.samples == 0;
  JsonWriter json;
  json.BeginObject().Key("headStats").BeginObject();
  json.Field("numSeries", uint64_t{stats.series}).Field("numLabelPairs", counts->label_pairs);
  json.Field("chunkCount", uint64_t{stats.chunks});
  json.Field("minTime", empty ? std::numeric_limits<int64_t>::max() : stats.min_ms);
  json.Field("maxTime", empty ? std::numeric_limits<int64_t>::min() : stats.max_ms).EndObject();
  WriteLargest(json, "seriesCountByMetricName", counts->series_by_metric, limit);
  WriteLargest(json, "labelValueCountByLabelName", counts->values_by_label, limit);
  WriteLargest(json, "memoryInBytesByLabelName", counts->bytes_by_label, limit);
  WriteLargest(json, "seriesCountByLabelValuePair", counts->series_by_pair, limit);
  json.EndObject();
  return Success(json.text());
}

}  // namespace tocsin::server
