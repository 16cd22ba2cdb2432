// The queries that run now, in a file that outlives a crash: the one that took the process down is
// among them.
//
// Source of the format: Prometheus' promql/query_logger.go. "[", then for each query of the limit
// 1000 bytes with {"query":"…","timestamp_sec":1700000000}, — or zeros.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "engine/promql/engine.h"

namespace tocsin::server {

// Thread safety: all methods may be called from any thread.
class ActiveQueryLog final : public promql::QueryWatcher {
 public:
  // How many bytes are needed for so many queries at a time.
  static size_t SizeFor(size_t queries);

  // `bytes` are zeros, and outlive the log.
  ActiveQueryLog(std::span<char> bytes, const Clock& clock);

  size_t Began(std::string_view query) override;
  void Ended(size_t token) override;

 private:
  const std::span<char> bytes_;
  const Clock& clock_;
  Mutex mutex_;
  std::vector<size_t> free_ GUARDED_BY(mutex_);
};

struct UnfinishedQuery {
  std::string query;  // cut off when it was long
  int64_t started_s = 0;
};
// What a file of an earlier run still holds. Anything that cannot be read is left out.
std::vector<UnfinishedQuery> UnfinishedQueries(std::string_view file);

}  // namespace tocsin::server
