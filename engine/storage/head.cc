#include "engine/storage/head.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <unordered_map>
#include <utility>

#include "engine/storage/mem_series.h"
#include "engine/storage/postings.h"
#include "engine/storage/reclaimer.h"

namespace tocsin {
namespace {

// How many series Maintain looks at without letting a commit in between.
constexpr size_t kMaintenanceSlice = 2000;
// How often a selection looks up its series without stopping registrations.
constexpr int kOptimisticLookups = 2;
// A node of the map from labels to refs.
constexpr size_t kIndexNodeBytes = 7 * sizeof(void*);
constexpr size_t kLabelsHeaderBytes = 16;

// How many series ahead of the one that is read or looked at the memory of another is asked for.
constexpr size_t kReadAhead = 4;
constexpr size_t kLookAhead = 8;

void PrefetchSeries(const MemSeries* series) {
  constexpr size_t kLine = 64;
  const char* const memory = reinterpret_cast<const char*>(series);
  for (size_t at = 0; at < sizeof(MemSeries); at += kLine) __builtin_prefetch(memory + at);
}

// Holds its series until it is destroyed, which must be before the head is.
class HeadSeriesSet final : public SeriesSet {
 public:
  HeadSeriesSet(Reclaimer& reclaimer, Reclaimer::Epoch epoch, std::vector<SeriesView> views)
      : reclaimer_(reclaimer), epoch_(epoch), views_(std::move(views)) {}
  ~HeadSeriesSet() override { reclaimer_.Unpin(epoch_); }
  HeadSeriesSet(const HeadSeriesSet&) = delete;
  HeadSeriesSet& operator=(const HeadSeriesSet&) = delete;

  size_t size() const override { return views_.size(); }
  const Labels& labels(size_t series) const override { return *views_[series].labels; }
  uint64_t id(size_t series) const override { return views_[series].ref; }
  Status Read(size_t series, TimeRange range, SampleColumns& columns) const override {
    // Series are mostly read in their order.
    if (series + kReadAhead < views_.size()) views_[series + kReadAhead].Prefetch(range);
    if (series + kLookAhead < views_.size()) views_[series + kLookAhead].PrefetchIndex();
    views_[series].Read(range, columns);
    return {};
  }
  std::optional<Newest> ReadNewest(size_t series, TimeRange range) const override {
    return views_[series].ReadNewest(range);
  }

