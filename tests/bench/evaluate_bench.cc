#include <benchmark/benchmark.h>

#include "engine/promql/engine.h"
#include "engine/promql/group_plan.h"
#include "tests/bench/bench_series.h"

namespace tocsin::promql {
namespace {

constexpr std::string_view kRules[] = {
    "sum by (job) (rate(http_requests_total[5m]))",
    "sum by (handler) (rate(http_requests_total[5m]))",
    "sum by (handler) (rate(http_requests_total{code=~\"5..\"}[5m])) / sum by (handler) "
    "(rate(http_requests_total[5m])) > 0.05",
    "topk(5, sum by (instance) (rate(http_requests_total[5m])))",
    "max by (code) (http_requests_total) > 1e6",
};

struct Setup {
  bench::FilledHead filled{40};
  testing_support::FakeClock clock{FromMs(filled.now_ms())};
  Engine engine{EngineOptions{}, clock, nullptr};
  std::vector<std::shared_ptr<const ParsedQuery>> queries;

  Setup() {
    for (const std::string_view rule : kRules) queries.push_back(*engine.Parse(rule));
  }
};

void BM_EvaluateGroup(benchmark::State& state) {
  Setup setup;
  std::vector<GroupQuery> group;
  for (const auto& query : setup.queries) group.push_back({query, {}});
  GroupPlan plan(setup.engine, std::move(group));
  for (auto _ : state) {
    GroupPlan::Evaluation evaluation = plan.Begin(setup.filled.head(), setup.filled.now_ms());
    for (size_t i = 0; i < plan.size(); ++i) {
      if (!evaluation.Run(i).ok()) std::abort();
    }
  }
}
BENCHMARK(BM_EvaluateGroup)->Unit(benchmark::kMillisecond);

void BM_EvaluateGroup_Naive(benchmark::State& state) {
  Setup setup;
  for (auto _ : state) {
    for (const auto& query : setup.queries) {
      if (!setup.engine.Instant(*query, setup.filled.head(), setup.filled.now_ms()).ok()) {
        std::abort();
      }
    }
  }
}
BENCHMARK(BM_EvaluateGroup_Naive)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin::promql
