// How samples get out of storage: the embedded store or a remote Prometheus-compatible server,
// behind one interface.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/model/labels.h"
#include "engine/model/matcher.h"
#include "engine/model/sample.h"

namespace tocsin {

// What the query is going to do with the series; a remote querier may use it to fetch less.
struct SelectHints {
  int64_t step_ms = 0;    // 0 for an instant query
  int64_t range_ms = 0;   // 0 for an instant selector
  std::string function;   // the enclosing function or aggregation, or ""
  size_t limit = 0;       // at most so many series; 0 is no limit
  std::function<bool()> canceled;  // may be empty
};

// The series that a selection found, in no particular order.
//
// A snapshot: appends after Select do not change it. Thread safety: const methods may be called
// from any thread, so workers may share one set.
class SeriesSet {
 public:
  virtual ~SeriesSet() = default;
  virtual size_t size() const = 0;
  // In the symbol table that was given to Select.
  virtual const Labels& labels(size_t series) const = 0;
  // Identifies the series across selections of the same querier; 0 when it cannot.
  virtual uint64_t id(size_t series) const = 0;
  // Appends the samples within `range` to `columns`, oldest first, staleness markers included.
  // Decodes each chunk once.
  virtual Status Read(size_t series, TimeRange range, SampleColumns& columns) const = 0;
  // The newest sample within `range`, staleness markers included. A histogram sample comes with
  // `histogram` set. This is what an instant selector needs; it decodes no more than it must.
  struct Newest {
    int64_t t_ms = 0;
    double value = 0;
    HistogramPtr histogram;
    int64_t start_ms = 0;
  };
  virtual std::optional<Newest> ReadNewest(size_t series, TimeRange range) const = 0;
};

// Thread safety: all methods may be called from any thread.
class Querier {
 public:
  virtual ~Querier() = default;
  // The table that the ids of stored series come from; base of a query's overlay.
  virtual const SymbolTable& symbols() const = 0;
  // Series that match all matchers and have samples within `range`. `overlay` is an overlay on
  // symbols(): a remote querier interns what it receives there.
  virtual Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers,
                                                    TimeRange range, const SelectHints& hints,
                                                    SymbolTable& overlay) const = 0;
  // Changes whenever series appear or vanish; a cache keyed by it may keep resolved selections.
  // 0: unknown, never cache.
  virtual uint64_t series_generation() const { return 0; }

  // Sorted; restricted to the series that match any of the selectors (all series when empty).
  using Selectors = std::span<const std::vector<Matcher>>;
  virtual Result<std::vector<std::string>> LabelNames(Selectors selectors, TimeRange range) const = 0;
  virtual Result<std::vector<std::string>> LabelValues(std::string_view name, Selectors selectors,
                                                       TimeRange range) const = 0;
  virtual Result<std::vector<LabelSet>> Series(Selectors selectors, TimeRange range) const = 0;
};

}  // namespace tocsin
