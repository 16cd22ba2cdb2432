#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};
constexpr std::array<Unit, 7> kUnits{{{"y", 365LL * 24 * 3600 * 1000},
                                      {"w", 7LL * 24 * 3600 * 1000},
                                      {"d", 24LL * 3600 * 1000},
                                      {"h", 3600LL * 1000},
                                      {"m", 60LL * 1000},
                                      {"s", 1000},
                                      {"ms", 1}}};
constexpr int64_t kMaxMs = std::numeric_limits<int64_t>::max() / 1'000'000;  // Go's int64 ns

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Cuts `width` digits off the front of `text`; -1 when they are not digits.
int CutNumber(std::string_view& text, size_t width) {
  if (text.size() < width) return -1;
  int value = 0;
  for (size_t i = 0; i < width; ++i) {
    if (!IsDigit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool CutChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Duration FromSeconds(double seconds) {
  const double ms = std::round(seconds * 1000.0);
  if (std::isnan(ms)) return Duration::zero();
  constexpr double kLimit = 9.2e18;
  return Duration{static_cast<int64_t>(std::clamp(ms, -kLimit, kLimit))};
}

std::string FormatRfc3339(Timestamp t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  return fmt::format("{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}.{:03d}Z", int(date.year()),
                     unsigned(date.month()), unsigned(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

Result<Timestamp> ParseRfc3339(std::string_view text) {
  const std::string_view whole = text;
  const auto bad = [&] {
    return InvalidArgument(fmt::format("not an RFC 3339 time: \"{}\"", whole));
  };
  const int year = CutNumber(text, 4);
  if (!CutChar(text, "-")) return bad();
  const int month = CutNumber(text, 2);
  if (!CutChar(text, "-")) return bad();
  const int day = CutNumber(text, 2);
  if (!CutChar(text, "Tt ")) return bad();
  const int hour = CutNumber(text, 2);
  if (!CutChar(text, ":")) return bad();
  const int minute = CutNumber(text, 2);
  if (!CutChar(text, ":")) return bad();
  const int second = CutNumber(text, 2);
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (year < 0 || month < 0 || day < 0 || !date.ok() || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60) {
    return bad();
  }
  int64_t fraction_ms = 0;
  if (CutChar(text, ".")) {
    int64_t unit = 100;
    size_t digits = 0;
    for (; !text.empty() && IsDigit(text[0]); text.remove_prefix(1), ++digits) {
      fraction_ms += unit * (text[0] - '0');
      unit /= 10;
    }
    if (digits == 0 || digits > 9) return bad();
  }
  int64_t offset_minutes = 0;
  if (!CutChar(text, "Zz")) {
    if (text.empty()) return bad();
    const int sign = text[0] == '-' ? -1 : 1;
    if (!CutChar(text, "+-")) return bad();
    const int hours = CutNumber(text, 2);
    if (!CutChar(text, ":")) return bad();
    const int minutes = CutNumber(text, 2);
    if (hours < 0 || minutes < 0) return bad();
    offset_minutes = sign * (hours * 60LL + minutes);
  }
  if (!text.empty()) return bad();
  const int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const int64_t seconds = days * 86400 + hour * 3600 + (minute - offset_minutes) * 60 + second;
  return FromMs(seconds * 1000 + fraction_ms);
}

Result<Duration> ParsePrometheusDuration(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return InvalidArgument(fmt::format("{}: \"{}\"", why, text));
  };
  if (text.empty()) return InvalidArgument("empty duration string");
  if (text == "0") return Duration::zero();
  std::string_view rest = text;
  size_t next_unit = 0;
  int64_t total = 0;
  while (!rest.empty()) {
    int64_t number = 0;
    size_t digits = 0;
    for (; digits < rest.size() && IsDigit(rest[digits]); ++digits) {
      number = number * 10 + (rest[digits] - '0');
      if (number > kMaxMs) return bad("duration out of range");
    }
    if (digits == 0) return bad("not a valid duration string");
    rest.remove_prefix(digits);
    size_t letters = 0;
    while (letters < rest.size() && !IsDigit(rest[letters])) ++letters;
    const std::string_view name = rest.substr(0, letters);
    const auto unit = std::find_if(kUnits.begin() + next_unit, kUnits.end(),
                                   [&](const Unit& u) { return u.name == name; });
    if (unit == kUnits.end()) return bad("not a valid duration string");
    if (number > kMaxMs / unit->ms || total > kMaxMs - number * unit->ms) {
      return bad("duration out of range");
    }
    total += number * unit->ms;
    next_unit = static_cast<size_t>(unit - kUnits.begin()) + 1;
    rest.remove_prefix(letters);
  }
  return Duration{total};
}

std::string FormatPrometheusDuration(Duration d) {
  int64_t ms = d.count();
  if (ms == 0) return "0s";
  std::string out;
  if (ms < 0) {
    out += '-';
    ms = -ms;
  }
  for (const Unit& unit : kUnits) {
    // Prometheus writes years, weeks and days only when they divide the rest exactly.
    const bool exact_only = unit.name == "y" || unit.name == "w" || unit.name == "d";
    if (ms < unit.ms || (exact_only && ms % unit.ms != 0)) continue;
    out += fmt::format("{}{}", ms / unit.ms, unit.name);
    ms %= unit.ms;
  }
  return out;
}

}  // namespace tocsin
