#include "rules/template/literals.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/go_float.h"
#include "engine/promql/quote.h"

namespace tocsin::templates {
namespace {

// Reads one escape of a Go literal behind its backslash and appends what it means.
bool AppendEscape(std::string& out, std::string_view& rest) {
  struct Simple {
    char letter;
    char meaning;
  };
  constexpr Simple kSimple[] = {{'a', '\a'}, {'b', '\b'}, {'f', '\f'},  {'n', '\n'},  {'r', '\r'},
                                {'t', '\t'}, {'v', '\v'}, {'\\', '\\'}, {'\'', '\''}, {'"', '"'}};
  if (rest.empty()) return false;
  const char letter = rest[0];
  if (const auto* row = std::ranges::find(kSimple, letter, &Simple::letter);
      row != std::end(kSimple)) {
    rest.remove_prefix(1);
    out += row->meaning;
    return true;
  }
  const bool octal = letter >= '0' && letter <= '7';
  const size_t digits = octal ? 3 : letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (!octal) rest.remove_prefix(1);
  if (digits == 0 || rest.size() < digits) return false;
  uint32_t code = 0;
  const char* end = rest.data() + digits;
  if (std::from_chars(rest.data(), end, code, octal ? 8 : 16).ptr != end) return false;
  rest.remove_prefix(digits);
  const bool is_byte = octal || letter == 'x';
  if (code > (is_byte ? 0xFFu : 0x10FFFFu)) return false;
  if (is_byte) {
    out += static_cast<char>(code);
  } else {
    promql::AppendUtf8(out, code);
  }
  return true;
}

}  // namespace

std::optional<std::string> Unquote(std::string_view quoted) {
  if (quoted.size() < 2) return std::nullopt;
  std::string_view rest = quoted.substr(1, quoted.size() - 2);
  std::string out;
  if (quoted[0] == '`') {
    std::ranges::copy_if(rest, std::back_inserter(out), [](char c) { return c != '\r'; });
    return out;
  }
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (!AppendEscape(out, rest)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<int64_t> CharValue(std::string_view quoted) {
  std::string_view inside = quoted.substr(1, quoted.size() - 2);
  if (inside.empty() || inside == "\"") {
    if (inside.empty()) return std::nullopt;
    return '"';
  }
  std::string bytes;
  if (inside[0] == '\\') {
    inside.remove_prefix(1);
    if (!AppendEscape(bytes, inside) || !inside.empty()) return std::nullopt;
  } else {
    bytes = inside;
  }
  const auto first = static_cast<unsigned char>(bytes[0]);
  if (bytes.size() == 1) return first;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (bytes.size() != length) return std::nullopt;
  int64_t code = first & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    code = (code << 6) | (static_cast<unsigned char>(bytes[i]) & 0x3F);
  }
  return code;
}

std::optional<NumberLiteral> NumberValue(std::string_view text) {
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != '_'; });
  std::string_view rest = digits;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  struct Prefix {
    std::string_view text;
    int base;
  };
  constexpr Prefix kPrefixes[] = {{"0x", 16}, {"0X", 16}, {"0b", 2},
                                  {"0B", 2},  {"0o", 8},  {"0O", 8}};
  int base = rest.size() > 1 && rest[0] == '0' ? 8 : 10;
  for (const Prefix& prefix : kPrefixes) {
    if (!rest.starts_with(prefix.text)) continue;
    base = prefix.base;
    rest.remove_prefix(2);
    break;
  }
  uint64_t number = 0;
  const char* end = rest.data() + rest.size();
  const auto [stop, code] = std::from_chars(rest.data(), end, number, base);
  if (!rest.empty() && code == std::errc{} && stop == end && number <= INT64_MAX) {
    const auto value = static_cast<int64_t>(number);
    return NumberLiteral{negative ? -value : value, std::string(text)};
  }
  const bool all_digits = rest.find_first_not_of("0123456789") == std::string_view::npos;
  if (all_digits && base == 8) return std::nullopt;
  if (const std::optional<double> value = ParseGoFloat(digits)) {
    return NumberLiteral{*value, std::string(text)};
  }
  return std::nullopt;
}

}  // namespace tocsin::templates
