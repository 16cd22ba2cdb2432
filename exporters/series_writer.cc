#include "exporters/series_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

// Room for what the loop adds to a page.
constexpr size_t kLoopSamples = 12;

bool IsSuffixOf(MetricType type, std::string_view suffix) {
  switch (type) {
    case MetricType::kCounter:
      return suffix.empty() || suffix == "_total";
    case MetricType::kInfo:
      return suffix.empty() || suffix == "_info";
    case MetricType::kHistogram:
      return suffix == "_bucket" || suffix == "_sum" || suffix == "_count";
    case MetricType::kGaugeHistogram:
      return suffix == "_bucket" || suffix == "_gsum" || suffix == "_gcount";
    case MetricType::kSummary:
      return suffix.empty() || suffix == "_sum" || suffix == "_count";
    case MetricType::kGauge:
    case MetricType::kUntyped:
    case MetricType::kStateSet:
      return suffix.empty();
  }
  return false;
}

}  // namespace

bool BelongsTo(std::string_view metric, const FamilyText& family) {
  return metric.starts_with(family.name) &&
         IsSuffixOf(family.type, metric.substr(family.name.size()));
}

LabelSet WithTargetLabels(const LabelSet& scraped, const LabelSet& target, bool honor_labels) {
  LabelSet labels = scraped;
  for (const auto& [name, value] : target) {
    if (!labels.Has(name)) {
      labels.Set(name, value);
      continue;
    }
    if (honor_labels) continue;
    std::string exported = "exported_" + name;
    while (scraped.Has(exported) || target.Has(exported) || labels.Has(exported)) {
      exported.insert(0, "exported_");
    }
    labels.Set(exported, std::string(labels.Get(name)));
    labels.Set(name, value);
  }
  return labels;
}

void CollectedPage::Add(std::shared_ptr<const FamilyText> family, SeriesRef ref, double value) {
  const auto at = static_cast<uint32_t>(refs.size());
  blocks.push_back({.family = std::move(family), .begin = at, .end = at + 1});
  refs.push_back(ref);
  values.push_back(value);
}

SeriesWriter::SeriesWriter(SampleSink& sink, SeriesOptions options)
    : sink_(sink), options_(std::move(options)) {}

void SeriesWriter::Begin(int64_t t_ms) {
  t_ms_ = t_ms;
  scraped_ = 0;
  after_relabeling_ = 0;
  duplicates_ = 0;
  own_times_.clear();
  repeated_.clear();
  page_ = std::make_shared<CollectedPage>();
  page_->refs.reserve(last_size_ + kLoopSamples);
  page_->values.reserve(last_size_ + kLoopSamples);
  page_->relabeled = !options_.metric_relabel.empty();
  family_ = nullptr;
  cache_.Begin();
}

void SeriesWriter::Family(std::string_view name, MetricType type, std::string_view help) {
  std::shared_ptr<const FamilyText>& known = families_[std::string(name)];
  if (known == nullptr || known->type != type || known->help != help) {
    known = std::make_shared<const FamilyText>(
        FamilyText{.name = std::string(name), .type = type, .help = std::string(help)});
  }
  family_ = known;
}

void SeriesWriter::OpenBlock(std::string_view series_text) {
  const std::string_view name = series_text.substr(0, series_text.find_first_of("{\xff \t"));
  const bool belongs = family_ != nullptr && BelongsTo(name, *family_);
  if (belongs && name != family_->name &&
      (family_->type == MetricType::kCounter || family_->type == MetricType::kInfo)) {
    // OpenMetrics names the family without _total; everywhere else it is called as its samples.
    Family(name, family_->type, std::string(family_->help));
  }
  const FamilyText* wanted = belongs ? family_.get() : nullptr;
  std::vector<CollectedPage::Block>& blocks = page_->blocks;
  if (!blocks.empty() && blocks.back().family.get() == wanted) return;
  const auto at = static_cast<uint32_t>(page_->refs.size());
  blocks.push_back({.family = belongs ? family_ : nullptr, .begin = at, .end = at});
}

void SeriesWriter::Take(std::string_view series_text, SeriesRef ref, double value,
                        std::optional<int64_t> t_ms) {
  OpenBlock(series_text);
  ++after_relabeling_;
  const auto index = static_cast<uint32_t>(page_->refs.size());
  if (t_ms.has_value()) own_times_.push_back({.index = index, .t_ms = *t_ms});
  page_->refs.push_back(ref);
  page_->values.push_back(value);
  page_->blocks.back().end = index + 1;
}

void SeriesWriter::TakeRepeated(SeriesRef ref, double value, std::optional<int64_t> t_ms) {
  ++after_relabeling_;
  if (t_ms.has_value()) {
    repeated_.push_back({.ref = ref, .t_ms = *t_ms, .value = value, .histogram = nullptr});
  } else {
    ++duplicates_;
  }
}

