#include "engine/exposition/escaping.h"

#include <charconv>
#include <cstdint>

namespace tocsin {
namespace {

struct Rune {
  uint32_t code = 0;
  size_t bytes = 1;
  bool valid = true;
};

// The first character of UTF-8; a byte that begins none is one of its own.
Rune FirstRune(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {.code = lead};
  const size_t bytes = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (bytes == 0 || lead >= 0xf5 || text.size() < bytes) return {.valid = false};
  uint32_t code = lead & (0xffU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {.valid = false};
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  return {.code = code, .bytes = bytes};
}

bool IsLegacy(uint32_t code, bool first) {
  const bool letter =
      (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_' || code == ':';
  return letter || (!first && code >= '0' && code <= '9');
}

void AppendHex(std::string& out, uint32_t code) {
  char buffer[8];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, code, 16);
  out.append(buffer, end);
}

void AppendEscaped(std::string& out, const Rune& rune, bool first, EscapingScheme scheme) {
  const bool legacy = rune.valid && IsLegacy(rune.code, first);
  switch (scheme) {
    case EscapingScheme::kAllowUtf8:
      return;
    case EscapingScheme::kUnderscores:
      out += legacy ? static_cast<char>(rune.code) : '_';
      return;
    case EscapingScheme::kDots:
      if (rune.valid && rune.code == '_') {
        out += "__";
      } else if (rune.valid && rune.code == '.') {
        out += "_dot_";
      } else if (legacy) {
        out += static_cast<char>(rune.code);
      } else {
        out += "__";
      }
      return;
    case EscapingScheme::kValues:
      if (rune.valid && rune.code == '_') {
        out += "__";
      } else if (legacy) {
        out += static_cast<char>(rune.code);
      } else if (!rune.valid) {
        out += "_FFFD_";
      } else {
        out += '_';
        AppendHex(out, rune.code);
        out += '_';
      }
      return;
  }
}

}  // namespace

std::string_view EscapingSchemeText(EscapingScheme scheme) {
  switch (scheme) {
    case EscapingScheme::kAllowUtf8:
      return "allow-utf-8";
    case EscapingScheme::kUnderscores:
      return "underscores";
    case EscapingScheme::kDots:
      return "dots";
    case EscapingScheme::kValues:
      return "values";
  }
  return "underscores";
}

std::string EscapeName(std::string_view name, EscapingScheme scheme) {
  if (scheme == EscapingScheme::kAllowUtf8 || name.empty()) return std::string(name);
  // Dots and underscores are told apart by the scheme "dots", so that it changes old names too.
  if (scheme != EscapingScheme::kDots && IsLegacyMetricName(name)) return std::string(name);
  std::string out = scheme == EscapingScheme::kValues ? "U__" : "";
  for (bool first = true; !name.empty(); first = false) {
    const Rune rune = FirstRune(name);
    AppendEscaped(out, rune, first, scheme);
    name.remove_prefix(rune.bytes);
  }
  return out;
}

bool NeedsEscaping(std::span<const std::pair<std::string_view, std::string_view>> labels,
                   EscapingScheme scheme) {
  if (scheme == EscapingScheme::kAllowUtf8) return false;
  if (scheme == EscapingScheme::kDots) return true;
  for (const auto& [name, value] : labels) {
    if (name == kMetricName ? !IsLegacyMetricName(value) : !IsLegacyLabelName(name)) return true;
  }
  return false;
}

LabelSet EscapeNames(const LabelSet& labels, EscapingScheme scheme) {
  LabelSet escaped;
  for (const auto& [name, value] : labels) {
    if (name == kMetricName) {
      escaped.Set(name, EscapeName(value, scheme));
    } else {
      escaped.Set(EscapeName(name, scheme), value);
    }
  }
  return escaped;
}

}  // namespace tocsin
