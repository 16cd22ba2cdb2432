#include "base/shortest_decimal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace tocsin {
namespace {

__extension__ using Wide = unsigned __int128;

// The 128 highest bits of a power of ten, rounded up.
struct PowerOfTen {
  uint64_t high;
  uint64_t low;
};

// A power of ten in the course of making them all, with as many more bits as no rounding of theirs
// reaches the 128.
class LongPower {
 public:
  PowerOfTen Highest() const {
    PowerOfTen power{limbs_[3], limbs_[2]};
    const bool exact = limbs_[1] == 0 && limbs_[0] == 0;
    if (!exact && ++power.low == 0) ++power.high;
    return power;
  }

  void MultiplyByTen() {
    uint64_t carry = 0;
    for (uint64_t& limb : limbs_) {
      const Wide product = Wide{limb} * 10 + carry;
      limb = static_cast<uint64_t>(product);
      carry = static_cast<uint64_t>(product >> 64);
    }
    ShiftIn(carry, static_cast<unsigned>(std::bit_width(carry)));
  }

  void DivideByTen() {
    uint64_t rest = 0;
    for (size_t i = limbs_.size(); i-- > 0;) limbs_[i] = Divide(limbs_[i], rest);
    const uint64_t next = Divide(0, rest);
    const auto shift = static_cast<unsigned>(std::countl_zero(limbs_.back()));
    for (size_t i = limbs_.size(); i-- > 0;) {
      const uint64_t below = i > 0 ? limbs_[i - 1] : next;
      limbs_[i] = limbs_[i] << shift | below >> (64 - shift);
    }
  }

 private:
  static uint64_t Divide(uint64_t limb, uint64_t& rest) {
    const Wide dividend = Wide{rest} << 64 | limb;
    rest = static_cast<uint64_t>(dividend % 10);
    return static_cast<uint64_t>(dividend / 10);
  }

  // The lowest `bits` of `top` become the highest.
  void ShiftIn(uint64_t top, unsigned bits) {
    for (size_t i = 0; i < limbs_.size(); ++i) {
      const uint64_t above = i + 1 < limbs_.size() ? limbs_[i + 1] : top;
      limbs_[i] = limbs_[i] >> bits | above << (64 - bits);
    }
  }

  std::array<uint64_t, 4> limbs_{0, 0, 0, uint64_t{1} << 63};  // 1; the lowest first
};

class PowersOfTen {
 public:
  PowersOfTen() {
    LongPower up;
    for (int exponent = 0; exponent <= kMost; ++exponent, up.MultiplyByTen()) {
      powers_[static_cast<size_t>(exponent - kLeast)] = up.Highest();
    }
    LongPower down;
    for (int exponent = -1; exponent >= kLeast; --exponent) {
      down.DivideByTen();
      powers_[static_cast<size_t>(exponent - kLeast)] = down.Highest();
    }
  }
  const PowerOfTen& Of(int exponent) const {
    return powers_[static_cast<size_t>(exponent - kLeast)];
  }

 private:
  static constexpr int kLeast = -292;
  static constexpr int kMost = 324;
  std::array<PowerOfTen, kMost - kLeast + 1> powers_;
};

const PowersOfTen& Powers() {
  static const PowersOfTen kPowers;
  return kPowers;
}

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

ShortestDecimal WithoutZeros(ShortestDecimal decimal) {
  constexpr uint64_t kMany = 100'000'000;
  if (decimal.digits % kMany == 0) {
    decimal.digits /= kMany;
    decimal.exponent += 8;
  }
  while (decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    ++decimal.exponent;
  }
  return decimal;
}

// The digits of a number below 10^8, one in each byte, the first in the lowest: halves, then
// quarters, then single digits, all at once. (Memory has the lowest byte first.)
static_assert(std::endian::native == std::endian::little);
uint64_t EightDigits(uint32_t number) {
  uint64_t lanes = number / 10'000 | uint64_t{number % 10'000} << 32;
  // By 2^20 / 100, rounded up: exact below 10,000.
  const uint64_t hundreds = (lanes * 10'486 >> 20) & 0x7F'0000'007F;
  lanes = hundreds | (lanes - hundreds * 100) << 16;
  // By 2^10 / 10: exact below 100.
  const uint64_t tens = (lanes * 103 >> 10) & 0x000F'000F'000F'000F;
  return tens | (lanes - tens * 10) << 8;
}

constexpr uint64_t kZeros = 0x3030'3030'3030'3030;

// With zeros in front.
void PutEight(char* to, uint32_t number) {
  const uint64_t text = EightDigits(number) | kZeros;
  std::memcpy(to, &text, 8);
}

// Eight characters are written in any case: so many need no call of memcpy.
char* PutUpToEight(char* to, uint32_t number) {
  const uint64_t digits = EightDigits(number);
  const int zeros = std::min(7, std::countr_zero(digits) / 8);
  const uint64_t text = (digits | kZeros) >> (8 * zeros);
  std::memcpy(to, &text, 8);
  return to + (8 - zeros);
}

}  // namespace

ShortestDecimal ShortestDecimalOf(double value) {
  constexpr int kFractionBits = 52;
  constexpr int kBias = 1075;
  constexpr uint64_t kHidden = uint64_t{1} << kFractionBits;
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t fraction = bits & (kHidden - 1);
  const int biased = static_cast<int>(bits >> kFractionBits & 0x7ff);
  const uint64_t c = biased == 0 ? fraction : fraction | kHidden;
  const int q = (biased == 0 ? 1 : biased) - kBias;
  // Below a power of two doubles are nearer to each other.
  const bool lower_is_closer = fraction == 0 && biased > 1;
  const int k = FloorLog10OfPower(q, lower_is_closer);
  const int shift = q + FloorLog2OfPower(-k) + 1;
  const PowerOfTen& power = Powers().Of(-k);
  // Four times the value and the ends of its interval, in units of 10^k. An end belongs to it when
  // the significand is even.
  const uint64_t outside = c & 1;
  const uint64_t lower =
      ProductToOdd(power, (4 * c - 2 + (lower_is_closer ? 1 : 0)) << shift) + outside;
  const uint64_t upper = ProductToOdd(power, (4 * c + 2) << shift) - outside;
  const uint64_t four = ProductToOdd(power, 4 * c << shift);
  const uint64_t s = four / 4;
  if (s >= 10) {
    const uint64_t tens = s / 10;
    const bool below = lower <= 40 * tens;
    const bool above = 40 * tens + 40 <= upper;
    if (below != above) return WithoutZeros({tens + (above ? 1 : 0), k + 1});
  }
  const bool below = lower <= 4 * s;
  const bool above = 4 * s + 4 <= upper;
  if (below != above) return WithoutZeros({s + (above ? 1 : 0), k});
  const uint64_t middle = 4 * s + 2;
  const bool up = four > middle || (four == middle && (s & 1) != 0);
  return WithoutZeros({s + (up ? 1 : 0), k});
}

char* PutDigits(char* to, uint64_t number) {
  constexpr uint64_t kBlock = 100'000'000;
  if (number < kBlock) return PutUpToEight(to, static_cast<uint32_t>(number));
  const uint64_t blocks = number / kBlock;
  to = PutDigits(to, blocks);
  PutEight(to, static_cast<uint32_t>(number - blocks * kBlock));
  return to + 8;
}

}  // namespace tocsin
