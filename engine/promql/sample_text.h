// Times and values of samples as the HTTP API of Prometheus writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tocsin::promql {

// Seconds since the epoch, with no decimals or three: 1435781451, 1435781451.500
std::string TimestampText(int64_t t_ms);

// What PutSampleValue writes at most.
constexpr size_t kSampleValueLength = 48;
// Shortest digits that read back as the same double: 0.1, 1e+21, NaN, +Inf. Returns the end.
char* PutSampleValue(char* to, double value);
std::string SampleValueText(double value);

}  // namespace tocsin::promql
