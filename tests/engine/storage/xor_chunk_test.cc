#include "engine/storage/xor_chunk.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace tocsin {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Bits, because NaN != NaN.
using Bits = std::vector<std::pair<int64_t, uint64_t>>;

Bits BitsOf(const std::vector<Sample>& samples) {
  Bits bits;
  for (const Sample& s : samples) bits.emplace_back(s.t_ms, std::bit_cast<uint64_t>(s.value));
  return bits;
}

Bits Decode(XorDecoder decoder) {
  Bits bits;
  while (decoder.Next()) {
    bits.emplace_back(decoder.t_ms(), std::bit_cast<uint64_t>(decoder.value()));
  }
  return bits;
}

Bits DecodeAtOnce(XorDecoder decoder, TimeRange range, size_t count) {
  std::vector<int64_t> t_ms(count);
  std::vector<double> values(count);
  Bits bits;
  const size_t read = decoder.ReadAll(range, t_ms.data(), values.data());
  for (size_t i = 0; i < read; ++i) bits.emplace_back(t_ms[i], std::bit_cast<uint64_t>(values[i]));
  return bits;
}

// Checks the round trip of the open chunk after each sample and of the sealed one; returns its
// bytes without the header.
size_t RoundTrip(const std::vector<Sample>& samples) {
  Reclaimer reclaimer;
  OpenChunk chunk;
  std::vector<Sample> written;
  for (const Sample& sample : samples) {
    chunk.Append(sample.t_ms, sample.value, reclaimer);
    written.push_back(sample);
    EXPECT_EQ(Decode(chunk.view().decoder()), BitsOf(written));
    EXPECT_EQ(DecodeAtOnce(chunk.view().decoder(), {}, written.size()), BitsOf(written));
    EXPECT_EQ(chunk.last_ms(), sample.t_ms);
  }
  const std::unique_ptr<uint64_t[]> words = chunk.Seal(reclaimer);
  const SealedChunk sealed(words.get());
  EXPECT_EQ(Decode(sealed.decoder()), BitsOf(samples));
  EXPECT_EQ(DecodeAtOnce(sealed.decoder(), {}, samples.size()), BitsOf(samples));
  EXPECT_EQ(sealed.count(), samples.size());
  EXPECT_EQ(sealed.first_ms(), samples.front().t_ms);
  EXPECT_EQ(sealed.last_ms(), samples.back().t_ms);
  EXPECT_EQ(chunk.count(), 0u);
  return sealed.bytes() - (SealedChunk::kHeaderWords + SealedChunk::kRoomWords) * sizeof(uint64_t);
}

TEST(XorChunk, KeepsEveryBitOfAnySequence) {
  const std::vector<Sample> sequences[] = {
      {{0, 0}},
      {{kMin, 1}, {0, 2}, {kMax, 3}},
      {{kMin, 1}, {kMin + 1, 1}, {kMax - 1, 1}, {kMax, -1}},
      {{1000, StaleNan()}, {2000, NormalNan()}, {3000, kInf}, {4000, -kInf}, {5000, -0.0}},
      {{1, 5e-324}, {2, 1.7976931348623157e308}, {3, 0}, {4, 1}, {5, 1.0000000000000002}},
      // Changes of the interval on both sides of each code's range.
      {{0, 1}, {8192, 1}, {8193, 1}, {16386, 1}, {16387, 1}, {24581, 1}},
      {{0, 1}, {65536, 1}, {65537, 1}, {131074, 1}, {131075, 1}, {524290, 1}, {524291, 1}},
      {{0, 1}, {524288, 1}, {524289, 1}, {1048579, 1}, {9000000, 1}, {9000001, 1}},
  };
  for (const std::vector<Sample>& samples : sequences) {
    SCOPED_TRACE(samples.back().t_ms);
    RoundTrip(samples);
  }
}

