#include <benchmark/benchmark.h>

#include "engine/exposition/parser.h"
#include "engine/exposition/scrape_cache.h"
#include "tests/bench/bench_series.h"

namespace tocsin {
namespace {

template <typename OnSample>
void Parse(const std::string& page, OnSample on_sample) {
  ExpositionParser parser(page, ExpositionFormat::kPrometheusText);
  for (auto event = parser.Next(); event != ExpositionEvent::kEnd; event = parser.Next()) {
    if (event == ExpositionEvent::kError) std::abort();
    if (event == ExpositionEvent::kSample) on_sample(parser);
  }
}

void BM_ParseKnownPage(benchmark::State& state) {
  const std::string page = bench::Page(1);
  ScrapeCache cache;
  const auto scrape = [&] {
    cache.Begin();
    Parse(page, [&, ref = SeriesRef{1}](const ExpositionParser& parser) mutable {
      const ScrapeCache::Hit hit = cache.Find(parser.series_text(), true);
      if (!hit.known) cache.Add(parser.series_text(), ref++, true);
      benchmark::DoNotOptimize(parser.value());
    });
    benchmark::DoNotOptimize(cache.Finish());
  };
  scrape();
  for (auto _ : state) scrape();
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * page.size()));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * bench::kSeries));
}
BENCHMARK(BM_ParseKnownPage)->Unit(benchmark::kMillisecond);

void BM_ParseKnownPage_Naive(benchmark::State& state) {
  const std::string page = bench::Page(1);
  for (auto _ : state) {
    Parse(page, [](const ExpositionParser& parser) {
      const Result<LabelSet> labels = parser.ReadLabels();
      if (!labels.ok()) std::abort();
      benchmark::DoNotOptimize(labels->Hash());
    });
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * page.size()));
}
BENCHMARK(BM_ParseKnownPage_Naive)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin
