// Samples that a collector keeps to show them again: figures that are asked less often than the
// target is collected.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "exporters/collector.h"

namespace tocsin {

// A sink that plays back what it got. All text lies in one string.
//
// Not thread-safe.
class RecordedSamples final : public MetricSink {
 public:
  using MetricSink::Write;
  void Write(const FamilySpec& family, std::span<const LabelView> labels, double value) override;
  void WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                     std::span<const LabelView> labels, double value) override;

  void Clear();
  void Replay(MetricSink& sink) const;
  size_t size() const { return samples_.size(); }

 private:
  struct Place {
    uint32_t begin;
    uint32_t size;
  };
  struct Sample {
    uint32_t family;  // in families_
    Place suffix;
    uint32_t first_label;  // in labels_, as many as up to the next sample's
    double value;
  };
  struct Family {
    std::string name;
    std::string help;
    std::string labels;
    FamilySpec spec;  // its texts are the ones above
  };
  Place Keep(std::string_view text);
  std::string_view At(Place place) const {
    return std::string_view(text_).substr(place.begin, place.size);
  }

  std::deque<Family> families_;
  std::string text_;
  std::vector<std::pair<Place, Place>> labels_;
  std::vector<Sample> samples_;
};

}  // namespace tocsin
