// The notation of series in test files: `metric{l="v"} 1 _ stale 0+10x3 {{count:5 buckets:[1
// 4]}}x2`.
//
// Source: Prometheus' promql/promqltest and the unit-test format of promtool.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/model/sample.h"

namespace tocsin::promqltest {

// Errors are worded as in Prometheus: "1:7: parse error: …", with the column in the text.

// What a series has at one step.
struct NotedValue {
  enum class Kind { kNone, kFloat, kHistogram };
  Kind kind = Kind::kNone;
  double value = 0;  // may be the staleness marker
  HistogramPtr histogram;
  // The literal names a counter_reset_hint.
  bool names_hint = false;
};

struct NotedSeries {
  LabelSet labels;
  std::vector<NotedValue> values;
};

Result<NotedSeries> ParseSeriesLine(std::string_view line);
// The values alone.
Result<std::vector<NotedValue>> ParseNotedValues(std::string_view text);
// `-1m`, `-30s-1mx2`, `_`, `_x3`: times relative to the samples they stand for.
Result<std::vector<std::optional<int64_t>>> ParseNotedOffsets(std::string_view text);

}  // namespace tocsin::promqltest
