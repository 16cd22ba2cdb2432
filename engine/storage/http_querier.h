// A Querier over the HTTP API of a Prometheus-compatible server: tocsin, Prometheus, Thanos, Mimir,
// VictoriaMetrics.
//
// A selection is one query of a range selector, /api/v1/query?query=up{job="a"}[3600s], whose
// answer are the stored samples themselves. Range selectors leave staleness markers out: a series
// that has ended is seen for the lookback longer than in the store itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/http_client.h"
#include "engine/storage/querier.h"

namespace tocsin {

// Thread safety: all methods may be called from any thread. Errors: kUnavailable and kTimeout of
// the connection; kExecution with the server's own words; native histograms, which the API gives
// without their resolution, are kExecution too.
class HttpQuerier final : public Querier {
 public:
  // `url` is the server's, without /api/v1; `http` must outlive the querier.
  HttpQuerier(HttpClient& http, std::string url);

  const SymbolTable& symbols() const override { return symbols_; }
  Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers, TimeRange range,
                                            const SelectHints& hints,
                                            SymbolTable& overlay) const override;
  // The series that a selector finds at a moment: those whose newest sample is neither older than the
  // server's lookback nor a staleness marker.
  Result<std::vector<LabelSet>> SeriesAt(std::span<const Matcher> matchers, int64_t t_ms,
                                         const std::function<bool()>& canceled) const;
  Result<std::vector<std::string>> LabelNames(Selectors selectors, TimeRange range) const override;
  Result<std::vector<std::string>> LabelValues(std::string_view name, Selectors selectors,
                                               TimeRange range) const override;
  Result<std::vector<LabelSet>> Series(Selectors selectors, TimeRange range) const override;

 private:
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  Result<std::string> Ask(std::string_view path, const Parameters& parameters,
                          const std::function<bool()>& canceled) const;

  HttpClient& http_;
  const std::string url_;
  const SymbolTable symbols_;  // empty: everything comes into the overlays
};

}  // namespace tocsin
