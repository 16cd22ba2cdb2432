// Numbers for people: the humanize family of Prometheus' template/template.go.
#pragma once

#include <string>

#include "base/result.h"
#include "rules/template/value.h"

namespace tocsin::templates {

std::string Humanize(double x);            // 1.235M, 12.35u
std::string Humanize1024(double x);        // 1.177Mi
std::string HumanizeDuration(double s);    // 14d 6h 56m 7s, 123.5ms
std::string HumanizePercentage(double x);  // 0.1234 -> 12.34%
// 2022-01-25 12:36:43.5 +0000 UTC; an error when the nanoseconds do not fit 64 bits.
Result<std::string> HumanizeTimestamp(double unix_seconds);

// Unix seconds as a time, cut to milliseconds. Errors: NaN, Inf, or too far away for nanoseconds.
Result<Time> ToTime(double unix_seconds);
Result<TimeSpan> ToTimeSpan(double seconds);

}  // namespace tocsin::templates
