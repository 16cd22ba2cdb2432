// Whether 1,000 rules in 50 groups over 100,000 series keep their slots on one core, in real time:
//
//   build/release/tests/bench/rule_slots [SECONDS]
//
// Half of the rules record rates, half alert; every series gets a sample every 15 seconds, and
// every group is evaluated every 15 seconds. Prints missed slots, how late evaluations ended, and
// how busy the core was with it.
#include <fmt/core.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/elastic_pool.h"
#include "base/scheduler.h"
#include "engine/storage/head.h"
#include "rules/manager.h"
#include "tests/support/capture_log.h"
#include "tests/support/memory_files.h"

namespace tocsin::bench {
namespace {

constexpr int kMetrics = 1'000;
constexpr int kSeriesOfMetric = 100;
constexpr int kGroups = 50;
constexpr Duration kInterval = std::chrono::seconds(15);

class SilentNotifier final : public Notifier {
 public:
  void Notify(std::vector<Notification> /*notifications*/) override {}
};

std::string Rules() {
  std::string text = "groups:\n";
  for (int group = 0; group < kGroups; ++group) {
    text += fmt::format("- name: g{}\n  interval: 15s\n  rules:\n", group);
    for (int i = 0; i < kMetrics / kGroups; ++i) {
      const int metric = group * (kMetrics / kGroups) + i;
      text += i % 2 == 0
                  ? fmt::format(
                        "  - {{record: 'job:m{0}:rate', expr: 'sum by (job) (rate(m{0}[1m]))'}}\n",
                        metric)
                  : fmt::format("  - {{alert: Many{0}, expr: 'rate(m{0}[1m]) > 1e9', for: 5m}}\n",
                                metric);
    }
  }
  return text;
}

class Feeder {
 public:
  explicit Feeder(Head& head) : head_(head) {
    for (int metric = 0; metric < kMetrics; ++metric) {
      for (int i = 0; i < kSeriesOfMetric; ++i) {
        refs_.push_back(head.Register({{"__name__", fmt::format("m{}", metric)},
                                       {"job", fmt::format("j{}", i % 4)},
                                       {"instance", fmt::format("10.0.0.{}:80", i)}}));
      }
    }
  }
  void Feed(Timestamp at) {
    std::vector<PendingSample> batch;
    batch.reserve(refs_.size());
    for (size_t i = 0; i < refs_.size(); ++i) {
      batch.push_back({.ref = refs_[i],
                       .t_ms = ToMs(at),
                       .value = static_cast<double>(i * 3 + rounds_ * (i % 17))});
    }
    ++rounds_;
    if (!head_.Commit(batch).ok()) std::abort();
  }

 private:
  Head& head_;
  std::vector<SeriesRef> refs_;
  size_t rounds_ = 0;
};

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void StayOnOneCore() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  ::sched_setaffinity(0, sizeof(set), &set);
}

int Run(int run_seconds) {
  StayOnOneCore();
  const SystemClock clock;
  Head head({}, clock);
  Feeder feeder(head);
  for (int i = 8; i > 0; --i) feeder.Feed(clock.Now() - i * kInterval);

  testing_support::CaptureLog log;
  testing_support::MemoryFiles files;
  files.Put("r.yml", Rules());
  Metrics metrics;
  SilentNotifier notifier;
  const promql::Engine engine({}, clock, nullptr);
  ElasticPool pool("rules", 64);
  ThreadScheduler scheduler;
  RuleManager manager({},
                      {clock, scheduler, pool, engine, head, head, notifier, files, log, metrics});
  Config config;
  config.path = "tocsin.yml";
  config.rule_files = {"r.yml"};
  if (const Status status = manager.Apply(config); !status.ok()) {
    fmt::print(stderr, "{}\n", status.error().message);
    return 1;
  }

  const double cpu_begin = CpuSeconds();
  double feeding = 0;
  const SteadyTime end = clock.Steady() + std::chrono::seconds(run_seconds);
  while (clock.Steady() < end) {
    const double before = CpuSeconds();
    feeder.Feed(clock.Now());
    feeding += CpuSeconds() - before;
    std::this_thread::sleep_until(std::min(end, clock.Steady() + kInterval));
  }
  const double cpu = CpuSeconds() - cpu_begin;
  manager.Stop();

  uint64_t iterations = 0;
  uint64_t missed = 0;
  size_t failed = 0;
  double longest = 0;
  std::vector<double> late;
  const std::shared_ptr<const RulesSnapshot> snapshot = manager.Snapshot();
  for (const RuleGroupSnapshot& group : snapshot->groups) {
    iterations += group.iterations;
    missed += group.missed_iterations;
    longest = std::max(longest, group.evaluation_seconds);
    if (!group.last_evaluation) continue;
    // The slot before the next one is the one that was evaluated.
    late.push_back(ToSeconds(*group.last_evaluation - (group.next_evaluation - group.interval)) +
                   group.evaluation_seconds);
    for (const RuleSnapshot& rule : group.rules)
      failed += rule.health == RuleHealth::kError ? 1 : 0;
  }
  fmt::print("{} groups, {} rules, {} series, {} s on one core\n", kGroups, kMetrics,
             kMetrics * kSeriesOfMetric, run_seconds);
  fmt::print("evaluations of groups: {}, missed slots: {}, rules that failed: {}\n", iterations,
             missed, failed);
  fmt::print(
      "last evaluation of a group: the longest took {:.1f} ms; ended at most {:.1f} ms after "
      "its slot\n",
      longest * 1000, late.empty() ? 0 : *std::ranges::max_element(late) * 1000);
  fmt::print("core: {:.1f}% with rules, {:.1f}% with storing samples\n",
             100 * (cpu - feeding) / run_seconds, 100 * feeding / run_seconds);
  return 0;
}

}  // namespace
}  // namespace tocsin::bench

int main(int argc, char** argv) { return tocsin::bench::Run(argc > 1 ? std::atoi(argv[1]) : 60); }
