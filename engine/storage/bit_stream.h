// Bits packed into 64-bit words, most significant first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

// Reads bits from whole words and then from `tail`, a last word that is still being filled.
// Reading beyond the end gives zeros.
class BitReader {
 public:
  BitReader(std::span<const uint64_t> words, uint64_t tail, size_t skipped_bits = 0)
      : next_(words.data() + skipped_bits / 64), end_(words.data() + words.size()), tail_(tail) {
    const auto rest = static_cast<unsigned>(skipped_bits % 64);
    if (rest == 0) return;
    Refill();
    bits_ <<= rest;
    left_ -= rest;
  }

  bool ReadBit() {
    if (left_ == 0) Refill();
    const bool bit = (bits_ >> 63) != 0;
    bits_ <<= 1;
    --left_;
    return bit;
  }

  // `count` from 1 to 64.
  uint64_t Read(unsigned count) {
    if (count < left_) {
      const uint64_t value = bits_ >> (64 - count);
      bits_ <<= count;
      left_ -= count;
      return value;
    }
    const unsigned missing = count - left_;
    const uint64_t high = left_ == 0 ? 0 : bits_ >> (64 - left_);
    left_ = 0;
    if (missing == 0) return high;
    Refill();
    left_ = 64 - missing;
    if (missing == 64) return bits_;
    const uint64_t value = high << missing | bits_ >> (64 - missing);
    bits_ <<= missing;
    return value;
  }

 private:
  void Refill() {
    if (next_ != end_) {
      bits_ = *next_++;
    } else {
      bits_ = tail_;
      tail_ = 0;
    }
    left_ = 64;
  }

  const uint64_t* next_;
  const uint64_t* end_;
  uint64_t tail_;
  uint64_t bits_ = 0;  // the unread bits of the current word, from the top
  unsigned left_ = 0;
};

}  // namespace tocsin
