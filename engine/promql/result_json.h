// Query results as the HTTP API of Prometheus writes them.
#pragma once

#include <functional>
#include <string_view>

#include "base/executor.h"
#include "base/json.h"
#include "engine/model/histogram.h"
#include "engine/model/label_set.h"
#include "engine/promql/engine.h"

namespace tocsin::promql {

// {"resultType":"vector","result":[…]}: the value of "data". The writer stands where a value is
// due. Times are numbers, values are strings.
void WriteQueryValue(JsonWriter& json, const QueryValue& value);
// The same members, without the braces: for callers that add "stats".
void WriteQueryValueMembers(JsonWriter& json, const QueryValue& value);

// Whether the text is so long that nobody should hold it as a whole.
bool IsLong(const QueryValue& value);
// Writes the same members in pieces that `out` takes, and leaves the end of the text in `json`.
// Pieces are made by all cores, with the help of `helpers`, which may be null. False when `out`
// wants no more of them.
using TextSink = std::function<bool(std::string_view piece)>;
bool StreamQueryValueMembers(JsonWriter& json, const QueryValue& value, Executor* helpers,
                             const TextSink& out);

// {"__name__":"up","job":"a"}
void WriteLabels(JsonWriter& json, const LabelSet& labels);
// Seconds since the epoch, with no decimals or three: 1435781451, 1435781451.500
void WriteTimestamp(JsonWriter& json, int64_t t_ms);
// {"count":"3","sum":"4","buckets":[[0,"0.5","1","3"]]}
void WriteHistogram(JsonWriter& json, const FloatHistogram& histogram);

}  // namespace tocsin::promql
