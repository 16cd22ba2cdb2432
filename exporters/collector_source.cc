#include "exporters/collector_source.h"

#include <algorithm>
#include <utility>

#include "base/metrics.h"

namespace tocsin {
namespace {

constexpr std::string_view kOther = "_other";

// These tell apart what belongs together within one histogram or summary.
bool IsPartOfType(std::string_view label) { return label == "le" || label == "quantile"; }

}  // namespace

// Writes samples under the text `name`, 0xff, `label`, 0xfe, `value`, … : never shown, only the
// key under which the series is known. Bytes that cannot occur in UTF-8 keep parts apart.
class CollectorSource::Sink final : public MetricSink {
 public:
  Sink(CollectorSource& source, SeriesWriter& writer)
      : source_(source), writer_(writer), key_(source.scratch_) {
    for (auto& [family, count] : source_.counts_) count.now = 0;
  }

  void Write(const FamilySpec& family, std::span<const LabelView> labels, double value) override {
    WriteSuffixed(family, {}, labels, value);
  }

  void WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                     std::span<const LabelView> labels, double value) override {
    if (!status_.ok()) return;
    if (count_ == nullptr || family.name != family_) Open(family);
    MakeKey(family, suffix, labels);
    if (writer_.AddKnown(key_, value, std::nullopt)) {
      ++count_->now;
      return;
    }
    if (!HasRoom(family, labels)) return AddToOverflow(family, suffix, labels, value);
    ++count_->now;
    status_ = writer_.AddNew(key_, MakeLabels(family, suffix, labels), value, std::nullopt);
  }

  // Writes what had no place. Returns the first error of all.
  Status Finish() {
    for (const auto& [name, overflow] : overflow_) {
      writer_.Family(name, overflow.type, overflow.help);
      for (const auto& [key, series] : overflow.series) {
        if (!status_.ok()) return status_;
        if (writer_.AddKnown(key, series.value, std::nullopt)) continue;
        status_ = writer_.AddNew(key, series.labels, series.value, std::nullopt);
      }
      source_.CountDropped(name, overflow.dropped);
    }
    std::erase_if(source_.counts_, [](const auto& entry) { return entry.second.now == 0; });
    for (auto& [family, count] : source_.counts_) count.last = count.now;
    return status_;
  }

 private:
  struct OverflowSeries {
    LabelSet labels;
    double value = 0;
  };
  struct Overflow {
    MetricType type = MetricType::kUntyped;
    std::string help;
    std::map<std::string, OverflowSeries> series;
    double dropped = 0;
  };

  void Open(const FamilySpec& family) {
    family_ = family.name;
    writer_.Family(family.name, family.type, family.help);
    const auto found = source_.counts_.find(family_);
    count_ = found != source_.counts_.end() ? &found->second : &source_.counts_[family_];
  }

  // For a series that is new. Those that the last collection had keep their places, and a
  // histogram is taken or left as a whole.
  bool HasRoom(const FamilySpec& family, std::span<const LabelView> labels) {
    const bool room = std::max(count_->last, count_->now) < source_.options_.series_limit;
    if (family.type != MetricType::kHistogram && family.type != MetricType::kSummary) return room;
    std::string group(family.name);
    for (const auto& [name, text] : labels) {
      if (!IsPartOfType(name)) group.append(1, '\xff').append(name).append(1, '\xfe').append(text);
    }
    if (group != group_) {
      group_ = std::move(group);
      group_has_room_ = room;
    }
    return group_has_room_;
  }

  void MakeKey(const FamilySpec& family, std::string_view suffix,
               std::span<const LabelView> labels) {
    key_.assign(family.name).append(suffix);
    for (const auto& [name, text] : labels) {
      key_.append(1, '\xff').append(name).append(1, '\xfe').append(text);
    }
  }

  static LabelSet MakeLabels(const FamilySpec& family, std::string_view suffix,
                             std::span<const LabelView> labels) {
    LabelSet set;
    for (const auto& [name, text] : labels) set.Set(name, text);
    set.Set(kMetricName, std::string(family.name).append(suffix));
    return set;
  }

  void AddToOverflow(const FamilySpec& family, std::string_view suffix,
                     std::span<const LabelView> labels, double value) {
    std::vector<LabelView> other(labels.begin(), labels.end());
    for (auto& [name, text] : other) {
      if (!IsPartOfType(name)) text = kOther;
    }
    MakeKey(family, suffix, other);
    Overflow& overflow = overflow_[family_];
    overflow.type = family.type;
    overflow.help = family.help;
    ++overflow.dropped;
    OverflowSeries& series = overflow.series[key_];
    if (series.labels.empty()) series.labels = MakeLabels(family, suffix, other);
    series.value += value;
  }

  CollectorSource& source_;
  SeriesWriter& writer_;
  std::string& key_;
  std::string family_;
  FamilyCount* count_ = nullptr;
  std::string group_;
  bool group_has_room_ = true;
  std::map<std::string, Overflow> overflow_;
  Status status_;
};

CollectorSource::CollectorSource(std::unique_ptr<Collector> collector,
                                 CollectorSourceOptions options, Metrics& metrics)
    : collector_(std::move(collector)), options_(options), metrics_(metrics) {}

Status CollectorSource::Collect(CollectContext& context, SeriesWriter& writer) {
  Sink sink(*this, writer);
  RETURN_IF_ERROR(collector_->Collect(context, sink));
  return sink.Finish();
}

void CollectorSource::CountDropped(const std::string& family, double series) {
  std::shared_ptr<Counter>& counter = dropped_[family];
  if (counter == nullptr) {
    counter = metrics_.MakeCounter("tocsin_series_dropped_total",
                                   "Series of a collector beyond its series_limit, summed up in "
                                   "\"_other\", in all collections.",
                                   {{"family", family}});
  }
  counter->Increment(series);
}

void CollectorSource::Cancel() { collector_->Cancel(); }

}  // namespace tocsin
