#include "rules/template/printf.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/go_float.h"
#include "engine/promql/quote.h"

namespace tocsin::templates {
namespace {

constexpr int kMaxWidth = 10'000;

struct Verb {
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  std::optional<int> width;
  std::optional<int> precision;
  char letter = 0;
};

// Characters, not bytes: Go pads by them.
size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string Pad(std::string text, const Verb& verb, bool may_zero) {
  const size_t width = static_cast<size_t>(verb.width.value_or(0));
  const size_t length = Characters(text);
  if (length >= width) return text;
  const size_t missing = width - length;
  if (verb.minus) return text + std::string(missing, ' ');
  if (!verb.zero || !may_zero) return std::string(missing, ' ') + text;
  const size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return text.insert(sign, missing, '0');
}

std::string Sign(const Verb& verb, bool negative) {
  return negative ? "-" : verb.plus ? "+" : verb.space ? " " : "";
}

std::string WrongVerb(const Verb& verb, const Value& value) {
  if (value.is_nil()) return fmt::format("%!{}(<nil>)", verb.letter);
  return fmt::format("%!{}({}={})", verb.letter, value.TypeName(), value.Print());
}

std::string FormatInteger(const Verb& verb, int64_t number) {
  struct Base {
    char letter;
    int base;
    std::string_view prefix;
  };
  constexpr Base kBases[] = {{'d', 10, ""}, {'v', 10, ""},  {'x', 16, "0x"}, {'X', 16, "0X"},
                             {'o', 8, "0"}, {'b', 2, "0b"}, {'O', 8, ""}};
  const auto* row = std::ranges::find(kBases, verb.letter, &Base::letter);
  uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  std::string digits;
  do {
    constexpr std::string_view kLower = "0123456789abcdef";
    constexpr std::string_view kUpper = "0123456789ABCDEF";
    const size_t digit = rest % static_cast<uint64_t>(row->base);
    digits += (verb.letter == 'X' ? kUpper : kLower)[digit];
    rest /= static_cast<uint64_t>(row->base);
  } while (rest != 0);
  while (verb.precision && digits.size() < static_cast<size_t>(*verb.precision)) digits += '0';
  std::ranges::reverse(digits);
  if (verb.sharp) digits.insert(0, row->prefix);
  if (verb.letter == 'O') digits.insert(0, "0o");
  return Pad(Sign(verb, number < 0) + digits, verb, !verb.precision);
}

std::string FormatChar(int64_t code) {
  std::string out;
  promql::AppendUtf8(out, code < 0 || code > 0x10FFFF ? U'\uFFFD' : static_cast<char32_t>(code));
  return out;
}

std::string FormatFloat(const Verb& verb, double x) {
  if (std::isnan(x) || std::isinf(x)) {
    std::string text = std::isnan(x) ? "NaN" : x < 0 ? "-Inf" : "+Inf";
    if (!verb.plus && x > 0) text.erase(0, std::isinf(x) ? 1 : 0);
    if (verb.letter == 'v' && std::isinf(x) && x > 0) text = "+Inf";
    return Pad(text, verb, false);
  }
  const bool shortest = !verb.precision && (verb.letter == 'v' || verb.letter == 'g');
  if (shortest) {
    std::string text = FormatGoV(x);
    if (!std::signbit(x)) text.insert(0, Sign(verb, false));
    return Pad(text, verb, true);
  }
  const char letter = verb.letter == 'v' ? 'g' : verb.letter;
  const char format[] = {'%', '.', '*', letter, '\0'};
  std::array<char, 400> buffer{};
  // Precision is bounded by Sprintf, the digits before the point by the range of a double.
  const int precision = std::min(verb.precision.value_or(6), 80);
  const int length = std::snprintf(buffer.data(), buffer.size(), format, precision, x);
  std::string text(buffer.data(), static_cast<size_t>(std::max(length, 0)));
  if (!std::signbit(x)) text.insert(0, Sign(verb, false));
  return Pad(text, verb, true);
}

std::string Hex(std::string_view text, char letter) {
  std::string out;
  for (const char c : text) {
    out += letter == 'x' ? fmt::format("{:02x}", static_cast<unsigned char>(c))
                         : fmt::format("{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string FormatText(const Verb& verb, const Value& value, std::string text) {
  if (verb.precision && verb.letter != 'x' && verb.letter != 'X') {
    size_t end = 0;
    for (int left = *verb.precision; end < text.size(); ++end) {
      const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
      if (starts && left-- == 0) break;
    }
    text.resize(end);
  }
  switch (verb.letter) {
    case 's':
    case 'v':
      return Pad(verb.sharp && verb.letter == 'v' ? promql::Quote(text) : text, verb, true);
    case 'q':
      return Pad(verb.sharp ? QuoteForGo(text) : promql::Quote(text), verb, false);
    case 'x':
    case 'X':
      return Pad(Hex(text, verb.letter), verb, true);
    default:
      return WrongVerb(verb, value);
  }
}

bool IsIntegerVerb(char letter) {
  return std::string_view("dvxXobO").find(letter) != std::string_view::npos;
}
bool IsFloatVerb(char letter) {
  return std::string_view("vgGeEfF").find(letter) != std::string_view::npos;
}

std::string FormatValue(const Verb& verb, const Value& value) {
  if (verb.letter == 'T') return Pad(std::string(value.TypeName()), verb, false);
  if (value.is_nil())
    return verb.letter == 'v' ? Pad("<nil>", verb, false) : WrongVerb(verb, value);
  if (const auto* flag = value.As<bool>()) {
    if (verb.letter != 't' && verb.letter != 'v') return WrongVerb(verb, value);
    return Pad(*flag ? "true" : "false", verb, false);
  }
  if (const auto* number = value.As<int64_t>()) {
    if (verb.letter == 'c') return Pad(FormatChar(*number), verb, false);
    if (verb.letter == 'q') return Pad("'" + FormatChar(*number) + "'", verb, false);
    if (verb.letter == 'U') return Pad(fmt::format("U+{:04X}", *number), verb, false);
    return IsIntegerVerb(verb.letter) ? FormatInteger(verb, *number) : WrongVerb(verb, value);
  }
  if (const auto* x = value.As<double>()) {
    return IsFloatVerb(verb.letter) ? FormatFloat(verb, *x) : WrongVerb(verb, value);
  }
  if (const auto* span = value.As<TimeSpan>(); span != nullptr && verb.letter == 'd') {
    return FormatInteger(verb, span->ns);
  }
  return FormatText(verb, value, value.Print());
}

class Formatter {
 public:
  Formatter(std::string_view format, const std::vector<Value>& args) : rest_(format), args_(args) {}

  std::string Run() {
    while (!rest_.empty()) {
      const size_t percent = std::min(rest_.find('%'), rest_.size());
      out_ += rest_.substr(0, percent);
      rest_.remove_prefix(percent);
      if (!rest_.empty()) One();
    }
    if (!reordered_ && used_ < args_.size()) Extra();
    return std::move(out_);
  }

 private:
  char Peek() const { return rest_.empty() ? '\0' : rest_[0]; }

  void One() {
    rest_.remove_prefix(1);
    Verb verb;
    for (;; rest_.remove_prefix(1)) {
      if (Peek() == '-') {
        verb.minus = true;
      } else if (Peek() == '+') {
        verb.plus = true;
      } else if (Peek() == '#') {
        verb.sharp = true;
      } else if (Peek() == ' ') {
        verb.space = true;
      } else if (Peek() == '0') {
        verb.zero = true;
      } else {
        break;
      }
    }
    Index();
    verb.width = Number();
    if (verb.width && *verb.width < 0) {
      verb.minus = true;
      verb.width = -*verb.width;
    }
    if (Peek() == '.') {
      rest_.remove_prefix(1);
      Index();
      verb.precision = std::max(Number().value_or(0), 0);
    }
    Index();
    if (rest_.empty()) {
      out_ += "%!(NOVERB)";
      return;
    }
    verb.letter = Peek();
    rest_.remove_prefix(1);
    if (verb.letter == '%') {
      out_ += '%';
    } else if (std::exchange(bad_index_, false)) {
      out_ += fmt::format("%!{}(BADINDEX)", verb.letter);
    } else if (used_ >= args_.size()) {
      out_ += fmt::format("%!{}(MISSING)", verb.letter);
    } else {
      out_ += FormatValue(verb, args_[used_++]);
    }
  }

  // [n]: the n-th argument is the next one.
  void Index() {
    if (Peek() != '[') return;
    reordered_ = true;
    const size_t close = rest_.find(']');
    size_t number = 0;
    for (const char c : rest_.substr(1, close == std::string_view::npos ? 0 : close - 1)) {
      number =
          c >= '0' && c <= '9' ? std::min<size_t>(number * 10 + (c - '0'), kMaxWidth) : kMaxWidth;
    }
    bad_index_ = number == 0 || number > args_.size();
    if (!bad_index_) used_ = number - 1;
    rest_.remove_prefix(close == std::string_view::npos ? 1 : close + 1);
  }

  // Digits, or the next argument for *.
  std::optional<int> Number() {
    if (Peek() == '*') {
      rest_.remove_prefix(1);
      const auto* number = used_ < args_.size() ? args_[used_].As<int64_t>() : nullptr;
      ++used_;
      if (number == nullptr || std::abs(*number) > kMaxWidth) return std::nullopt;
      return static_cast<int>(*number);
    }
    std::optional<int> number;
    while (Peek() >= '0' && Peek() <= '9') {
      number = std::min(number.value_or(0) * 10 + (Peek() - '0'), kMaxWidth);
      rest_.remove_prefix(1);
    }
    return number;
  }

  void Extra() {
    out_ += "%!(EXTRA ";
    for (size_t i = used_; i < args_.size(); ++i) {
      if (i > used_) out_ += ", ";
      out_ +=
          args_[i].is_nil() ? "<nil>" : fmt::format("{}={}", args_[i].TypeName(), args_[i].Print());
    }
    out_ += ')';
  }

  std::string_view rest_;
  const std::vector<Value>& args_;
  size_t used_ = 0;
  bool reordered_ = false;
  bool bad_index_ = false;
  std::string out_;
};

}  // namespace

std::string QuoteForGo(std::string_view text) {
  const bool plain = std::ranges::none_of(text, [](char c) {
    return c == '`' || c == '\x7F' || (static_cast<unsigned char>(c) < 0x20 && c != '\t');
  });
  return plain ? "`" + std::string(text) + "`" : promql::Quote(text);
}

std::string Sprintf(std::string_view format, const std::vector<Value>& args) {
  return Formatter(format, args).Run();
}

}  // namespace tocsin::templates