 private:
  Reclaimer& reclaimer_;
  const Reclaimer::Epoch epoch_;
  const std::vector<SeriesView> views_;
};

// What times a commit takes.
TimeRange Bounds(const HeadOptions& options, Timestamp now) {
  TimeRange bounds;
  if (options.retention != Duration::zero()) bounds.min_ms = ToMs(now - options.retention);
  if (options.max_future != Duration::zero()) bounds.max_ms = ToMs(now + options.max_future);
  return bounds;
}

std::vector<std::string> Texts(const std::set<SymbolId>& ids, const SymbolTable& symbols) {
  std::vector<std::string> texts;
  for (const SymbolId id : ids) texts.emplace_back(symbols.Text(id));
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace

// Two locks, so that a selection with a slow regex stops nobody's samples: `index_mutex` guards
// what matchers are looked up in, `mutex` the series and their samples. Who needs both takes them
// in this order; series come and go under both.
struct Head::State {
  State(HeadOptions options, const Clock& clock) : options(options), clock(clock) {}

  // The labels as ids if all their texts are known; a series that exists has known texts.
  std::optional<Labels> FindLabels(const LabelSet& set) const;
  SeriesRef Create(Labels labels) REQUIRES_LOCK(index_mutex);
  void Store(const PendingSample& sample, TimeRange bounds, CommitReport& report)
      REQUIRES_LOCK(mutex);
  std::unique_ptr<HeadSeriesSet> View(const Postings::List& refs, TimeRange range, size_t limit)
      REQUIRES_LOCK(mutex);
  std::unique_ptr<HeadSeriesSet> Snapshot(std::span<const Matcher> matchers, TimeRange range,
                                          size_t limit);
  // One snapshot for each selector; one of all series when there is none.
  std::vector<std::unique_ptr<HeadSeriesSet>> Snapshots(Selectors selectors, TimeRange range);
  void DropOldChunks(int64_t before_ms, std::vector<SeriesRef>& emptied);
  void RemoveEmpty(std::span<const SeriesRef> refs);

  const HeadOptions options;
  const Clock& clock;
  SymbolTable symbols;
  std::atomic<uint64_t> generation = 1;  // changes under both locks

  Mutex index_mutex;
  Postings postings GUARDED_BY(index_mutex);
  std::unordered_map<Labels, SeriesRef, LabelsHash> refs GUARDED_BY(index_mutex);

  Mutex mutex;
  Reclaimer reclaimer;  // all but Unpin under `mutex`
  // By ref; null where retention has removed one. No series has ref 0.
  std::vector<std::unique_ptr<MemSeries>> series GUARDED_BY(mutex) =
      std::vector<std::unique_ptr<MemSeries>>(1);
  HeadStats stats GUARDED_BY(mutex);  // the counters and `samples`
};

Head::Head(HeadOptions options, const Clock& clock)
    : state_(std::make_unique<State>(options, clock)) {}
Head::~Head() = default;

std::optional<Labels> Head::State::FindLabels(const LabelSet& set) const {
  std::vector<LabelPair> pairs;
  pairs.reserve(set.size());
  for (const auto& [name, value] : set) {
    const std::optional<SymbolId> name_id = symbols.Find(name);
    const std::optional<SymbolId> value_id = name_id ? symbols.Find(value) : std::nullopt;
    if (!value_id) return std::nullopt;
    pairs.push_back({*name_id, *value_id});
  }
  return Labels::FromPairs(std::move(pairs));
}

SeriesRef Head::State::Create(Labels labels) {
  const MutexLock lock(mutex);
  const auto ref = static_cast<SeriesRef>(series.size());
  series.push_back(std::make_unique<MemSeries>());
  series.back()->set_labels(labels);
  ++stats.series;
  ++stats.series_created;
  postings.Add(ref, labels);
  refs.emplace(std::move(labels), ref);
  generation.fetch_add(1);
  return ref;
}

SeriesRef Head::Register(const LabelSet& labels) {
  const std::optional<Labels> known = state_->FindLabels(labels);
  const MutexLock lock(state_->index_mutex);
  if (known) {
    const auto found = state_->refs.find(*known);
    if (found != state_->refs.end()) return found->second;
  }
  // Nothing is interned for a series that is refused.
  const size_t limit = state_->options.max_series;
  if (limit > 0 && state_->refs.size() >= limit) return kNoSeries;
  Labels interned = known ? *known : Labels::Intern(labels, state_->symbols);
  // Between the two, another thread may have registered it.
  const auto found = state_->refs.find(interned);
  return found != state_->refs.end() ? found->second : state_->Create(std::move(interned));
}

LabelSet Head::LabelsOf(SeriesRef ref) const {
  Labels labels;
  {
    const MutexLock lock(state_->mutex);
    if (ref < state_->series.size() && state_->series[ref]) labels = state_->series[ref]->labels();
  }
  return labels.ToLabelSet(state_->symbols);
}

bool Head::ViewLabels(SeriesRef ref, std::vector<LabelView>& labels) const {
  labels.clear();
  Labels interned;
  {
    const MutexLock lock(state_->mutex);
    if (ref >= state_->series.size() || !state_->series[ref]) return false;
    interned = state_->series[ref]->labels();
  }
  for (const LabelPair& pair : interned) {
    labels.emplace_back(state_->symbols.Text(pair.name), state_->symbols.Text(pair.value));
  }
  std::ranges::sort(labels, {}, &LabelView::first);
  return true;
}

void Head::State::Store(const PendingSample& sample, TimeRange bounds, CommitReport& report) {
  if (sample.ref == kNoSeries) {
    ++report.over_limit;
    return;
  }
  if (sample.ref >= series.size() || !series[sample.ref]) {
    report.gone.push_back(sample.ref);
    return;
  }
  if (!bounds.Contains(sample.t_ms)) {
    ++report.out_of_bounds;
    return;
  }
  switch (series[sample.ref]->Append(sample, reclaimer)) {
    case AppendOutcome::kStored:
      ++stats.samples;
      ++stats.samples_appended;
      ++report.stored;
      break;
    case AppendOutcome::kRepeated:
      ++report.stored;
      break;
    case AppendOutcome::kOutOfOrder:
      ++report.out_of_order;
      break;
    case AppendOutcome::kDuplicate:
      ++report.duplicate;
      break;
  }
}

Result<CommitReport> Head::Commit(std::span<const PendingSample> batch) {
  CommitReport report;
  const TimeRange bounds = Bounds(state_->options, state_->clock.Now());
  {
    const MutexLock lock(state_->mutex);
    for (const PendingSample& sample : batch) state_->Store(sample, bounds, report);
    state_->stats.out_of_order += report.out_of_order;
    state_->stats.duplicate += report.duplicate;
    state_->stats.out_of_bounds += report.out_of_bounds;
    state_->stats.over_limit += report.over_limit;
  }
  std::sort(report.gone.begin(), report.gone.end());
  report.gone.erase(std::unique(report.gone.begin(), report.gone.end()), report.gone.end());
  return report;
}

std::unique_ptr<HeadSeriesSet> Head::State::View(const Postings::List& found, TimeRange range,
                                                 size_t limit) {
  std::vector<SeriesView> views;
  views.reserve(limit > 0 ? std::min(limit, found.size()) : found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    if (i + kLookAhead < found.size()) PrefetchSeries(series[found[i + kLookAhead]].get());
    const SeriesRef ref = found[i];
    if (!series[ref]) continue;
    SeriesView view = series[ref]->view(ref);
    if (!view.Overlaps(range)) continue;
    views.push_back(view);
    if (views.size() == limit) break;
  }
  return std::make_unique<HeadSeriesSet>(reclaimer, reclaimer.Pin(), std::move(views));
}

// A series that was registered and written between the lookup and the view would be missing, while
// the rest of its batch is seen: then the lookup is done again, at last with registrations stopped.
std::unique_ptr<HeadSeriesSet> Head::State::Snapshot(std::span<const Matcher> matchers,
                                                     TimeRange range, size_t limit) {
  for (int lookup = 0; lookup < kOptimisticLookups; ++lookup) {
    Postings::List found;
    uint64_t looked_up_in = 0;
    {
      const MutexLock index_lock(index_mutex);
      looked_up_in = generation.load();
      found = postings.Find(matchers, symbols);
    }
    const MutexLock lock(mutex);
    if (generation.load() == looked_up_in) return View(found, range, limit);
  }
  const MutexLock index_lock(index_mutex);
  const Postings::List found = postings.Find(matchers, symbols);
  const MutexLock lock(mutex);
  return View(found, range, limit);
}

std::vector<std::unique_ptr<HeadSeriesSet>> Head::State::Snapshots(Selectors selectors,
                                                                   TimeRange range) {
  std::vector<std::unique_ptr<HeadSeriesSet>> snapshots;
  for (const std::vector<Matcher>& matchers : selectors) {
    snapshots.push_back(Snapshot(matchers, range, 0));
  }
  if (selectors.empty()) snapshots.push_back(Snapshot({}, range, 0));
  return snapshots;
}

const SymbolTable& Head::symbols() const { return state_->symbols; }

uint64_t Head::series_generation() const { return state_->generation.load(); }

Result<std::unique_ptr<SeriesSet>> Head::Select(std::span<const Matcher> matchers, TimeRange range,
                                                const SelectHints& hints,
                                                SymbolTable& /*overlay*/) const {
  return std::unique_ptr<SeriesSet>(state_->Snapshot(matchers, range, hints.limit));
}

Result<std::vector<std::string>> Head::LabelNames(Selectors selectors, TimeRange range) const {
  std::set<SymbolId> ids;
  for (const auto& snapshot : state_->Snapshots(selectors, range)) {
    for (size_t i = 0; i < snapshot->size(); ++i) {
      for (const LabelPair& pair : snapshot->labels(i)) ids.insert(pair.name);
    }
  }
  return Texts(ids, state_->symbols);
}

Result<std::vector<std::string>> Head::LabelValues(std::string_view name, Selectors selectors,
                                                   TimeRange range) const {
  const std::optional<SymbolId> name_id = state_->symbols.Find(name);
  if (!name_id) return std::vector<std::string>();
  std::set<SymbolId> ids;
  for (const auto& snapshot : state_->Snapshots(selectors, range)) {
    for (size_t i = 0; i < snapshot->size(); ++i) ids.insert(snapshot->labels(i).Get(*name_id));
  }
  ids.erase(kEmptySymbol);
  return Texts(ids, state_->symbols);
}

Result<std::vector<LabelSet>> Head::Series(Selectors selectors, TimeRange range) const {
  std::vector<LabelSet> found;
  for (const auto& snapshot : state_->Snapshots(selectors, range)) {
    for (size_t i = 0; i < snapshot->size(); ++i) {
      found.push_back(snapshot->labels(i).ToLabelSet(state_->symbols));
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void Head::State::DropOldChunks(int64_t before_ms, std::vector<SeriesRef>& emptied) {
  size_t next = 1;
  while (true) {
    const MutexLock lock(mutex);
    if (next >= series.size()) return;
    const size_t end = std::min(series.size(), next + kMaintenanceSlice);
    for (; next < end; ++next) {
      if (!series[next]) continue;
      stats.samples -= series[next]->DropBefore(before_ms, reclaimer).samples;
      if (!series[next]->has_samples()) emptied.push_back(static_cast<SeriesRef>(next));
    }
  }
}

void Head::State::RemoveEmpty(std::span<const SeriesRef> candidates) {
  const MutexLock index_lock(index_mutex);
  const MutexLock lock(mutex);
  std::vector<Postings::Entry> removed;
  for (const SeriesRef ref : candidates) {
    if (!series[ref] || series[ref]->has_samples()) continue;
    removed.push_back({.ref = ref, .labels = series[ref]->labels()});
    refs.erase(series[ref]->labels());
    reclaimer.Retire(std::move(series[ref]));
  }
  if (removed.empty()) return;
  postings.Remove(removed);
  stats.series -= removed.size();
  stats.series_removed += removed.size();
  generation.fetch_add(1);
}

void Head::Maintain(Timestamp now) {
  if (state_->options.retention == Duration::zero()) return;
  std::vector<SeriesRef> emptied;
  state_->DropOldChunks(Bounds(state_->options, now).min_ms, emptied);
  if (!emptied.empty()) state_->RemoveEmpty(emptied);
}

HeadStats Head::Stats() const {
  size_t index_bytes = 0;
  {
    const MutexLock index_lock(state_->index_mutex);
    index_bytes = state_->postings.bytes() + state_->refs.size() * kIndexNodeBytes;
  }
  const MutexLock lock(state_->mutex);
  HeadStats stats = state_->stats;
  stats.symbols = state_->symbols.size();
  stats.bytes = index_bytes + state_->series.capacity() * sizeof(void*);
  bool first = true;
  for (const std::unique_ptr<MemSeries>& series : state_->series) {
    if (!series) continue;
    stats.bytes += sizeof(MemSeries) + series->bytes() + kLabelsHeaderBytes +
                   series->labels().size() * sizeof(LabelPair);
    stats.chunks += series->chunks();
    if (!series->has_samples()) continue;
    stats.min_ms = first ? series->first_ms() : std::min(stats.min_ms, series->first_ms());
    stats.max_ms = first ? series->last_ms() : std::max(stats.max_ms, series->last_ms());
    first = false;
  }
  return stats;
}

}  // namespace tocsin
