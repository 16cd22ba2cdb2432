#include <benchmark/benchmark.h>

#include <random>

#include "engine/storage/xor_chunk.h"

namespace tocsin {
namespace {

constexpr uint32_t kSamples = 120;

// 0: a counter of whole numbers; 1: a sum of durations, of which every bit changes.
class Filled {
 public:
  explicit Filled(int64_t kind) {
    double value = 1e6;
    for (uint32_t i = 0; i < kSamples; ++i) {
      value += kind == 0 ? static_cast<double>(random_() % 40)
                         : std::uniform_real_distribution<double>(0, 40)(random_);
      chunk_.Append(1'700'000'000'000 + int64_t{i} * 15'000, value, reclaimer_);
    }
  }
  OpenChunk::View view() const { return chunk_.view(); }

 private:
  std::mt19937_64 random_{1};
  Reclaimer reclaimer_;
  OpenChunk chunk_;
};

void BM_DecodeChunk(benchmark::State& state) {
  const Filled filled(state.range(0));
  int64_t t_ms[kSamples];
  double values[kSamples];
  for (auto _ : state) {
    benchmark::DoNotOptimize(filled.view().decoder().ReadAll({}, t_ms, values));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kSamples);
}
BENCHMARK(BM_DecodeChunk)->Arg(0)->Arg(1);

void BM_DecodeChunk_Naive(benchmark::State& state) {
  const Filled filled(state.range(0));
  std::vector<Sample> samples;
  for (auto _ : state) {
    samples.clear();
    for (XorDecoder decoder = filled.view().decoder(); decoder.Next();) {
      samples.push_back({decoder.t_ms(), decoder.value()});
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kSamples);
}
BENCHMARK(BM_DecodeChunk_Naive)->Arg(0)->Arg(1);

// The last five minutes, which is what rules read.
constexpr TimeRange kNewest{1'700'000'000'000 + 99 * 15'000};

void BM_DecodeNewest(benchmark::State& state) {
  const Filled filled(state.range(0));
  int64_t t_ms[kSamples];
  double values[kSamples];
  for (auto _ : state) {
    const OpenChunk::View view = filled.view();
    benchmark::DoNotOptimize(view.DecoderFrom(kNewest.min_ms).ReadAll(kNewest, t_ms, values));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_DecodeNewest)->Arg(0)->Arg(1);

void BM_DecodeNewest_Naive(benchmark::State& state) {
  const Filled filled(state.range(0));
  std::vector<Sample> samples;
  for (auto _ : state) {
    samples.clear();
    for (XorDecoder decoder = filled.view().decoder(); decoder.Next();) {
      if (!kNewest.Contains(decoder.t_ms())) continue;
      samples.push_back({decoder.t_ms(), decoder.value()});
    }
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_DecodeNewest_Naive)->Arg(0)->Arg(1);

}  // namespace
}  // namespace tocsin
