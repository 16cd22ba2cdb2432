#include "engine/storage/mem_series.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace tocsin {
namespace {

// malloc's own share of an allocation.
constexpr size_t kAllocationBytes = 8;

template <typename Element>
uint32_t CountBefore(const GrowingArray<Element>& elements, int64_t t_ms) {
  const auto found = std::find_if(elements.begin(), elements.end(),
                                  [t_ms](const Element& e) { return e.t_ms >= t_ms; });
  return static_cast<uint32_t>(found - elements.begin());
}

void ReadChunk(XorDecoder decoder, uint32_t count, TimeRange range, SampleColumns& columns) {
  const size_t begin = columns.t_ms.size();
  columns.t_ms.resize(begin + count);
  columns.values.resize(begin + count);
  const size_t read =
      decoder.ReadAll(range, columns.t_ms.data() + begin, columns.values.data() + begin);
  columns.t_ms.resize(begin + read);
  columns.values.resize(begin + read);
}

}  // namespace

MemSeries::~MemSeries() {
  for (uint64_t* const chunk : sealed_) const std::unique_ptr<uint64_t[]> owner(chunk);
}

int64_t MemSeries::first_ms() const {
  return sealed_.size() > 0 ? SealedChunk(sealed_[0]).first_ms() : open_.first_ms();
}

size_t MemSeries::bytes() const {
  size_t bytes = open_.bytes() + kAllocationBytes;
  if (sealed_.size() > 0) bytes += sealed_.capacity() * sizeof(uint64_t*) + kAllocationBytes;
  bytes += sealed_bytes_;
  if (side_) {
    bytes += sizeof(SideColumns) + side_->histograms.capacity() * sizeof(SideColumns::HistogramAt) +
             side_->histograms.size() * sizeof(void*) * 16 +  // a histogram of a few buckets
             side_->starts.capacity() * sizeof(SideColumns::StartAt);
  }
  return bytes;
}

AppendOutcome MemSeries::Append(const PendingSample& sample, Reclaimer& reclaimer) {
  const double value = sample.histogram ? NormalNan() : sample.value;
  if (has_samples()) {
    if (sample.t_ms < open_.last_ms()) return AppendOutcome::kOutOfOrder;
    if (sample.t_ms == open_.last_ms()) {
      const bool same =
          std::bit_cast<uint64_t>(value) == std::bit_cast<uint64_t>(open_.last_value()) &&
          view(kNoSeries).ReadNewest({})->histogram == sample.histogram;
      return same ? AppendOutcome::kRepeated : AppendOutcome::kDuplicate;
    }
    const auto span = static_cast<uint64_t>(sample.t_ms) - static_cast<uint64_t>(open_.first_ms());
    if (open_.count() >= kSamplesPerChunk || span > kMaxChunkSpanMs) Seal(reclaimer);
  }
  if (sample.histogram || sample.start_ms != last_start_ms()) AppendSide(sample, reclaimer);
  open_.Append(sample.t_ms, value, reclaimer);
  return AppendOutcome::kStored;
}

void MemSeries::Seal(Reclaimer& reclaimer) {
  std::unique_ptr<uint64_t[]> chunk = open_.Seal(reclaimer);
  sealed_bytes_ += SealedChunk(chunk.get()).bytes() + kAllocationBytes;
  sealed_.Append(chunk.release(), reclaimer);
}

int64_t MemSeries::last_start_ms() const {
  if (!side_ || side_->starts.size() == 0) return 0;
  return side_->starts[side_->starts.size() - 1].start_ms;
}

void MemSeries::AppendSide(const PendingSample& sample, Reclaimer& reclaimer) {
  if (!side_) side_ = std::make_unique<SideColumns>();
  if (sample.histogram) side_->histograms.Append({sample.t_ms, sample.histogram}, reclaimer);
  if (sample.start_ms != last_start_ms()) {
    side_->starts.Append({sample.t_ms, sample.start_ms}, reclaimer);
  }
}

DroppedChunks MemSeries::DropBefore(int64_t t_ms, Reclaimer& reclaimer) {
  DroppedChunks dropped;
  uint32_t count = 0;
  while (count < sealed_.size() && SealedChunk(sealed_[count]).last_ms() < t_ms) {
    dropped.samples += SealedChunk(sealed_[count]).count();
    sealed_bytes_ -= SealedChunk(sealed_[count]).bytes() + kAllocationBytes;
    reclaimer.Retire(std::unique_ptr<uint64_t[]>(sealed_[count]));
    ++count;
  }
  sealed_.DropFront(count, reclaimer);
  dropped.chunks = count;
  if (has_samples() && open_.last_ms() < t_ms) {
    dropped.samples += open_.count();
    ++dropped.chunks;
    open_.Clear(reclaimer);
  }
  if (dropped.chunks > 0 && side_) {
    const int64_t first = has_samples() ? first_ms() : std::numeric_limits<int64_t>::max();
    side_->histograms.DropFront(CountBefore(side_->histograms, first), reclaimer);
    // The last start before `first` still holds there.
    const uint32_t starts = CountBefore(side_->starts, first);
    side_->starts.DropFront(starts - (starts > 0 ? 1 : 0), reclaimer);
  }
  return dropped;
}

