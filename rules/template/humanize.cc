#include "rules/template/humanize.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/go_float.h"

namespace tocsin::templates {
namespace {

constexpr int kDigits = 4;
constexpr std::array<std::string_view, 8> kLarge = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
constexpr std::array<std::string_view, 8> kSmall = {"m", "u", "n", "p", "f", "a", "z", "y"};

bool IsNumber(double x) { return !std::isnan(x) && !std::isinf(x); }
std::string Short(double x) { return FormatPrecision(x, kDigits); }

Result<int64_t> Nanoseconds(double seconds, std::string_view what) {
  if (!IsNumber(seconds)) return ExecutionError("value is NaN or Inf");
  const double ns = seconds * 1e9;
  constexpr double kTooMuch = 9223372036854775807.0;
  if (ns >= kTooMuch || ns <= -kTooMuch) {
    return ExecutionError(
        fmt::format("{} cannot be represented as a nanoseconds {} since it overflows int64",
                    FormatGoV(seconds), what));
  }
  return static_cast<int64_t>(ns);
}

}  // namespace

std::string Humanize(double x) {
  if (x == 0 || !IsNumber(x)) return Short(x);
  std::string_view prefix;
  if (std::abs(x) >= 1) {
    for (const std::string_view next : kLarge) {
      if (std::abs(x) < 1000) break;
      prefix = next;
      x /= 1000;
    }
  } else {
    for (const std::string_view next : kSmall) {
      if (std::abs(x) >= 1) break;
      prefix = next;
      x *= 1000;
    }
  }
  return Short(x) + std::string(prefix);
}

std::string Humanize1024(double x) {
  if (std::abs(x) <= 1 || !IsNumber(x)) return Short(x);
  std::string prefix;
  for (const std::string_view next : {"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"}) {
    if (std::abs(x) < 1024) break;
    prefix = next;
    x /= 1024;
  }
  return Short(x) + prefix;
}

std::string HumanizeDuration(double s) {
  if (!IsNumber(s)) return Short(s);
  if (s == 0) return Short(s) + "s";
  if (std::abs(s) >= 1) {
    const std::string_view sign = s < 0 ? "-" : "";
    s = std::abs(s);
    // Go's conversion to int64 is undefined beyond its range; this one saturates.
    constexpr double kMost = 9.2e18;
    const auto whole = static_cast<int64_t>(std::min(s, kMost));
    const int64_t seconds = whole % 60;
    const int64_t minutes = whole / 60 % 60;
    const int64_t hours = whole / 3600 % 24;
    const int64_t days = whole / 86400;
    if (days != 0) return fmt::format("{}{}d {}h {}m {}s", sign, days, hours, minutes, seconds);
    if (hours != 0) return fmt::format("{}{}h {}m {}s", sign, hours, minutes, seconds);
    if (minutes != 0) return fmt::format("{}{}m {}s", sign, minutes, seconds);
    return std::string(sign) + Short(s) + "s";
  }
  std::string_view prefix;
  for (const std::string_view next : kSmall) {
    if (std::abs(s) >= 1) break;
    prefix = next;
    s *= 1000;
  }
  return Short(s) + std::string(prefix) + "s";
}

std::string HumanizePercentage(double x) { return Short(x * 100) + "%"; }

Result<std::string> HumanizeTimestamp(double unix_seconds) {
  if (!IsNumber(unix_seconds)) return Short(unix_seconds);
  ASSIGN_OR_RETURN(const Time time, ToTime(unix_seconds));
  return FormatTime(time);
}

Result<Time> ToTime(double unix_seconds) {
  ASSIGN_OR_RETURN(const int64_t ns, Nanoseconds(unix_seconds, "timestamp"));
  constexpr int64_t kNsPerMs = 1'000'000;
  return Time{ns / kNsPerMs * kNsPerMs};
}

Result<TimeSpan> ToTimeSpan(double seconds) {
  ASSIGN_OR_RETURN(const int64_t ns, Nanoseconds(seconds, "duration"));
  return TimeSpan{ns};
}

}  // namespace tocsin::templates
