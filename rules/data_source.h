// Where the data of rules come from, as far as rules want to know it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "engine/model/label_set.h"

namespace tocsin {

// A scrape target or a built-in collector.
struct DataSource {
  std::string name;          // for people: "postgres/db:5432"
  LabelSet labels;           // that all its series have
  uint64_t collections = 0;  // that are over, failed ones too
  bool failing = false;      // the last one did
  std::optional<Timestamp> last_collection;
  Duration interval{};
};

// May be called from any thread.
using DataSources = std::function<std::vector<DataSource>()>;

}  // namespace tocsin
