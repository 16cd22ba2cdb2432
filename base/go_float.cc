#include "base/go_float.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace tocsin {
namespace {

// Shortest digits and the decimal exponent of the first one: 123.4 = {"1234", 2}.
struct Decimal {
  std::array<char, 24> digits;
  int count = 0;
  int exponent = 0;
  bool negative = false;
};

Decimal Shortest(double x) {
  std::array<char, 40> buffer;
  const auto [end, _] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::scientific);
  Decimal out;
  const char* p = buffer.data();
  if (*p == '-') {
    out.negative = true;
    ++p;
  }
  for (; p != end && *p != 'e'; ++p) {
    if (*p != '.') out.digits[out.count++] = *p;
  }
  ++p;
  if (*p == '+') ++p;
  std::from_chars(p, end, out.exponent);
  while (out.count > 1 && out.digits[out.count - 1] == '0') --out.count;
  return out;
}

bool AppendSpecial(std::string& out, double x) {
  if (std::isnan(x)) {
    out += "NaN";
  } else if (std::isinf(x)) {
    out += x > 0 ? "+Inf" : "-Inf";
  } else {
    return false;
  }
  return true;
}

void AppendExponent(std::string& out, const Decimal& d) {
  if (d.negative) out += '-';
  out += d.digits[0];
  if (d.count > 1) {
    out += '.';
    out.append(d.digits.data() + 1, d.count - 1);
  }
  out += 'e';
  out += d.exponent < 0 ? '-' : '+';
  const int magnitude = std::abs(d.exponent);
  if (magnitude < 10) out += '0';
  out += std::to_string(magnitude);
}

void AppendFixed(std::string& out, const Decimal& d) {
  if (d.negative) out += '-';
  if (d.exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-d.exponent - 1), '0');
    out.append(d.digits.data(), d.count);
    return;
  }
  const int whole = d.exponent + 1;
  if (d.count <= whole) {
    out.append(d.digits.data(), d.count);
    out.append(static_cast<size_t>(whole - d.count), '0');
    return;
  }
  out.append(d.digits.data(), whole);
  out += '.';
  out.append(d.digits.data() + whole, d.count - whole);
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if ((a[i] | 0x20) != b[i]) return false;
  }
  return true;
}

}  // namespace

std::string FormatGoF(double x) {
  std::string out;
  if (AppendSpecial(out, x)) return out;
  if (x == 0) return std::signbit(x) ? "-0" : "0";
  AppendFixed(out, Shortest(x));
  return out;
}

std::string FormatGoV(double x) {
  std::string out;
  AppendGoV(out, x);
  return out;
}

void AppendGoV(std::string& out, double x) {
  if (AppendSpecial(out, x)) return;
  if (x == 0) {
    out += std::signbit(x) ? "-0" : "0";
    return;
  }
  const Decimal d = Shortest(x);
  if (d.exponent < -4 || d.exponent >= 6) {
    AppendExponent(out, d);
  } else {
    AppendFixed(out, d);
  }
}

std::string FormatJsonSample(double x) {
  std::string out;
  if (AppendSpecial(out, x)) return out;
  if (x == 0) return std::signbit(x) ? "-0" : "0";
  const Decimal d = Shortest(x);
  const double magnitude = std::abs(x);
  if (magnitude < 1e-6 || magnitude >= 1e21) {
    AppendExponent(out, d);
  } else {
    AppendFixed(out, d);
  }
  return out;
}

std::string FormatGoE(double x) {
  std::string out;
  if (AppendSpecial(out, x)) return out;
  if (x == 0) return std::signbit(x) ? "-0e+00" : "0e+00";
  AppendExponent(out, Shortest(x));
  return out;
}

std::string FormatPrecision(double x, int precision) {
  std::string out;
  if (AppendSpecial(out, x)) return out;
  std::array<char, 64> buffer;
  const auto [end, _] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x,
                                      std::chars_format::general, precision);
  return {buffer.data(), end};
}

std::optional<double> ParseGoFloat(std::string_view text) {
  std::string_view body = text;
  bool negative = false;
  if (!body.empty() && (body[0] == '+' || body[0] == '-')) {
    negative = body[0] == '-';
    body.remove_prefix(1);
  }
  if (body.empty()) return std::nullopt;
  const auto sign = [&](double x) { return negative ? -x : x; };
  if (EqualsIgnoringCase(body, "inf") || EqualsIgnoringCase(body, "infinity")) {
    return sign(std::numeric_limits<double>::infinity());
  }
  if (EqualsIgnoringCase(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  const bool starts_number = (body[0] >= '0' && body[0] <= '9') || body[0] == '.';
  if (!starts_number) return std::nullopt;
  auto format = std::chars_format::general;
  if (body.size() > 2 && body[0] == '0' && (body[1] | 0x20) == 'x') {
    // Go wants the p exponent in a hex float.
    if (body.find_first_of("pP") == std::string_view::npos) return std::nullopt;
    body.remove_prefix(2);
    format = std::chars_format::hex;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value, format);
  if (end != body.data() + body.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // from_chars leaves the value alone: tell overflow from underflow with strtod.
    return sign(std::strtod(std::string(body).c_str(), nullptr));
  }
  if (error != std::errc()) return std::nullopt;
  return sign(value);
}

}  // namespace tocsin
