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

// What 120 samples take at most, and some words more.
constexpr size_t kPaddedWords = 280;

// The 64 bits from `bit` on; the word behind them may be read.
uint64_t Peek(const uint64_t* words, uint32_t bit) {
  const uint64_t* const word = words + bit / 64;
  const unsigned used = bit % 64;
  return word[0] << used | word[1] >> 1 >> (63 - used);
}

uint64_t Take(const uint64_t* words, XorState& at, unsigned count) {
  const uint64_t bits = Peek(words, at.bit) >> (64 - count);
  at.bit += count;
  return bits;
}

void AdvanceInterval(const uint64_t* words, XorState& at) {
  const auto ones = static_cast<size_t>(std::countl_one(Peek(words, at.bit)));
  int64_t change = 0;
  if (ones > kTimeCodes.size()) {
    at.bit += kTimeCodes.back().prefix_bits;
    change = static_cast<int64_t>(Take(words, at, 64));
  } else {
    const TimeCode& code = kTimeCodes[ones - 1];
    at.bit += code.prefix_bits;
    change = SignExtended(Take(words, at, code.bits), code.bits);
  }
  at.interval_ms = WrappingAdd(at.interval_ms, change);
}

// To the next sample, whatever it is.
[[gnu::noinline]] XorState AdvancedAnyhow(const uint64_t* words, XorState at) {
  uint64_t ahead = Peek(words, at.bit);
  if (ahead >> 63 == 0) {
    ++at.bit;
    ahead <<= 1;
  } else {
    AdvanceInterval(words, at);
    ahead = Peek(words, at.bit);
  }
  at.t_ms = WrappingAdd(at.t_ms, at.interval_ms);
  if (ahead >> 63 == 0) {
    ++at.bit;
    return at;
  }
  if ((ahead >> 62 & 1) == 0) {
    at.bit += 2;
  } else {
    at.leading = static_cast<uint8_t>(ahead >> 57 & 31);
    const auto length = static_cast<unsigned>(ahead >> 51 & 63);
    at.trailing = static_cast<uint8_t>(64 - at.leading - (length == 0 ? 64 : length));
    at.bit += 13;
  }
  at.value ^= Take(words, at, 64U - at.leading - at.trailing) << at.trailing;
  return at;
}

// To the next sample. In most the interval stays (0), and the value stays too (0) or its window
// does (10).
[[gnu::always_inline]] inline void Advance(const uint64_t* words, XorState& at) {
  constexpr unsigned kUsualBits = 3;
  const uint64_t ahead = Peek(words, at.bit);
  const unsigned length = 64U - at.leading - at.trailing;
  if (ahead >> (64 - kUsualBits) == 0b010 && length <= 64 - kUsualBits) {
    at.bit += kUsualBits + length;
    at.t_ms = WrappingAdd(at.t_ms, at.interval_ms);
    at.value ^= (ahead << kUsualBits) >> (64 - length) << at.trailing;
  } else if (ahead >> 62 == 0) {
    at.bit += 2;
    at.t_ms = WrappingAdd(at.t_ms, at.interval_ms);
  } else {
    at = AdvancedAnyhow(words, at);
  }
}

size_t ReadOneByOne(XorDecoder& decoder, TimeRange range, int64_t* t_ms, double* values) {
  size_t count = 0;
  while (decoder.Next() && decoder.t_ms() <= range.max_ms) {
    if (decoder.t_ms() < range.min_ms) continue;
    t_ms[count] = decoder.t_ms();
    values[count] = decoder.value();
    ++count;
  }
  return count;
}

}  // namespace

bool XorDecoder::Next() {
  if (left_ == 0) return false;
  --left_;
  if (first_) {
    first_ = false;
    state_.value = bits_.Read(64);
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
    state_.interval_ms = WrappingAdd(state_.interval_ms, change);
  }
  state_.t_ms = WrappingAdd(state_.t_ms, state_.interval_ms);
}

void XorDecoder::NextValue() {
  if (!bits_.ReadBit()) return;
  if (bits_.ReadBit()) {
    state_.leading = static_cast<uint8_t>(bits_.Read(5));
    const auto length = static_cast<unsigned>(bits_.Read(6));
    state_.trailing = static_cast<uint8_t>(64 - state_.leading - (length == 0 ? 64 : length));
  }
  const unsigned length = 64U - state_.leading - state_.trailing;
  state_.value ^= bits_.Read(length) << state_.trailing;
}