SeriesView MemSeries::view(SeriesRef ref) const {
  SeriesView view{.labels = &labels_,
                  .sealed = {sealed_.data(), sealed_.size()},
                  .open = open_.view(),
                  .last_ms = open_.last_ms(),
                  .last_value = open_.last_value(),
                  .histograms = {},
                  .starts = {},
                  .ref = ref};
  if (side_) {
    view.histograms = {side_->histograms.data(), side_->histograms.size()};
    view.starts = {side_->starts.data(), side_->starts.size()};
  }
  return view;
}

bool SeriesView::Overlaps(TimeRange range) const {
  if (open.count == 0 || last_ms < range.min_ms) return false;
  if (open.first_ms <= range.max_ms) return true;
  for (size_t chunk = sealed.size(); chunk > 0; --chunk) {
    const SealedChunk samples(sealed[chunk - 1]);
    if (samples.last_ms() < range.min_ms) return false;
    if (samples.first_ms() <= range.max_ms) return true;
  }
  return false;
}

void SeriesView::PrefetchIndex() const {
  open.PrefetchNotes();
  if (!sealed.empty()) __builtin_prefetch(sealed.data() + sealed.size() - 1);
}

void SeriesView::Prefetch(TimeRange range) const {
  open.PrefetchFrom(range.min_ms);
  if (open.first_ms <= range.min_ms) return;
  // Whose lines follow each other; the processor fetches further ones by itself.
  constexpr size_t kNewestChunks = 2;
  constexpr size_t kWordsAhead = 24;
  for (size_t i = 0; i < std::min(sealed.size(), kNewestChunks); ++i) {
    const uint64_t* const chunk = sealed[sealed.size() - 1 - i];
    for (size_t word = 0; word < kWordsAhead; word += 8) __builtin_prefetch(chunk + word);
  }
}

void SeriesView::Read(TimeRange range, SampleColumns& columns) const {
  const size_t begin = columns.t_ms.size();
  // The oldest chunk that reaches into the range, found from the newest: queries look at the end,
  // and rules at no sealed chunk at all, not even at when it ends.
  size_t chunk = sealed.size();
  const bool open_suffices = open.count > 0 && open.first_ms <= range.min_ms;
  while (!open_suffices && chunk > 0 && SealedChunk(sealed[chunk - 1]).last_ms() >= range.min_ms)
    --chunk;
  for (; chunk < sealed.size(); ++chunk) {
    const SealedChunk samples(sealed[chunk]);
    if (samples.first_ms() > range.max_ms) break;
    ReadChunk(samples.decoder(), samples.count(), range, columns);
  }
  if (open.count > 0 && open.first_ms <= range.max_ms && last_ms >= range.min_ms) {
    ReadChunk(open.DecoderFrom(range.min_ms), open.count, range, columns);
  }
  AttachSideColumns(begin, columns);
}

void SeriesView::AttachSideColumns(size_t begin, SampleColumns& columns) const {
  const size_t size = columns.t_ms.size();
  if (!columns.histograms.empty() || !histograms.empty()) columns.histograms.resize(size);
  if (!columns.start_ms.empty() || !starts.empty()) columns.start_ms.resize(size);
  if (begin == size) return;
  if (!histograms.empty()) {
    auto at = histograms.begin();
    for (size_t i = begin; i < size; ++i) {
      while (at != histograms.end() && at->t_ms < columns.t_ms[i]) ++at;
      if (at == histograms.end()) break;
      if (at->t_ms == columns.t_ms[i]) columns.histograms[i] = at->histogram;
    }
  }
  if (!starts.empty()) {
    for (size_t i = begin; i < size; ++i) columns.start_ms[i] = StartOf(columns.t_ms[i]);
  }
}

HistogramPtr SeriesView::HistogramOf(int64_t t_ms) const {
  const auto found =
      std::lower_bound(histograms.begin(), histograms.end(), t_ms,
                       [](const SideColumns::HistogramAt& at, int64_t t) { return at.t_ms < t; });
  return found != histograms.end() && found->t_ms == t_ms ? found->histogram : nullptr;
}

int64_t SeriesView::StartOf(int64_t t_ms) const {
  const auto after =
      std::upper_bound(starts.begin(), starts.end(), t_ms,
                       [](int64_t t, const SideColumns::StartAt& at) { return t < at.t_ms; });
  return after == starts.begin() ? 0 : std::prev(after)->start_ms;
}

std::optional<Sample> SeriesView::NewestSample(TimeRange range) const {
  if (open.count == 0 || last_ms < range.min_ms) return std::nullopt;
  if (last_ms <= range.max_ms) return Sample{last_ms, last_value};
  if (open.first_ms <= range.max_ms) return open.ReadNewest(range);
  for (size_t chunk = sealed.size(); chunk > 0; --chunk) {
    const SealedChunk samples(sealed[chunk - 1]);
    if (samples.last_ms() < range.min_ms) break;
    if (samples.first_ms() <= range.max_ms) return samples.decoder().ReadNewest(range);
  }
  return std::nullopt;
}

std::optional<SeriesSet::Newest> SeriesView::ReadNewest(TimeRange range) const {
  const std::optional<Sample> sample = NewestSample(range);
  if (!sample) return std::nullopt;
  SeriesSet::Newest newest{.t_ms = sample->t_ms, .value = sample->value, .histogram = nullptr};
  if (!histograms.empty()) newest.histogram = HistogramOf(sample->t_ms);
  if (!starts.empty()) newest.start_ms = StartOf(sample->t_ms);
  return newest;
}

}  // namespace tocsin
