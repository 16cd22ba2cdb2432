// Remote write 1.0, the receiving side: a snappy-compressed WriteRequest into storage.
//
// Format: prometheus.io/docs/specs/prw/remote_write_spec. Exemplars and metadata are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/model/label_set.h"
#include "engine/storage/appender.h"

namespace tocsin {

struct RemoteWriteLimits {
  size_t max_uncompressed_bytes = 32 << 20;
  size_t max_series = 1'000'000;
  // Of one histogram, all spans together: a span's length is a claim that costs memory.
  size_t max_buckets = 10'000;
};

struct RemoteWriteReport {
  size_t series = 0;
  size_t samples = 0;  // stored, histograms included
  size_t refused = 0;
  // How many were refused for which reason: "2 out of order, 1 out of bounds"; "" when none were.
  std::string refusal;
};

// Stores what can be stored and reports the rest: a refused sample does not hold up the others.
//
// Errors: kInvalidArgument (not snappy, not a WriteRequest, labels without a metric name, repeated
// or unnamed, histogram spans that contradict their buckets) and kResourceExhausted (too large);
// then nothing is stored. Errors of Commit are passed on.
//
// Thread safety: may be called from any thread.
Result<RemoteWriteReport> ReceiveRemoteWrite(std::string_view body, SampleSink& sink,
                                             const RemoteWriteLimits& limits = {});

// The sending side.
struct WrittenSeries {
  LabelSet labels;
  std::vector<std::pair<int64_t, double>> samples;  // milliseconds and values, by time
};
// A snappy-compressed WriteRequest.
std::string EncodeRemoteWrite(const std::vector<WrittenSeries>& series);

}  // namespace tocsin
