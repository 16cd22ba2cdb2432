#include "engine/promql/sample_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/go_float.h"
#include "base/fixed_decimal.h"

namespace tocsin::promql {

std::string TimestampText(int64_t t_ms) {
  const uint64_t magnitude = t_ms < 0 ? -static_cast<uint64_t>(t_ms) : static_cast<uint64_t>(t_ms);
  std::array<char, 24> digits;
  std::string text = t_ms < 0 ? "-" : "";
  text.append(digits.begin(), std::to_chars(digits.begin(), digits.end(), magnitude / 1000).ptr);
  if (const uint64_t ms = magnitude % 1000; ms != 0) {
    // With the zeros in front: 1005 is ".005".
    char* const end = std::to_chars(digits.begin(), digits.end(), ms + 1000).ptr;
    text += '.';
    text.append(digits.begin() + 1, end);
  }
  return text;
}

char* PutSampleValue(char* to, double value) {
  // Every whole number up to there is a double, and has no exponent in JSON; with a fraction the
  // shortest digits in fixed notation are what Go prints.
  const double magnitude = std::fabs(value);
  if (!(magnitude < kMostFixed && magnitude >= kLeastFixed)) {
    if (value == 0 && !std::signbit(value)) return std::copy_n("0", 1, to);
    const std::string text = FormatJsonSample(value);
    return std::copy(text.begin(), text.end(), to);
  }
  if (value < 0) *to++ = '-';
  const auto whole = static_cast<uint64_t>(magnitude);
  if (static_cast<double>(whole) == magnitude) return PutDigits(to, whole);
  return PutFixed(to, magnitude);
}

std::string SampleValueText(double value) {
  std::array<char, kSampleValueLength> text;
  return {text.data(), PutSampleValue(text.data(), value)};
}

}  // namespace tocsin::promql
