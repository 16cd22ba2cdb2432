#include <benchmark/benchmark.h>

#include "engine/promql/engine.h"
#include "engine/promql/group_plan.h"
#include "tests/bench/bench_series.h"

namespace tocsin::promql {
namespace {

constexpr size_t kSamples = 120;
constexpr int64_t kRangeMs = 25 * 60'000;

struct Setup {
  bench::FilledHead filled{kSamples};
  testing_support::FakeClock clock{FromMs(filled.now_ms())};
  ThreadPool pool{"bench", 2};

  // Between two samples.
  int64_t end_ms() const { return filled.now_ms() - bench::kIntervalMs / 2; }

  void Range(const Engine& engine, std::string_view text) {
    const auto query = engine.Parse(text);
    const auto result =
        engine.Range(**query, filled.head(), end_ms() - kRangeMs, end_ms(), bench::kIntervalMs);
    if (!result.ok()) std::abort();
  }
  // Every step as a query of its own: nothing slides, nothing is kept.
  void StepByStep(const Engine& engine, std::string_view text) {
    const auto query = engine.Parse(text);
    for (int64_t t = end_ms() - kRangeMs; t <= end_ms(); t += bench::kIntervalMs) {
      if (!engine.Instant(**query, filled.head(), t).ok()) std::abort();
    }
  }
};

constexpr std::string_view kRate = "sum by (handler) (rate(http_requests_total[5m]))";
constexpr std::string_view kMax = "max by (handler) (max_over_time(http_requests_total[5m]))";
constexpr std::string_view kFixed = "sum by (handler) (rate(http_requests_total[5m] @ end()))";

// Windows that slide over samples which are decoded once.
void BM_SlidingRate(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) setup.Range(engine, kRate);
}
BENCHMARK(BM_SlidingRate)->Unit(benchmark::kMillisecond);
void BM_SlidingRate_Naive(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) setup.StepByStep(engine, kRate);
}
BENCHMARK(BM_SlidingRate_Naive)->Unit(benchmark::kMillisecond);

void BM_SlidingMax(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) setup.Range(engine, kMax);
}
BENCHMARK(BM_SlidingMax)->Unit(benchmark::kMillisecond);
void BM_SlidingMax_Naive(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) setup.StepByStep(engine, kMax);
}
BENCHMARK(BM_SlidingMax_Naive)->Unit(benchmark::kMillisecond);

// What @ fixes is computed for one step.
void BM_StepInvariant(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) setup.Range(engine, kFixed);
}
BENCHMARK(BM_StepInvariant)->Unit(benchmark::kMillisecond);
void BM_StepInvariant_Naive(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) setup.StepByStep(engine, kFixed);
}
BENCHMARK(BM_StepInvariant_Naive)->Unit(benchmark::kMillisecond);

// Rows are read by the calling thread and by helpers.
void BM_AllCores(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, &setup.pool);
  for (auto _ : state) setup.Range(engine, kRate);
}
BENCHMARK(BM_AllCores)->Unit(benchmark::kMillisecond)->UseRealTime();
void BM_AllCores_Naive(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) setup.Range(engine, kRate);
}
BENCHMARK(BM_AllCores_Naive)->Unit(benchmark::kMillisecond)->UseRealTime();

// Equal parts of one query are computed once.
void BM_EqualParts(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  const std::string both = std::string(kRate) + " / (" + std::string(kRate) + " + 1)";
  for (auto _ : state) setup.Range(engine, both);
}
BENCHMARK(BM_EqualParts)->Unit(benchmark::kMillisecond);
void BM_EqualParts_Naive(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) {
    setup.Range(engine, kRate);
    setup.Range(engine, kRate);
  }
}
BENCHMARK(BM_EqualParts_Naive)->Unit(benchmark::kMillisecond);

// A rule's groups are remembered while the series stay the same.
GroupPlan PlanOf(const Engine& engine, std::string_view text) {
  std::vector<GroupQuery> queries;
  queries.push_back({*engine.Parse(text), {}});
  return {engine, std::move(queries)};
}

constexpr std::string_view kNewest = "sum by (handler, code) (http_requests_total)";

void BM_RememberedGroups(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  GroupPlan plan = PlanOf(engine, kNewest);
  for (auto _ : state) {
    if (!plan.Begin(setup.filled.head(), setup.filled.now_ms()).Run(0).ok()) std::abort();
  }
}
BENCHMARK(BM_RememberedGroups)->Unit(benchmark::kMillisecond);
void BM_RememberedGroups_Naive(benchmark::State& state) {
  Setup setup;
  const Engine engine({}, setup.clock, nullptr);
  for (auto _ : state) {
    GroupPlan plan = PlanOf(engine, kNewest);
    if (!plan.Begin(setup.filled.head(), setup.filled.now_ms()).Run(0).ok()) std::abort();
  }
}
BENCHMARK(BM_RememberedGroups_Naive)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin::promql
