#include "base/fixed_decimal.h"

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
  std::array<char, 64> text;
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return {text.data(), end};
}

std::string Got(double value) {
  std::array<char, kFixedRoom> text;
  return {text.data(), PutFixed(text.data(), value)};
}

bool IsWhole(double value) { return value == std::trunc(value); }

void Check(double value) {
  if (value < kLeastFixed || value >= kMostFixed || IsWhole(value)) return;
  ASSERT_EQ(Got(value), Expected(value));
}

TEST(FixedDecimal, OfRandomNumbersOfEverySize) {
  std::mt19937_64 random(1);
  const auto exponent_of = [](double value) { return std::bit_cast<uint64_t>(value) >> 52; };
  const uint64_t least = exponent_of(kLeastFixed);
  const uint64_t sizes = exponent_of(kMostFixed) - least + 1;
  for (int i = 0; i < 2'000'000; ++i) {
    Check(std::bit_cast<double>((least + random() % sizes) << 52 | random() >> 12));
  }
}

TEST(FixedDecimal, AroundPowersOfTwoAndTheBounds) {
  for (double power = 0x1p-17; power < kMostFixed; power *= 2) {
    double above = power;
    double below = power;
    for (int i = 0; i < 100; ++i) {
      Check(above);
      Check(below);
      above = std::nextafter(above, kMostFixed);
      below = std::nextafter(below, 0.0);
    }
  }
  EXPECT_EQ(Got(kLeastFixed), "0.00001");
  EXPECT_EQ(Got(std::nextafter(kMostFixed, 0.0)), "999999999999999.9");
}

TEST(FixedDecimal, OfWhatPeopleWrite) {
  for (int i = 1; i < 200'000; ++i) {
    Check(i / 8.0);
    Check(i / 100.0);
    Check(i / 3.0);
    Check(i * 1e-5);
    Check(i * 1e-7);
  }
}

TEST(FixedDecimal, DigitsOfWholeNumbers) {
  std::array<char, kDigitsRoom> text;
  const auto check = [&text](uint64_t number) {
    ASSERT_EQ(std::string(text.data(), PutDigits(text.data(), number)), std::to_string(number));
  };
  std::mt19937_64 random(2);
  for (int i = 0; i < 200'000; ++i) check(random() >> (random() % 64));
  uint64_t power = 1;
  for (int i = 0; i < 20; ++i, power *= 10) {
    for (const uint64_t number : {power - 1, power, power + 1, power * 7}) check(number);
  }
  check(0);
  check(~uint64_t{0});
}

}  // namespace
}  // namespace tocsin