bool SeriesWriter::AddKnown(std::string_view series_text, double value,
                            std::optional<int64_t> t_ms) {
  if (!options_.honor_timestamps) t_ms.reset();
  const ScrapeCache::Hit hit = cache_.Find(series_text, !t_ms.has_value());
  if (!hit.known) return false;
  ++scraped_;
  if (hit.ref == kNoSeries) return true;
  if (hit.repeated) {
    TakeRepeated(hit.ref, value, t_ms);
  } else {
    Take(series_text, hit.ref, value, t_ms);
  }
  return true;
}

Status SeriesWriter::AddNew(std::string_view series_text, const LabelSet& labels, double value,
                            std::optional<int64_t> t_ms) {
  if (!options_.honor_timestamps) t_ms.reset();
  ++scraped_;
  const std::optional<LabelSet> final_labels = FinalLabels(labels);
  if (!final_labels.has_value()) {
    cache_.Add(series_text, kNoSeries, !t_ms.has_value());
    return Ok();
  }
  if (!final_labels->Has(kMetricName)) {
    return InvalidArgument(
        fmt::format("series {} has no metric name after relabelling", labels.ToString()));
  }
  if (options_.label_limit > 0 && final_labels->size() > options_.label_limit) {
    return ResourceExhausted(fmt::format("label_limit exceeded: series {} has {} labels, limit {}",
                                         labels.ToString(), final_labels->size(),
                                         options_.label_limit));
  }
  const SeriesRef ref = sink_.Register(*final_labels);
  if (ref == kNoSeries) {
    ++after_relabeling_;  // the store is full; asked again at the next collection
    return Ok();
  }
  cache_.Add(series_text, ref, !t_ms.has_value());
  Take(series_text, ref, value, t_ms);
  return Ok();
}

std::optional<LabelSet> SeriesWriter::FinalLabels(const LabelSet& scraped) const {
  std::optional<LabelSet> labels =
      WithTargetLabels(scraped, options_.target_labels, options_.honor_labels);
  if (!options_.metric_relabel.empty()) {
    labels = Relabel(*std::move(labels), options_.metric_relabel);
  }
  if (labels.has_value() && labels->empty()) labels.reset();
  return labels;
}

Status SeriesWriter::CheckLimits() const {
  if (options_.sample_limit > 0 && after_relabeling_ > options_.sample_limit) {
    return ResourceExhausted(
        fmt::format("sample_limit exceeded: {} samples after relabelling, limit {}",
                    after_relabeling_, options_.sample_limit));
  }
  return Ok();
}

void SeriesWriter::MarkStale(const std::vector<SeriesRef>& refs,
                             std::vector<PendingSample>& batch) const {
  for (const SeriesRef ref : refs) {
    batch.push_back({.ref = ref, .t_ms = t_ms_, .value = StaleNan(), .histogram = nullptr});
  }
}

std::shared_ptr<CollectedPage> SeriesWriter::Finish(std::vector<PendingSample>& batch) {
  batch.reserve(batch.size() + page_->refs.size() + kLoopSamples);
  const size_t first = batch.size();
  for (size_t i = 0; i < page_->refs.size(); ++i) {
    batch.push_back(
        {.ref = page_->refs[i], .t_ms = t_ms_, .value = page_->values[i], .histogram = nullptr});
  }
  for (const OwnTime& own : own_times_) batch[first + own.index].t_ms = own.t_ms;
  batch.insert(batch.end(), repeated_.begin(), repeated_.end());
  MarkStale(cache_.Finish(), batch);
  if (!inherited_.empty()) {
    std::vector<SeriesRef> present = page_->refs;
    std::sort(present.begin(), present.end());
    std::erase_if(inherited_, [&](SeriesRef ref) {
      return std::binary_search(present.begin(), present.end(), ref);
    });
    MarkStale(std::exchange(inherited_, {}), batch);
  }
  last_size_ = page_->refs.size();
  page_->collected = last_size_;
  // A target whose families change all the time must not make this grow.
  if (families_.size() > 2 * page_->blocks.size() + 64) families_.clear();
  return std::exchange(page_, nullptr);
}

void SeriesWriter::Fail(std::vector<PendingSample>& batch) {
  MarkStale(cache_.Fail(), batch);
  MarkStale(std::exchange(inherited_, {}), batch);
  page_ = nullptr;
}

SampleCounts SeriesWriter::counts() const {
  return {.scraped = scraped_,
          .after_relabeling = after_relabeling_,
          .series_added = cache_.series_added(),
          .duplicates = duplicates_};
}

void SeriesWriter::Inherit(std::vector<SeriesRef> refs) { inherited_ = std::move(refs); }

}  // namespace tocsin
