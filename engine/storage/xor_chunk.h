// Compressed runs of samples of one series.
//
//   the first sample       64 bits of value; its time stands in the chunk's header
//   time of a later one    the change of the interval ("delta of delta", the first interval's
//                          predecessor is 0): 0 | 10 + 14 bits | 110 + 17 | 1110 + 20 | 1111 + 64
//   value of a later one   xor with the one before: 0 when equal | 10 + the meaningful bits within
//                          the window of the xor before | 11 + 5 bits leading zeros + 6 bits
//                          length (0 is 64) + the meaningful bits
//
// Source: T. Pelkonen et al., "Gorilla", VLDB 2015, with the bit widths of Prometheus'
// tsdb/chunkenc/xor.go. 0.4 bytes a sample for constants, 2 to 4 for counters, 9 for noise.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/model/sample.h"
#include "engine/storage/bit_stream.h"
#include "engine/storage/growing_array.h"

namespace tocsin {

// What has to be known to decode the sample after this one.
struct XorState {
  uint64_t value = 0;
  int64_t t_ms = 0;
  int64_t interval_ms = 0;
  uint32_t bit = 0;  // of the stream, where the next sample begins
  uint8_t leading = 0;
  uint8_t trailing = 0;
};

// The bits of a chunk: whole words, and a last one that is still being filled.
struct XorStream {
  std::span<const uint64_t> words;
  uint64_t tail = 0;
  bool room_behind = false;  // a word behind `words` may be read; no tail then
};

// Decodes the samples of a chunk one after the other.
class XorDecoder {
 public:
  XorDecoder(XorStream stream, int64_t first_ms, uint32_t count)
      : stream_(stream), bits_(stream.words, stream.tail), left_(count), state_{.t_ms = first_ms} {}
  // Goes on behind a sample, with `count` samples left.
  XorDecoder(XorStream stream, const XorState& behind, uint32_t count)
      : stream_(stream),
        bits_(stream.words, stream.tail, behind.bit),
        left_(count),
        first_(false),
        state_(behind) {}

  // False when there are no more.
  bool Next();
  int64_t t_ms() const { return state_.t_ms; }
  double value() const { return std::bit_cast<double>(state_.value); }

  // Writes the samples within `range` to the two columns, which have room for all, and returns how
  // many they were. Stops behind the range. Instead of Next, not after it.
  size_t ReadAll(TimeRange range, int64_t* t_ms, double* values);
  // The newest of the remaining samples within `range`.
  std::optional<Sample> ReadNewest(TimeRange range);

 private:
  void NextTime();
  void NextValue();

  XorStream stream_;
  BitReader bits_;
  uint32_t left_;
  bool first_ = true;
  XorState state_;  // `bit` is not kept up
};

// A chunk that is full: one allocation, which never changes,
// [first_ms][last_ms][count + (words << 32)][words of bits …][0]. The last word is there to be read
// with the one before it.
class SealedChunk {
 public:
  static constexpr size_t kHeaderWords = 3;
  static constexpr size_t kRoomWords = 1;

  explicit SealedChunk(const uint64_t* words) : words_(words) {}

  int64_t first_ms() const { return static_cast<int64_t>(words_[0]); }
  int64_t last_ms() const { return static_cast<int64_t>(words_[1]); }
  uint32_t count() const { return static_cast<uint32_t>(words_[2]); }
  size_t bytes() const { return (kHeaderWords + stream_words() + kRoomWords) * sizeof(uint64_t); }
  XorDecoder decoder() const {
    const XorStream stream{.words = {words_ + kHeaderWords, stream_words()}, .room_behind = true};
    return {stream, first_ms(), count()};
  }

 private:
  size_t stream_words() const { return words_[2] >> 32; }

  const uint64_t* words_;
};

// The chunk that a series is writing. Full words of bits go to an array that readers may share;
// the last, unfinished word stays here and is copied by them. Every now and then the decoder's
// state is noted, so that who looks at the newest samples, as rules do, need not decode all before
// them.
//
// Needs the writer's lock; a View may be read without it while a reader is pinned.
class OpenChunk {
 public:
  static constexpr uint32_t kSamplesPerNote = 32;

  struct View {
    const uint64_t* words = nullptr;
    const XorState* notes = nullptr;
    uint64_t tail = 0;
    int64_t first_ms = 0;
    uint32_t word_count = 0;
    uint32_t count = 0;

    XorStream stream() const { return {.words = {words, word_count}, .tail = tail}; }
    XorDecoder decoder() const { return {stream(), first_ms, count}; }
    // Skips samples before `t_ms` as far as it costs nothing.
    XorDecoder DecoderFrom(int64_t t_ms) const;
    // Asks for the memory that this looks at: PrefetchFrom, and before that PrefetchNotes, which
    // PrefetchFrom looks at.
    void PrefetchNotes() const;
    void PrefetchFrom(int64_t t_ms) const;
    std::optional<Sample> ReadNewest(TimeRange range) const;

   private:
    // How many notes are of samples before `t_ms`.
    uint32_t NotesBefore(int64_t t_ms) const;
    XorDecoder Behind(uint32_t notes) const;
  };

  uint32_t count() const { return count_; }
  int64_t first_ms() const { return first_ms_; }
  // Of the newest sample; when count() > 0.
  int64_t last_ms() const { return last_ms_; }
  double last_value() const { return std::bit_cast<double>(last_value_); }
  size_t bytes() const {
    return words_.capacity() * sizeof(uint64_t) + notes_.capacity() * sizeof(XorState);
  }

  // `t_ms` is after last_ms().
  void Append(int64_t t_ms, double value, Reclaimer& reclaimer);
  // The samples as a sealed chunk; the open one is empty afterwards.
  std::unique_ptr<uint64_t[]> Seal(Reclaimer& reclaimer);
  void Clear(Reclaimer& reclaimer);
  View view() const {
    return {words_.data(), notes_.data(), tail_, first_ms_, words_.size(), count_};
  }

 private:
  void TakeNote(Reclaimer& reclaimer);
  void AppendTime(int64_t t_ms, Reclaimer& reclaimer);
  void AppendValue(uint64_t value, Reclaimer& reclaimer);
  void Put(uint64_t bits, unsigned count, Reclaimer& reclaimer);

  static constexpr uint8_t kNoWindow = 0xff;

  GrowingArray<uint64_t> words_;
  // Behind sample kSamplesPerNote, 2 · kSamplesPerNote, …
  GrowingArray<XorState> notes_;
  uint64_t tail_ = 0;
  int64_t first_ms_ = 0;
  int64_t last_ms_ = 0;
  int64_t interval_ms_ = 0;
  uint64_t last_value_ = 0;
  uint16_t count_ = 0;
  uint8_t tail_bits_ = 0;
  uint8_t leading_ = kNoWindow;
  uint8_t trailing_ = 0;
};

}  // namespace tocsin
