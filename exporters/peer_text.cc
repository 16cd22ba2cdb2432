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

}  // namespace tocsin
