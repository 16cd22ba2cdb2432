#include "base/shortest_decimal.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>

namespace tocsin {
namespace {

// The naive twin.
std::string Expected(double value) {
  std::array<char, 40> text;
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific);
  return {text.data(), end};
}

// The same notation: 1.25e-07.
std::string Got(double value) {
  const ShortestDecimal decimal = ShortestDecimalOf(value);
  std::array<char, kDigitsRoom> digits;
  std::string text(digits.data(), PutDigits(digits.data(), decimal.digits));
  const int exponent = decimal.exponent + static_cast<int>(text.size()) - 1;
  if (text.size() > 1) text.insert(1, ".");
  text += exponent < 0 ? "e-" : "e+";
  if (std::abs(exponent) < 10) text += '0';
  return text + std::to_string(std::abs(exponent));
}

void Check(double value) { ASSERT_EQ(Got(value), Expected(value)); }

TEST(ShortestDecimal, OfRandomBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1'000'000; ++i) {
    const auto value = std::bit_cast<double>(random() & 0x7FFF'FFFF'FFFF'FFFF);
    if (std::isfinite(value) && value != 0) Check(value);
  }
}

TEST(ShortestDecimal, OfEveryExponentAndTheLeast) {
  for (uint64_t exponent = 1; exponent < 0x7FF; ++exponent) {
    for (const uint64_t fraction :
         {uint64_t{0}, uint64_t{1}, uint64_t{1} << 51, ~uint64_t{0} >> 12}) {
      Check(std::bit_cast<double>(exponent << 52 | fraction));
    }
  }
  for (uint64_t bits = 1; bits < 5000; ++bits) Check(std::bit_cast<double>(bits));
}

TEST(ShortestDecimal, OfWhatPeopleWrite) {
  for (int i = 1; i < 100'000; ++i) {
    Check(i);
    Check(i / 100.0);
    Check(i * 1e-7);
    Check(i * 1e20);
  }
}

TEST(ShortestDecimal, DigitsOfWholeNumbers) {
  std::array<char, kDigitsRoom> text;
  uint64_t number = 0;
  for (int i = 0; i < 20; ++i, number = number * 10 + static_cast<uint64_t>(i % 10)) {
    for (const uint64_t n : {number, number * 7, ~number}) {
      EXPECT_EQ(std::string(text.data(), PutDigits(text.data(), n)), std::to_string(n));
    }
  }
}

}  // namespace
}  // namespace tocsin
