// Wall-clock instants and durations, as everything above the engine uses them.
//
// Both count milliseconds, the resolution of Prometheus samples. Inside engine/
// times are plain int64_t milliseconds since the Unix epoch, in names that end in
// _ms; ToMs and FromMs are the border.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin {

using Duration = std::chrono::milliseconds;
using Timestamp = std::chrono::sys_time<Duration>;
// For deadlines and measured durations; never jumps.
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr int64_t ToMs(Timestamp t) { return t.time_since_epoch().count(); }
constexpr Timestamp FromMs(int64_t ms) { return Timestamp{Duration{ms}}; }
constexpr double ToSeconds(Duration d) { return static_cast<double>(d.count()) / 1000.0; }
constexpr double ToSeconds(Timestamp t) { return ToSeconds(t.time_since_epoch()); }
// Rounds to the nearest millisecond; saturates.
Duration FromSeconds(double seconds);

// "2026-11-23T13:47:29.730Z": RFC 3339, UTC, always three decimals.
std::string FormatRfc3339(Timestamp t);
// RFC 3339 with any offset and up to nine decimals (cut to milliseconds).
Result<Timestamp> ParseRfc3339(std::string_view text);

// Prometheus durations: "1h30m", "5m", "15s", "1d", "250ms", "0". Units y w d h m s ms, each
// at most once and in this order; y = 365 d.
Result<Duration> ParsePrometheusDuration(std::string_view text);
// The shortest such text: 5400 s = "1h30m", 0 = "0s".
std::string FormatPrometheusDuration(Duration d);

}  // namespace tocsin
