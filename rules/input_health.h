// Whether the targets that rules read from work.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "engine/storage/querier.h"
#include "rules/data_source.h"
#include "rules/query_inputs.h"

namespace tocsin {

// The sources that fail, or were not heard of for three of their intervals.
std::vector<DataSource> BrokenSources(std::vector<DataSource> sources, Timestamp now);

// The names of those broken sources that the inputs read from: a selector finds series of the
// source that have ended within the last hour, or there never were any and it names the source by
// its labels. What a source writes about itself (`up`) goes on and does not count.
std::vector<std::string> DegradedBy(const std::vector<QueryInput>& inputs,
                                    const std::vector<DataSource>& broken, const Querier& querier,
                                    Timestamp now);

// The names of the sources that the inputs may read from, as their labels do not contradict, and
// that have not been collected yet; twice where a selector has a range.
std::vector<std::string> NotYetCollected(const std::vector<QueryInput>& inputs,
                                         const std::vector<DataSource>& sources);

}  // namespace tocsin
