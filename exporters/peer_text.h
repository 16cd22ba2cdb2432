// What a peer said, fit to be shown: it may send anything.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporters/collector.h"

namespace tocsin {

// Bytes that are no UTF-8 become '?'. For label values.
std::string ValidUtf8(std::string_view text);
// The same in one line of at most `most` bytes. For messages.
std::string PeerMessage(std::string_view text, size_t most = 500);

// Hands samples on, with label values that are UTF-8 in any case: keys of a Redis are any bytes.
class Utf8Sink final : public MetricSink {
 public:
  explicit Utf8Sink(MetricSink& sink) : sink_(sink) {}
  using MetricSink::Write;
  void Write(const FamilySpec& family, std::span<const LabelView> labels, double value) override;
  void WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                     std::span<const LabelView> labels, double value) override;

 private:
  std::span<const LabelView> Valid(std::span<const LabelView> labels);

  MetricSink& sink_;
  std::vector<std::string> texts_;  // of the sample at hand
  std::vector<LabelView> labels_;
};

}  // namespace tocsin