size_t XorDecoder::ReadAll(TimeRange range, int64_t* t_ms, double* values) {
  if (left_ == 0) return 0;
  // With room behind the end, so that reading 64 bits ahead needs no look at where the end is.
  std::array<uint64_t, kPaddedWords> padded;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const size_t begin = first_ ? 0 : state_.bit / 64;
  const size_t count = stream_.words.size() - begin;
  const uint64_t* words = stream_.words.data() + begin;
  if (!stream_.room_behind) {
    if (count + 3 > padded.size()) return ReadOneByOne(*this, range, t_ms, values);
    uint64_t* const end = std::copy_n(words, count, padded.begin());
    end[0] = stream_.tail;
    end[1] = end[2] = 0;
    words = padded.data();
  }
  XorState at = state_;
  at.bit -= static_cast<uint32_t>(begin * 64);
  uint32_t left = left_ - 1;
  if (first_) {
    at.value = words[0];
    at.bit = 64;
  } else {
    Advance(words, at);
  }
  for (; at.t_ms < range.min_ms; --left) {
    if (left == 0) return 0;
    Advance(words, at);
  }
  size_t written = 0;
  while (at.t_ms <= range.max_ms) {
    t_ms[written] = at.t_ms;
    values[written] = std::bit_cast<double>(at.value);
    ++written;
    if (left == 0) break;
    --left;
    Advance(words, at);
  }
  return written;
}

std::optional<Sample> XorDecoder::ReadNewest(TimeRange range) {
  std::optional<Sample> newest;
  while (Next() && t_ms() <= range.max_ms) {
    if (t_ms() >= range.min_ms) newest = Sample{t_ms(), value()};
  }
  return newest;
}

uint32_t OpenChunk::View::NotesBefore(int64_t t_ms) const {
  uint32_t before = count / kSamplesPerNote;
  while (before > 0 && notes[before - 1].t_ms >= t_ms) --before;
  return before;
}

XorDecoder OpenChunk::View::Behind(uint32_t noted) const {
  if (noted == 0) return decoder();
  return {stream(), notes[noted - 1], count - noted * kSamplesPerNote};
}

void OpenChunk::View::PrefetchNotes() const {
  if (const uint32_t noted = count / kSamplesPerNote; noted > 0) {
    __builtin_prefetch(notes + (noted - 1));
  }
}

void OpenChunk::View::PrefetchFrom(int64_t t_ms) const {
  constexpr uint32_t kMostWords = 64;  // the processor fetches what follows by itself
  constexpr uint32_t kLineWords = 8;
  const uint32_t noted = NotesBefore(t_ms);
  const uint32_t begin = noted == 0 ? 0 : notes[noted - 1].bit / 64;
  const uint32_t end = std::min(word_count, begin + kMostWords);
  for (uint32_t word = begin; word <= end; word += kLineWords) __builtin_prefetch(words + word);
}

XorDecoder OpenChunk::View::DecoderFrom(int64_t t_ms) const { return Behind(NotesBefore(t_ms)); }

std::optional<Sample> OpenChunk::View::ReadNewest(TimeRange range) const {
  uint32_t noted = NotesBefore(range.max_ms);
  std::optional<Sample> newest = Behind(noted).ReadNewest(range);
  if (newest || noted == 0) return newest;
  const Sample sample{notes[noted - 1].t_ms, std::bit_cast<double>(notes[noted - 1].value)};
  return range.Contains(sample.t_ms) ? std::optional(sample) : std::nullopt;
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
  if (count_ % kSamplesPerNote == 0) TakeNote(reclaimer);
}

void OpenChunk::TakeNote(Reclaimer& reclaimer) {
  notes_.Append({.value = last_value_,
                 .t_ms = last_ms_,
                 .interval_ms = interval_ms_,
                 .bit = words_.size() * 64 + tail_bits_,
                 .leading = leading_ == kNoWindow ? uint8_t{0} : leading_,
                 .trailing = trailing_},
                reclaimer);
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
  auto sealed = std::make_unique<uint64_t[]>(SealedChunk::kHeaderWords + stream_words +
                                             SealedChunk::kRoomWords);
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
  notes_.Clear(reclaimer);
  tail_ = 0;
  interval_ms_ = 0;
  count_ = 0;
  tail_bits_ = 0;
  leading_ = kNoWindow;
  trailing_ = 0;
}

}  // namespace tocsin
