#include <benchmark/benchmark.h>

#include "tests/bench/bench_series.h"

namespace tocsin {
namespace {

double ReadAll(const bench::FilledHead& filled, const SeriesSet& set) {
  const TimeRange range{filled.now_ms() - 300'000, filled.now_ms()};
  double sum = 0;
  for (size_t series = 0; series < set.size(); ++series) {
    if (const auto newest = set.ReadNewest(series, range)) sum += newest->value;
  }
  return sum;
}

std::unique_ptr<SeriesSet> Select(bench::FilledHead& filled, const std::vector<Matcher>& matchers,
                                  SymbolTable& symbols) {
  const TimeRange range{filled.now_ms() - 300'000, filled.now_ms()};
  auto set = filled.head().Select(matchers, range, {}, symbols);
  if (!set.ok()) std::abort();
  return *std::move(set);
}

// A tenth of the series, by a label's value.
void BM_SelectByLabels(benchmark::State& state) {
  bench::FilledHead filled(20);
  const std::vector<Matcher> matchers = {
      Matcher::Equal("__name__", "http_requests_total"),
      *Matcher::Make(MatchOp::kRegex, "handler", "/api/v1/resource/.")};
  for (auto _ : state) {
    SymbolTable symbols(filled.head().symbols());
    benchmark::DoNotOptimize(ReadAll(filled, *Select(filled, matchers, symbols)));
  }
}
BENCHMARK(BM_SelectByLabels)->Unit(benchmark::kMicrosecond);

void BM_SelectByLabels_Naive(benchmark::State& state) {
  bench::FilledHead filled(20);
  const Matcher handler = *Matcher::Make(MatchOp::kRegex, "handler", "/api/v1/resource/.");
  const std::vector<Matcher> all = {Matcher::Equal("__name__", "http_requests_total")};
  const TimeRange range{filled.now_ms() - 300'000, filled.now_ms()};
  for (auto _ : state) {
    SymbolTable symbols(filled.head().symbols());
    const auto set = Select(filled, all, symbols);
    double sum = 0;
    for (size_t series = 0; series < set->size(); ++series) {
      if (!handler.Matches(set->labels(series).ToLabelSet(symbols).Get("handler"))) continue;
      if (const auto newest = set->ReadNewest(series, range)) sum += newest->value;
    }
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(BM_SelectByLabels_Naive)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tocsin
