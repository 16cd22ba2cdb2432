#include "base/quantity.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "base/go_float.h"

namespace tocsin {
namespace {

struct SizeUnit {
  std::string_view suffix;
  double bytes;
};

// Longer suffixes first, so that "GiB" is not taken for "B".
constexpr SizeUnit kSizeUnits[] = {
    {"KiB", 1024.0},
    {"MiB", 1024.0 * 1024},
    {"GiB", 1024.0 * 1024 * 1024},
    {"TiB", 1024.0 * 1024 * 1024 * 1024},
    {"KB", 1e3},
    {"kB", 1e3},
    {"MB", 1e6},
    {"GB", 1e9},
    {"TB", 1e12},
    {"B", 1},
};

struct SpanUnit {
  std::string_view suffix;
  double seconds;
};
constexpr SpanUnit kSpanUnits[] = {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

// A finite number that is not negative.
std::optional<double> Amount(std::string_view text) {
  const std::optional<double> number = ParseGoFloat(text);
  if (!number || !std::isfinite(*number) || *number < 0) return std::nullopt;
  return number;
}

std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace

Result<double> ParseRatio(std::string_view text) {
  const bool percent = text.ends_with('%');
  const std::optional<double> number = Amount(percent ? text.substr(0, text.size() - 1) : text);
  if (!number) {
    return InvalidArgument(Quoted(text) +
                           " is no ratio; write a percentage (5%) or a number (0.05)");
  }
  return percent ? *number / 100 : *number;
}

Result<double> ParseSize(std::string_view text) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const std::optional<double> number = Amount(text.substr(0, text.size() - unit.suffix.size()));
    if (number) return *number * unit.bytes;
    break;
  }
  if (const std::optional<double> number = Amount(text)) return *number;
  return InvalidArgument(Quoted(text) + " is no size; write bytes, or 1GB (10^9), or 1GiB (2^30)");
}

Result<Duration> ParseSpan(std::string_view text) {
  if (Result<Duration> whole = ParsePrometheusDuration(text); whole.ok()) return whole;
  for (const SpanUnit& unit : kSpanUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const std::optional<double> number = Amount(text.substr(0, text.size() - unit.suffix.size()));
    if (number) return FromSeconds(*number * unit.seconds);
  }
  return InvalidArgument(Quoted(text) + " is no duration; write for example 250ms, 1.5s, 5m");
}

std::string FormatRatio(double ratio) { return FormatPrecision(ratio * 100, 4) + "%"; }

std::string FormatSize(double bytes) {
  constexpr std::string_view kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  for (; std::abs(bytes) >= 1000 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1000;
  return FormatPrecision(bytes, 4) + std::string(kUnits[unit]);
}

std::string FormatSpan(double seconds) {
  const double size = std::abs(seconds);
  if (size >= 60) return FormatPrometheusDuration(FromSeconds(std::round(seconds)));
  if (size >= 1 || size == 0) return FormatPrecision(seconds, 4) + "s";
  if (size >= 0.001) return FormatPrecision(seconds * 1e3, 4) + "ms";
  return FormatPrecision(seconds * 1e6, 4) + "us";
}

}  // namespace tocsin
