// A backtest of 20 rules over 1000 series with a sample every 15 s, in blocks and, as the twin,
// slot by slot. Each gauge alerts about a sixth of the time. TOCSIN_BENCH_DAYS=30 in the
// environment makes it a month instead of six hours.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>

#include "engine/storage/head.h"
#include "rules/backtest/backtest.h"
#include "tests/support/fake_clock.h"

namespace tocsin {
namespace {

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kStepMs = 15'000;

int64_t StepsFor(double fallback_days) {
  const char* days = std::getenv("TOCSIN_BENCH_DAYS");
  const double wanted = days == nullptr ? fallback_days : std::atof(days);
  return static_cast<int64_t>(wanted * 86'400'000 / kStepMs);
}

// 100 instances with ten metrics each: gauges that wander and counters.
struct Filled {
  explicit Filled(int64_t count) : steps(count) {
    std::vector<SeriesRef> refs;
    for (int metric = 0; metric < 10; ++metric) {
      for (int instance = 0; instance < 100; ++instance) {
        refs.push_back(head.Register({{"__name__", "m" + std::to_string(metric)},
                                      {"job", "j" + std::to_string(instance % 4)},
                                      {"instance", std::to_string(instance)}}));
      }
    }
    Appender appender(head);
    std::vector<double> values(refs.size());
    uint64_t random = 1;
    for (int64_t step = 0; step < steps; ++step) {
      for (size_t i = 0; i < refs.size(); ++i) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto noise = static_cast<double>(random >> 60);
        const bool counter = i < refs.size() / 2;
        values[i] = counter ? values[i] + noise
                            : std::round(50 + 40 * std::sin(step / 900.0 + i) + noise / 8);
        appender.Append(refs[i], kStartMs + step * kStepMs, values[i]);
      }
      if (!appender.Commit().ok()) std::abort();
    }
  }

  const int64_t steps;
  testing_support::FakeClock clock{FromMs(kStartMs)};
  Head head{{.retention = Duration::zero(), .max_future = Duration::zero()}, clock};
};

const std::string kAnnotations =
    "annotations: {summary: '{{ $labels.job }}: {{ $value | humanize }}'}";

std::vector<RuleGroupSpec> Rules() {
  std::string text = "groups:\n- name: bench\n  interval: 15s\n  rules:\n";
  for (int i = 0; i < 10; ++i) {
    const std::string gauge = "m" + std::to_string(5 + i % 5);
    const std::string counter = "m" + std::to_string(i % 5);
    text += "  - {alert: G" + std::to_string(i) + ", expr: " + gauge + " > 85, for: 2m, " +
            kAnnotations + "}\n";
    text += "  - {alert: C" + std::to_string(i) + ", expr: 'sum by (job) (rate(" + counter +
            "[5m])) > 12.6', for: 5m, " + kAnnotations + "}\n";
  }
  const Result<std::vector<RuleGroupSpec>> groups = ParseRuleFile("bench.yml", text);
  if (!groups.ok()) std::abort();
  return *groups;
}

void Run(benchmark::State& state, double days, bool stepwise) {
  const Filled filled(StepsFor(days));
  const SystemClock clock;
  const promql::Engine engine({}, clock, nullptr);
  const std::vector<RuleGroupSpec> groups = Rules();
  const BacktestOptions options = {.from = FromMs(kStartMs),
                                   .to = FromMs(kStartMs + (filled.steps - 1) * kStepMs),
                                   .stepwise = stepwise};
  uint64_t evaluations = 0;
  for (auto _ : state) {
    Head written({.retention = Duration::zero(), .max_future = Duration::zero()}, clock);
    const Result<BacktestResult> result =
        Backtest(groups, filled.head, {written, written}, engine, options);
    if (!result.ok()) std::abort();
    evaluations += result->evaluations;
  }
  state.SetItemsProcessed(static_cast<int64_t>(evaluations));
}

void BM_Backtest(benchmark::State& state) { Run(state, 0.25, false); }
BENCHMARK(BM_Backtest)->Unit(benchmark::kMillisecond);

void BM_Backtest_Naive(benchmark::State& state) { Run(state, 0.25, true); }
BENCHMARK(BM_Backtest_Naive)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin
