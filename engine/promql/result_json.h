// Query results as the HTTP API of Prometheus writes them.
#pragma once

#include <functional>
#include <string_view>

#include "base/executor.h"
#include "base/json.h"
#include "engine/model/histogram.h"
#include "engine/model/label_set.h"
#include "engine/promql/query_table.h"

namespace tocsin::promql {

// The members of the value of "data", without its braces: "resultType":"vector","result":[…]. The
// writer stands where a member is due. Times are numbers, values are strings.
void WriteQueryTable(JsonWriter& json, const QueryTable& table, const SymbolTable& symbols);

// Whether the text is so long that nobody should hold it as a whole.
bool IsLong(const QueryTable& table);
// Writes the same members in pieces that `out` takes, and leaves the end of the text in `json`.
// Pieces are made by all cores, with the help of `helpers`, which may be null. False when `out`
// wants no more of them.
using TextSink = std::function<bool(std::string_view piece)>;
bool StreamQueryTable(JsonWriter& json, const QueryTable& table, const SymbolTable& symbols,
                      Executor* helpers, const TextSink& out);

// {"__name__":"up","job":"a"}
void WriteLabels(JsonWriter& json, const LabelSet& labels);
// Seconds since the epoch, with no decimals or three: 1435781451, 1435781451.500
void WriteTimestamp(JsonWriter& json, int64_t t_ms);
// {"count":"3","sum":"4","buckets":[[0,"0.5","1","3"]]}
void WriteHistogram(JsonWriter& json, const FloatHistogram& histogram);

}  // namespace tocsin::promql
