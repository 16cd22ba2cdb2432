// Ratios, sizes and spans of time as people write them in gate and journey files, and as they are
// shown to people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace tocsin {

// "5%" is 0.05, "100%" is 1; a bare number is a ratio already. Not negative.
Result<double> ParseRatio(std::string_view text);
// "1GB" is 10^9 (SI), "1GiB" is 2^30 (IEC), "1.5MB", "512": bytes. Not negative.
Result<double> ParseSize(std::string_view text);
// Prometheus' durations ("1m30s", "250ms"), and one number with a fraction ("1.5s").
Result<Duration> ParseSpan(std::string_view text);

// For people: "12.5%", "1.07GB", "250ms", "1.5s".
std::string FormatRatio(double ratio);
std::string FormatSize(double bytes);
std::string FormatSpan(double seconds);

}  // namespace tocsin
