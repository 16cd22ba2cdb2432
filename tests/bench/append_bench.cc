#include <benchmark/benchmark.h>

#include "tests/bench/bench_series.h"

namespace tocsin {
namespace {

void BM_AppendScrape(benchmark::State& state) {
  bench::FilledHead filled(1);
  for (auto _ : state) filled.AppendScrape();
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * bench::kSeries));
  const HeadStats stats = filled.head().Stats();
  state.counters["bytes/sample"] =
      static_cast<double>(stats.bytes) / static_cast<double>(stats.samples);
}
BENCHMARK(BM_AppendScrape)->Unit(benchmark::kMillisecond);

void BM_AppendScrape_Naive(benchmark::State& state) {
  bench::FilledHead filled(1);
  int64_t t_ms = filled.now_ms();
  for (auto _ : state) {
    for (const SeriesRef ref : filled.refs()) {
      const PendingSample sample{.ref = ref, .t_ms = t_ms, .value = 1};
      if (!filled.head().Commit({&sample, 1}).ok()) std::abort();
    }
    t_ms += bench::kIntervalMs;
  }
}
BENCHMARK(BM_AppendScrape_Naive)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin
