#include "exporters/peer_text.h"

#include <algorithm>

#include "engine/model/label_set.h"

namespace tocsin {
namespace {

constexpr size_t kLongestSequence = 4;

// The length of the UTF-8 sequence that the text begins with; 0 when there is none.
size_t SequenceLength(std::string_view text) {
  for (size_t length = 1; length <= std::min(kLongestSequence, text.size()); ++length) {
    if (IsValidUtf8(text.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string ValidUtf8(std::string_view text) {
  if (IsValidUtf8(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    out += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string PeerMessage(std::string_view text, size_t most) {
  std::string out;
  while (!text.empty() && out.size() + kLongestSequence <= most) {
    const size_t length = SequenceLength(text);
    const bool control = static_cast<unsigned char>(text[0]) < ' ' || text[0] == '\x7f';
    out += length == 0 ? "?" : control ? " " : text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

void Utf8Sink::Write(const FamilySpec& family, std::span<const LabelView> labels, double value) {
  sink_.Write(family, Valid(labels), value);
}

void Utf8Sink::WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                             std::span<const LabelView> labels, double value) {
  sink_.WriteSuffixed(family, suffix, Valid(labels), value);
}

std::span<const MetricSink::LabelView> Utf8Sink::Valid(std::span<const LabelView> labels) {
  const auto valid = [](const LabelView& label) { return IsValidUtf8(label.second); };
  if (std::ranges::all_of(labels, valid)) return labels;
  texts_.clear();
  for (const LabelView& label : labels) texts_.push_back(ValidUtf8(label.second));
  labels_.clear();
  for (size_t i = 0; i < labels.size(); ++i) labels_.emplace_back(labels[i].first, texts_[i]);
  return labels_;
}

}  // namespace tocsin
