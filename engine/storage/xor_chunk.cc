#include "engine/storage/xor_chunk.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace tocsin {
namespace {

constexpr unsigned kMaxLeading = 31;

// How a change of the interval is written: `prefix` in `prefix_bits`, then the value in `bits`.
struct TimeCode {
  unsigned prefix;
  unsigned prefix_bits;
  unsigned bits;
};
constexpr std::array<TimeCode, 3> kTimeCodes = {{{0b10, 2, 14}, {0b110, 3, 17}, {0b1110, 4, 20}}};

bool Fits(int64_t change, unsigned bits) {
  const int64_t half = int64_t{1} << (bits - 1);
  return -half < change && change <= half;
}

// Times may be anything, so their differences wrap around instead of overflowing.
int64_t WrappingSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

uint64_t LowBits(uint64_t value, unsigned bits) { return value & ((uint64_t{1} << bits) - 1); }

int64_t SignExtended(uint64_t value, unsigned bits) {
  const auto half = int64_t{1} << (bits - 1);
  const auto number = static_cast<int64_t>(value);
  return number > half ? number - 2 * half : number;
}

}  // namespace

bool XorDecoder::Next() {
  if (left_ == 0) return false;
  --left_;
  if (first_) {
    first_ = false;
    value_ = bits_.Read(64);
    return true;
  }
  NextTime();
  NextValue();
  return true;
}

void XorDecoder::NextTime() {
  if (bits_.ReadBit()) {
    size_t code = 0;
    while (code < kTimeCodes.size() && bits_.ReadBit()) ++code;
    const int64_t change =
        code == kTimeCodes.size()
            ? static_cast<int64_t>(bits_.Read(64))
            : SignExtended(bits_.Read(kTimeCodes[code].bits), kTimeCodes[code].bits);
    interval_ms_ = WrappingAdd(interval_ms_, change);
  }
  t_ms_ = WrappingAdd(t_ms_, interval_ms_);
}

void XorDecoder::NextValue() {
  if (!bits_.ReadBit()) return;
  if (bits_.ReadBit()) {
    leading_ = static_cast<unsigned>(bits_.Read(5));
    const auto length = static_cast<unsigned>(bits_.Read(6));
    trailing_ = 64 - leading_ - (length == 0 ? 64 : length);
  }
  value_ ^= bits_.Read(64 - leading_ - trailing_) << trailing_;
}

size_t XorDecoder::ReadAll(TimeRange range, int64_t* t_ms, double* values) {
  size_t count = 0;
  while (Next() && t_ms_ <= range.max_ms) {
    if (t_ms_ < range.min_ms) continue;
    t_ms[count] = t_ms_;
    values[count] = value();
    ++count;
  }
  return count;
}

std::optional<Sample> XorDecoder::ReadNewest(TimeRange range) {
  std::optional<Sample> newest;
  while (Next() && t_ms_ <= range.max_ms) {
    if (t_ms_ >= range.min_ms) newest = Sample{t_ms_, value()};
  }
  return newest;
}

void OpenChunk::Append(int64_t t_ms, double value, Reclaimer& reclaimer) {
  const auto bits = std::bit_cast<uint64_t>(value);
  if (count_ == 0) {
    first_ms_ = t_ms;
    Put(bits, 64, reclaimer);
  } else {
    AppendTime(t_ms, reclaimer);
    AppendValue(bits, reclaimer);
  }
  last_ms_ = t_ms;
  last_value_ = bits;
  ++count_;
}

void OpenChunk::AppendTime(int64_t t_ms, Reclaimer& reclaimer) {
  const int64_t interval = WrappingSub(t_ms, last_ms_);
  const int64_t change = WrappingSub(interval, std::exchange(interval_ms_, interval));
  if (change == 0) return Put(0, 1, reclaimer);
  for (const TimeCode& code : kTimeCodes) {
    if (!Fits(change, code.bits)) continue;
    const uint64_t value = LowBits(static_cast<uint64_t>(change), code.bits);
    return Put(uint64_t{code.prefix} << code.bits | value, code.prefix_bits + code.bits, reclaimer);
  }
  Put(0b1111, 4, reclaimer);
  Put(static_cast<uint64_t>(change), 64, reclaimer);
}

void OpenChunk::AppendValue(uint64_t value, Reclaimer& reclaimer) {
  const uint64_t changed = value ^ last_value_;
  if (changed == 0) return Put(0, 1, reclaimer);
  const unsigned leading = std::min(static_cast<unsigned>(std::countl_zero(changed)), kMaxLeading);
  const auto trailing = static_cast<unsigned>(std::countr_zero(changed));
  if (leading_ != kNoWindow && leading >= leading_ && trailing >= trailing_) {
    Put(0b10, 2, reclaimer);
    return Put(changed >> trailing_, 64 - leading_ - trailing_, reclaimer);
  }
  leading_ = static_cast<uint8_t>(leading);
  trailing_ = static_cast<uint8_t>(trailing);
  const unsigned length = 64 - leading - trailing;
  Put(uint64_t{0b11} << 11 | uint64_t{leading} << 6 | (length & 63), 13, reclaimer);
  Put(changed >> trailing, length, reclaimer);
}

void OpenChunk::Put(uint64_t bits, unsigned count, Reclaimer& reclaimer) {
  const unsigned room = 64 - tail_bits_;
  if (count < room) {
    tail_ |= bits << (room - count);
    tail_bits_ = static_cast<uint8_t>(tail_bits_ + count);
    return;
  }
  const unsigned rest = count - room;
  words_.Append(tail_ | bits >> rest, reclaimer);
  tail_ = rest == 0 ? 0 : bits << (64 - rest);
  tail_bits_ = static_cast<uint8_t>(rest);
}

std::unique_ptr<uint64_t[]> OpenChunk::Seal(Reclaimer& reclaimer) {
  const size_t stream_words = words_.size() + (tail_bits_ > 0 ? 1 : 0);
  auto sealed = std::make_unique<uint64_t[]>(SealedChunk::kHeaderWords + stream_words);
  sealed[0] = static_cast<uint64_t>(first_ms_);
  sealed[1] = static_cast<uint64_t>(last_ms_);
  sealed[2] = uint64_t{count_} | uint64_t{stream_words} << 32;
  uint64_t* const end = std::copy(words_.begin(), words_.end(), &sealed[SealedChunk::kHeaderWords]);
  if (tail_bits_ > 0) *end = tail_;
  Clear(reclaimer);
  return sealed;
}

void OpenChunk::Clear(Reclaimer& reclaimer) {
  words_.Clear(reclaimer);
  tail_ = 0;
  interval_ms_ = 0;
  count_ = 0;
  tail_bits_ = 0;
  leading_ = kNoWindow;
  trailing_ = 0;
}

}  // namespace tocsin
