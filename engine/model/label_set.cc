#include "engine/model/label_set.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>

#include "base/hash.h"

namespace tocsin {
namespace {

// Where a character may stand in a name of the old alphabet.
enum CharUse : uint8_t { kLabelStart = 1, kLabelRest = 2, kMetricStart = 4, kMetricRest = 8 };

constexpr std::array<uint8_t, 256> kCharUses = [] {
  constexpr uint8_t kAnywhere = kLabelStart | kLabelRest | kMetricStart | kMetricRest;
  std::array<uint8_t, 256> uses{};
  for (int c = 'a'; c <= 'z'; ++c) uses[c] = kAnywhere;
  for (int c = 'A'; c <= 'Z'; ++c) uses[c] = kAnywhere;
  for (int c = '0'; c <= '9'; ++c) uses[c] = kLabelRest | kMetricRest;
  uses['_'] = kAnywhere;
  uses[':'] = kMetricStart | kMetricRest;
  return uses;
}();

// Names are short and nearly always good: every character is looked at, without a branch.
bool IsLegacyName(std::string_view name, CharUse start, CharUse rest) {
  if (name.empty()) return false;
  const auto uses_of = [](char c) { return kCharUses[static_cast<unsigned char>(c)]; };
  uint8_t uses = rest;
  for (const char c : name) uses &= uses_of(c);
  return uses != 0 && (uses_of(name.front()) & start) != 0;
}

void AppendQuoted(std::string& out, std::string_view value) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : value) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\x";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace

LabelSet::LabelSet(std::initializer_list<Pair> pairs) : LabelSet(FromPairs(pairs)) {}

LabelSet LabelSet::FromPairs(std::vector<Pair> pairs) {
  LabelSet set;
  const bool in_order =
      std::ranges::adjacent_find(pairs, std::ranges::greater_equal(), &Pair::first) == pairs.end();
  if (in_order && std::ranges::none_of(pairs, &std::string::empty, &Pair::second)) {
    set.pairs_ = std::move(pairs);
    return set;
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.first < b.first; });
  for (size_t i = 0; i < pairs.size(); ++i) {
    const bool overridden = i + 1 < pairs.size() && pairs[i + 1].first == pairs[i].first;
    if (!overridden && !pairs[i].second.empty()) set.pairs_.push_back(std::move(pairs[i]));
  }
  return set;
}

std::string_view LabelSet::Get(std::string_view name) const {
  const auto found =
      std::lower_bound(pairs_.begin(), pairs_.end(), name,
                       [](const Pair& p, std::string_view n) { return p.first < n; });
  if (found == pairs_.end() || found->first != name) return {};
  return found->second;
}

void LabelSet::Set(std::string_view name, std::string_view value) {
  const auto found =
      std::lower_bound(pairs_.begin(), pairs_.end(), name,
                       [](const Pair& p, std::string_view n) { return p.first < n; });
  const bool present = found != pairs_.end() && found->first == name;
  if (value.empty()) {
    if (present) pairs_.erase(found);
  } else if (present) {
    found->second = value;
  } else {
    pairs_.emplace(found, std::string(name), std::string(value));
  }
}

uint64_t LabelSet::Hash() const {
  std::string bytes;
  for (const auto& [name, value] : pairs_) {
    bytes += name;
    bytes += '\xff';
    bytes += value;
    bytes += '\xff';
  }
  return Hash64(bytes);
}

std::string LabelSet::ToString() const {
  std::string out;
  const std::string_view metric = Get(kMetricName);
  const bool bare_name = IsLegacyMetricName(metric);
  if (bare_name) out += metric;
  std::string inside;
  if (!metric.empty() && !bare_name) AppendQuoted(inside, metric);
  for (const auto& [name, value] : pairs_) {
    if (name == kMetricName) continue;
    if (!inside.empty()) inside += ", ";
    if (IsLegacyLabelName(name)) {
      inside += name;
    } else {
      AppendQuoted(inside, name);
    }
    inside += '=';
    AppendQuoted(inside, value);
  }
  if (inside.empty() && bare_name) return out;
  out += '{';
  out += inside;
  out += '}';
  return out;
}

std::string QuoteLabelValue(std::string_view value) {
  std::string out;
  AppendQuoted(out, value);
  return out;
}

bool IsLegacyLabelName(std::string_view name) {
  return IsLegacyName(name, kLabelStart, kLabelRest);
}
bool IsLegacyMetricName(std::string_view name) {
  return IsLegacyName(name, kMetricStart, kMetricRest);
}

bool IsValidUtf8(std::string_view text) {
  size_t i = 0;
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  while (i < text.size()) {
    const unsigned char first = byte(i);
    size_t more = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (first < 0x80) {
      ++i;
      continue;
    }
    if (first >= 0xC2 && first <= 0xDF) {
      more = 1;
    } else if (first >= 0xE0 && first <= 0xEF) {
      more = 2;
      if (first == 0xE0) low = 0xA0;
      if (first == 0xED) high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
      more = 3;
      if (first == 0xF0) low = 0x90;
      if (first == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    if (i + more >= text.size()) return false;
    if (byte(i + 1) < low || byte(i + 1) > high) return false;
    for (size_t k = 2; k <= more; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace tocsin
