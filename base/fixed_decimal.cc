#include "base/fixed_decimal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace tocsin {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kFractionBits = 52;
constexpr int kBias = 1075;  // of a double's exponent, for a whole significand

// A power of ten, shifted so that the highest of 128 bits is set.
struct PowerOfTen {
  uint64_t high;
  uint64_t low;
};

// As many as PutFixed needs; all of them are exact.
constexpr auto kPowers = [] {
  std::array<PowerOfTen, 22> powers{};
  Wide power = 1;
  for (PowerOfTen& entry : powers) {
    Wide shifted = power;
    while (shifted >> 127 == 0) shifted <<= 1;
    entry = {static_cast<uint64_t>(shifted >> 64), static_cast<uint64_t>(shifted)};
    power *= 10;
  }
  return powers;
}();

// The highest 64 bits of the product, the last of which also stands for all below it.
uint64_t ProductToOdd(const PowerOfTen& power, uint64_t factor) {
  const Wide low = Wide{power.low} * factor;
  const Wide sum = Wide{power.high} * factor + static_cast<uint64_t>(low >> 64);
  return static_cast<uint64_t>(sum >> 64) | (static_cast<uint64_t>(sum) > 1 ? 1 : 0);
}

// floor(log10(2^e)), and of ¾ · 2^e.
int FloorLog10OfPower(int e, bool three_quarters) {
  return (e * 1262611 - (three_quarters ? 524031 : 0)) >> 22;
}
// floor(log2(10^e))
int FloorLog2OfPower(int e) { return (e * 1741647) >> 19; }

// digits · 10^exponent: 16 or 17 digits, with zeros at their end when fewer suffice.
struct Decimal {
  uint64_t digits;
  int exponent;
};

// 0 or 1.
using Bit = uint64_t;

uint64_t Choose(Bit which, uint64_t if_one, uint64_t if_zero) {
  return if_zero ^ ((if_zero ^ if_one) & -which);
}

Decimal ShortestOf(double value) {
  constexpr uint64_t kHidden = uint64_t{1} << kFractionBits;
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t fraction = bits & (kHidden - 1);
  const uint64_t c = fraction | kHidden;
  const int q = static_cast<int>(bits >> kFractionBits) - kBias;
  // Below a power of two doubles are nearer to each other.
  const bool lower_is_closer = fraction == 0;
  const int k = FloorLog10OfPower(q, lower_is_closer);
  const int shift = q + FloorLog2OfPower(-k) + 1;
  const PowerOfTen& power = kPowers[static_cast<size_t>(-k)];
  // Four times the value and the ends of its interval, in units of 10^k. An end belongs to it when
  // the significand is even.
  const uint64_t outside = c & 1;
  const uint64_t lower =
      ProductToOdd(power, (4 * c - 2 + (lower_is_closer ? 1 : 0)) << shift) + outside;
  const uint64_t upper = ProductToOdd(power, (4 * c + 2) << shift) - outside;
  const uint64_t four = ProductToOdd(power, 4 * c << shift);
  // Which way a number goes is as good as random: choices by bits, not branches.
  const uint64_t s = four / 4;
  const uint64_t tens = s / 10;
  const Bit ten_below = lower <= 40 * tens;
  const Bit ten_above = 40 * tens + 40 <= upper;
  const Bit below = lower <= 4 * s;
  const Bit above = 4 * s + 4 <= upper;
  // Of what is left of s, more than half, or half and s is odd.
  const Bit nearer_above = (four & 3) + (s & 1) > 2;
  const uint64_t ones = s + Choose(below ^ above, above, nearer_above);
  return {Choose(ten_below ^ ten_above, 10 * (tens + ten_above), ones), k};
}

// The digits of a number below 10^8, one in each byte, the first in the lowest: halves, then
// quarters, then single digits, all at once. (Memory has the lowest byte first.)
static_assert(std::endian::native == std::endian::little);
[[gnu::always_inline]] inline uint64_t EightDigits(uint32_t number) {
  uint64_t lanes = number / 10'000 | uint64_t{number % 10'000} << 32;
  // By 2^20 / 100, rounded up: exact below 10,000.
  const uint64_t hundreds = (lanes * 10'486 >> 20) & 0x7F'0000'007F;
  lanes = hundreds | (lanes - hundreds * 100) << 16;
  // By 2^10 / 10: exact below 100.
  const uint64_t tens = (lanes * 103 >> 10) & 0x000F'000F'000F'000F;
  return tens | (lanes - tens * 10) << 8;
}

constexpr uint64_t kZeros = 0x3030'3030'3030'3030;
constexpr uint64_t kEightDigits = 100'000'000;
constexpr uint64_t kSixteenDigits = kEightDigits * kEightDigits;

// Eight characters are written in any case: so many need no call of memcpy.
char* PutUpToEight(char* to, uint32_t number) {
  const uint64_t digits = EightDigits(number);
  const int zeros = std::min(7, std::countr_zero(digits) / 8);
  const uint64_t text = (digits | kZeros) >> (8 * zeros);
  std::memcpy(to, &text, 8);
  return to + (8 - zeros);
}

void PutSixteen(char* to, Wide text) { std::memcpy(to, &text, 16); }

// 16 digits, with zeros in front.
struct SixteenDigits {
  uint64_t high;  // the first eight
  uint64_t low;
  Wide text() const { return Wide{low | kZeros} << 64 | (high | kZeros); }
};

SixteenDigits DigitsOf(uint64_t number) {
  return {EightDigits(static_cast<uint32_t>(number / kEightDigits)),
          EightDigits(static_cast<uint32_t>(number % kEightDigits))};
}

}  // namespace

char* PutFixed(char* to, double value) {
  const auto [digits, exponent] = ShortestOf(value);
  // The first of 17 digits, which may be 0, and the others.
  const uint64_t first = digits / kSixteenDigits;
  const SixteenDigits others = DigitsOf(digits - first * kSixteenDigits);
  const auto zeros_after = [](uint64_t eight) { return std::countl_zero(eight) / 8; };
  const int zeros_at_end = others.low != 0 ? zeros_after(others.low) : 8 + zeros_after(others.high);
  const Wide text = others.text();
  const bool seventeen = first != 0;
  const auto put_first = [&] {
    *to = static_cast<char>('0' + first);
    to += seventeen ? 1 : 0;
  };
  if (value < 1) {
    std::memcpy(to, "0.000000", 8);
    to += 2 - 17 - exponent + (seventeen ? 0 : 1);
    put_first();
    PutSixteen(to, text);
    return to + (16 - zeros_at_end);
  }
  put_first();
  const int whole = 16 + exponent;  // digits of `others` before the point
  PutSixteen(to, text);
  PutSixteen(to + whole + 1, text >> (8 * whole));
  to[whole] = '.';
  return to + (17 - zeros_at_end);
}

char* PutDigits(char* to, uint64_t number) {
  if (number < kEightDigits) return PutUpToEight(to, static_cast<uint32_t>(number));
  if (number >= kSixteenDigits) {
    to = PutUpToEight(to, static_cast<uint32_t>(number / kSixteenDigits));
    PutSixteen(to, DigitsOf(number % kSixteenDigits).text());
    return to + 16;
  }
  const SixteenDigits digits = DigitsOf(number);
  const int zeros = std::countr_zero(digits.high) / 8;
  PutSixteen(to, digits.text() >> (8 * zeros));
  return to + (16 - zeros);
}

}  // namespace tocsin
