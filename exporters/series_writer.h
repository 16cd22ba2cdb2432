// Turns what one target shows in one collection into samples of stored series: target labels,
// relabelling, limits, staleness, and the page that /metrics shows of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/exposition/scrape_cache.h"
#include "engine/model/label_set.h"
#include "engine/model/metric_type.h"
#include "engine/model/relabel.h"
#include "engine/storage/appender.h"

namespace tocsin {

struct FamilyText {
  std::string name;
  MetricType type = MetricType::kUntyped;
  std::string help;

  friend auto operator<=>(const FamilyText&, const FamilyText&) = default;
};

// Whether samples of this name stand under the family: its own, or one of its type's suffixes.
bool BelongsTo(std::string_view metric, const FamilyText& family);

// The last collection of one target. Immutable once published.
struct CollectedPage {
  // Samples [begin, end) stand under this family on the target's page.
  struct Block {
    std::shared_ptr<const FamilyText> family;  // null: the target says nothing about them
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  std::vector<Block> blocks;
  std::vector<SeriesRef> refs;
  std::vector<double> values;
  // The first so many come from the target; the rest the loop knows of the collection.
  size_t collected = 0;
  // Relabelling may have taken series out of their family.
  bool relabeled = false;

  void Add(std::shared_ptr<const FamilyText> family, SeriesRef ref, double value);
};

// How a target's samples are changed and bounded.
struct SeriesOptions {
  LabelSet target_labels;
  // On a clash the scraped label stays, instead of becoming exported_<name>.
  bool honor_labels = false;
  bool honor_timestamps = true;
  std::vector<RelabelRule> metric_relabel;
  size_t sample_limit = 0;  // 0: none; counted after relabelling
  size_t label_limit = 0;   // 0: none
};

// What a collection was like.
struct SampleCounts {
  size_t scraped = 0;
  size_t after_relabeling = 0;
  size_t series_added = 0;
  size_t duplicates = 0;  // the same series twice without timestamps: the first one counts
};

// One collection is Begin, Family and Add in the target's order, then Finish or Fail.
//
// Not thread-safe: one per loop.
class SeriesWriter {
 public:
  SeriesWriter(SampleSink& sink, SeriesOptions options);

  void Begin(int64_t t_ms);
  // What follows belongs to this family, until the next one.
  void Family(std::string_view name, MetricType type, std::string_view help);
  // Whether the series of this text (the cache's key) is known; then the sample is taken.
  bool AddKnown(std::string_view series_text, double value, std::optional<int64_t> t_ms);
  // After AddKnown did not: `labels` are those on the target's page. An error (no name, too many
  // labels) fails the collection.
  Status AddNew(std::string_view series_text, const LabelSet& labels, double value,
                std::optional<int64_t> t_ms);
  // Whether a limit was exceeded; counting goes on, but the collection is to be failed.
  Status CheckLimits() const;

  // Moves the collection's samples, and stale markers for what is gone, to `batch`, and returns
  // the page.
  std::shared_ptr<CollectedPage> Finish(std::vector<PendingSample>& batch);
  // Nothing of this collection counts: stale markers for all that the last one had.
  void Fail(std::vector<PendingSample>& batch);
  // The collection counts as not begun: what the last one had stays.
  void Abandon() { page_ = nullptr; }
  void Forget(const std::vector<SeriesRef>& gone) { cache_.Forget(gone); }

  SampleCounts counts() const;
  // Series that this loop's predecessor left without stale markers: they get theirs in the next
  // collection, unless it has them too.
  void Inherit(std::vector<SeriesRef> refs);

 private:
  struct OwnTime {
    uint32_t index;  // in the page
    int64_t t_ms;
  };
  void OpenBlock(std::string_view series_text);
  void Take(std::string_view series_text, SeriesRef ref, double value, std::optional<int64_t> t_ms);
  void TakeRepeated(SeriesRef ref, double value, std::optional<int64_t> t_ms);
  std::optional<LabelSet> FinalLabels(const LabelSet& scraped) const;
  void MarkStale(const std::vector<SeriesRef>& refs, std::vector<PendingSample>& batch) const;

  SampleSink& sink_;
  const SeriesOptions options_;
  ScrapeCache cache_;
  std::unordered_map<std::string, std::shared_ptr<const FamilyText>> families_;
  std::vector<SeriesRef> inherited_;

  int64_t t_ms_ = 0;
  std::shared_ptr<CollectedPage> page_;
  std::shared_ptr<const FamilyText> family_;  // of the metadata last seen
  std::vector<OwnTime> own_times_;            // of samples that bring their timestamp
  std::vector<PendingSample> repeated_;       // more samples, at other times, of series already had
  size_t last_size_ = 0;
  size_t scraped_ = 0;
  size_t after_relabeling_ = 0;
  size_t duplicates_ = 0;
};

// Scraped labels with those of the target; on a clash one of them becomes exported_<name>, or
// with `honor_labels` the target's gives way. Prometheus' mutateSampleLabels.
LabelSet WithTargetLabels(const LabelSet& scraped, const LabelSet& target, bool honor_labels);

}  // namespace tocsin
