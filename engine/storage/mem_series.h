// One series in memory: its labels, sealed chunks, the open chunk, and what does not fit into
// chunks of numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/model/labels.h"
#include "engine/model/sample.h"
#include "engine/storage/appender.h"
#include "engine/storage/querier.h"
#include "engine/storage/xor_chunk.h"

namespace tocsin {

enum class AppendOutcome { kStored, kRepeated, kOutOfOrder, kDuplicate };

// Histograms and start timestamps, which few series have. A histogram sample stands in the chunks
// as a NaN at its time; its histogram is found here by the time. A start timestamp holds from its
// time on until the next one.
struct SideColumns {
  struct HistogramAt {
    int64_t t_ms = 0;
    HistogramPtr histogram;
  };
  struct StartAt {
    int64_t t_ms = 0;
    int64_t start_ms = 0;
  };
  GrowingArray<HistogramAt> histograms;
  GrowingArray<StartAt> starts;
};

// What a reader takes of a series. Valid while it is pinned.
struct SeriesView {
  const Labels* labels = nullptr;
  std::span<uint64_t* const> sealed;
  OpenChunk::View open;
  int64_t last_ms = 0;
  double last_value = 0;
  std::span<const SideColumns::HistogramAt> histograms;
  std::span<const SideColumns::StartAt> starts;
  SeriesRef ref = kNoSeries;

  // Whether the range meets a chunk.
  bool Overlaps(TimeRange range) const;
  // Say that Read follows soon: its memory is far from the caches, and comes while others are
  // read. What Prefetch looks at comes with PrefetchIndex.
  void PrefetchIndex() const;
  void Prefetch(TimeRange range) const;
  void Read(TimeRange range, SampleColumns& columns) const;
  std::optional<SeriesSet::Newest> ReadNewest(TimeRange range) const;

 private:
  void AttachSideColumns(size_t begin, SampleColumns& columns) const;
  HistogramPtr HistogramOf(int64_t t_ms) const;
  int64_t StartOf(int64_t t_ms) const;
  std::optional<Sample> NewestSample(TimeRange range) const;
};

// What retention took away.
struct DroppedChunks {
  size_t chunks = 0;
  size_t samples = 0;
};

// Needs the writer's lock.
class MemSeries {
 public:
  // Prometheus' chunks hold 120 samples; one that spans more than two hours is sealed early, so
  // that retention can drop it in time.
  static constexpr uint32_t kSamplesPerChunk = 120;
  static constexpr int64_t kMaxChunkSpanMs = 2 * 60 * 60 * 1000;

  MemSeries() = default;
  MemSeries(const MemSeries&) = delete;
  MemSeries& operator=(const MemSeries&) = delete;
  ~MemSeries();

  const Labels& labels() const { return labels_; }
  void set_labels(Labels labels) { labels_ = std::move(labels); }
  // False until the first sample, and when retention has dropped all.
  bool has_samples() const { return open_.count() > 0; }
  // When has_samples().
  int64_t first_ms() const;
  int64_t last_ms() const { return open_.last_ms(); }
  size_t chunks() const { return sealed_.size() + (has_samples() ? 1 : 0); }
  // Everything it owns but itself and the labels.
  size_t bytes() const;

  AppendOutcome Append(const PendingSample& sample, Reclaimer& reclaimer);
  DroppedChunks DropBefore(int64_t t_ms, Reclaimer& reclaimer);
  SeriesView view(SeriesRef ref) const;

 private:
  void Seal(Reclaimer& reclaimer);
  void AppendSide(const PendingSample& sample, Reclaimer& reclaimer);
  int64_t last_start_ms() const;

  Labels labels_;
  GrowingArray<uint64_t*> sealed_;  // owned; SealedChunk reads them
  size_t sealed_bytes_ = 0;         // of what sealed_ points to
  OpenChunk open_;
  std::unique_ptr<SideColumns> side_;
};

}  // namespace tocsin
