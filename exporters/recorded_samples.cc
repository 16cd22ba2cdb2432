#include "exporters/recorded_samples.h"

#include "engine/model/label_set.h"
#include "exporters/peer_text.h"

namespace tocsin {

void RecordedSamples::Write(const FamilySpec& family, std::span<const LabelView> labels,
                            double value) {
  WriteSuffixed(family, {}, labels, value);
}

void RecordedSamples::WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                                    std::span<const LabelView> labels, double value) {
  if (families_.empty() || families_.back().name != family.name) {
    Family& kept = families_.emplace_back();
    kept.name = family.name;
    kept.help = family.help;
    kept.labels = family.labels;
    kept.spec = family;
    kept.spec.name = kept.name;
    kept.spec.help = kept.help;
    kept.spec.labels = kept.labels;
  }
  samples_.push_back({.family = static_cast<uint32_t>(families_.size() - 1),
                      .suffix = Keep(suffix),
                      .first_label = static_cast<uint32_t>(labels_.size()),
                      .value = value});
  for (const auto& [name, label] : labels) {
    // Databases of the encoding SQL_ASCII give bytes of any kind.
    labels_.emplace_back(Keep(name), IsValidUtf8(label) ? Keep(label) : Keep(ValidUtf8(label)));
  }
}

void RecordedSamples::Clear() {
  families_.clear();
  text_.clear();
  labels_.clear();
  samples_.clear();
}

void RecordedSamples::Replay(MetricSink& sink) const {
  std::vector<LabelView> labels;
  for (size_t i = 0; i < samples_.size(); ++i) {
    const Sample& sample = samples_[i];
    const size_t end = i + 1 < samples_.size() ? samples_[i + 1].first_label : labels_.size();
    labels.clear();
    for (size_t label = sample.first_label; label < end; ++label) {
      labels.emplace_back(At(labels_[label].first), At(labels_[label].second));
    }
    const FamilySpec& family = families_[sample.family].spec;
    if (sample.suffix.size == 0) {
      sink.Write(family, labels, sample.value);
    } else {
      sink.WriteSuffixed(family, At(sample.suffix), labels, sample.value);
    }
  }
}

RecordedSamples::Place RecordedSamples::Keep(std::string_view text) {
  const Place place{static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text.size())};
  text_.append(text);
  return place;
}

}  // namespace tocsin