TEST(XorChunk, KeepsEveryBitOfRandomSequences) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<Sample> samples;
    int64_t t = 1'700'000'000'000;
    const unsigned time_bits = 1 + random() % 24;
    const uint64_t value_mask = ~uint64_t{0} << (random() % 64);
    for (uint64_t left = 1 + random() % 130; left > 0; --left) {
      t += 1 + static_cast<int64_t>(random() % (uint64_t{1} << time_bits));
      samples.push_back({t, std::bit_cast<double>(random() & value_mask)});
    }
    RoundTrip(samples);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(XorChunk, CompressesWhatProductionLooksLike) {
  std::mt19937 random(3);
  const auto Bytes = [](auto value_at) {
    std::vector<Sample> samples;
    for (int i = 0; i < 120; ++i) samples.push_back({1'700'000'000'000 + i * 15'000, value_at(i)});
    return static_cast<double>(RoundTrip(samples)) / 120;
  };
  EXPECT_LT(Bytes([](int) { return 42.0; }), 0.5);
  EXPECT_LT(Bytes([](int i) { return i * 100.0; }), 2.5);
  EXPECT_LT(Bytes([&](int) { return std::ldexp(double(random()), -7); }), 10);
}

TEST(XorDecoder, ReadsARangeAndItsNewestSample) {
  Reclaimer reclaimer;
  OpenChunk chunk;
  for (int i = 0; i < 10; ++i) chunk.Append(i * 10, i, reclaimer);
  struct Case {
    TimeRange range;
    std::vector<int64_t> times;
  };
  const Case cases[] = {
      {{}, {0, 10, 20, 30, 40, 50, 60, 70, 80, 90}},
      {{15, 40}, {20, 30, 40}},
      {{85, 1000}, {90}},
      {{91, 1000}, {}},
      {{-5, -1}, {}},
      {{41, 49}, {}},
  };
  for (const Case& c : cases) {
    std::vector<int64_t> times(10);
    std::vector<double> values(10);
    times.resize(chunk.view().decoder().ReadAll(c.range, times.data(), values.data()));
    EXPECT_EQ(times, c.times);
    const std::optional<Sample> newest = chunk.view().decoder().ReadNewest(c.range);
    ASSERT_EQ(newest.has_value(), !c.times.empty());
    EXPECT_EQ(newest.value_or(Sample{}).t_ms, c.times.empty() ? 0 : c.times.back());
  }
}

TEST(OpenChunk, ReadsFromItsNotesWhatItReadsFromTheBegin) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2000; ++round) {
    Reclaimer reclaimer;
    OpenChunk chunk;
    std::vector<Sample> samples;
    int64_t t = 0;
    const int value_kind = static_cast<int>(random() % 3);
    for (uint64_t left = 1 + random() % 120; left > 0; --left) {
      t += round % 2 == 0 ? 10 : static_cast<int64_t>(1 + random() % 20);
      const double value = value_kind == 0   ? 1.0
                           : value_kind == 1 ? static_cast<double>(random() % 1000)
                                             : std::bit_cast<double>(random());
      chunk.Append(t, value, reclaimer);
      samples.push_back({t, value});
    }
    const auto near = [&] { return static_cast<int64_t>(random() % (t + 40)) - 20; };
    TimeRange range{near(), near()};
    if (range.min_ms > range.max_ms) std::swap(range.min_ms, range.max_ms);
    std::vector<Sample> expected;
    for (const Sample& s : samples) {
      if (range.Contains(s.t_ms)) expected.push_back(s);
    }
    const OpenChunk::View view = chunk.view();
    ASSERT_EQ(DecodeAtOnce(view.DecoderFrom(range.min_ms), range, samples.size()),
              BitsOf(expected));
    const std::optional<Sample> newest = view.ReadNewest(range);
    ASSERT_EQ(newest.has_value(), !expected.empty());
    if (newest) {
      ASSERT_EQ(BitsOf({*newest}), BitsOf({expected.back()}));
    }
    const std::unique_ptr<uint64_t[]> words = chunk.Seal(reclaimer);
    ASSERT_EQ(DecodeAtOnce(SealedChunk(words.get()).decoder(), range, samples.size()),
              BitsOf(expected));
  }
}

}  // namespace
}  // namespace tocsin
