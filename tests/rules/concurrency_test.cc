// The rules with real threads and real time: reloads, snapshots and evaluations side by side. What
// is checked is that nothing hangs, and by the thread sanitizer that nothing races.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/elastic_pool.h"
#include "base/executor.h"
#include "base/scheduler.h"
#include "engine/storage/head.h"
#include "rules/manager.h"
#include "tests/support/capture_log.h"
#include "tests/support/memory_files.h"

namespace tocsin {
namespace {

class NameNotifier final : public Notifier {
 public:
  void Notify(std::vector<Notification> notifications) override {
    const std::lock_guard lock(mutex_);
    for (const Notification& each : notifications) names_.emplace(each.labels.Get("alertname"));
  }
  bool Knows(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return names_.contains(name);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> names_;
};

std::string Groups(int generation) {
  std::string text = "groups:\n";
  for (int i = 0; i < 4; ++i) {
    const std::string number = std::to_string(i == 0 ? generation : i);
    text += "  - name: g" + number + "\n    interval: " + std::to_string(2 + i) +
            "ms\n    rules:\n      - {record: r" + number + ", expr: vector(" + number +
            ")}\n      - {alert: A" + number + ", expr: r" + number + " >= 0}\n";
  }
  return text;
}

TEST(RulesConcurrencyTest, ReloadsSnapshotsAndEvaluationsLiveTogether) {
  const SystemClock clock;
  testing_support::CaptureLog log;
  testing_support::MemoryFiles files;
  Metrics metrics;
  NameNotifier notifier;
  Head head({}, clock);
  const promql::Engine engine({}, clock, nullptr);
  ThreadPool cpu("cpu", 3);
  ThreadScheduler scheduler;
  RuleManager manager({.journal_path = "alerts.json"},
                      {clock, scheduler, cpu, engine, head, head, notifier, files, log, metrics});
  Config config;
  config.path = "tocsin.yml";
  config.rule_files = {"a.rules"};

  std::atomic<bool> done = false;
  std::thread reader([&] {
    while (!done) {
      const std::shared_ptr<const RulesSnapshot> snapshot = manager.Snapshot();
      for (const RuleGroupSnapshot& group : snapshot->groups) EXPECT_EQ(group.rules.size(), 2u);
    }
  });
  for (int generation = 10; generation < 40; ++generation) {
    files.Put("a.rules", Groups(generation));
    ASSERT_TRUE(manager.Apply(config).ok());
    while (!notifier.Knows("A" + std::to_string(generation))) std::this_thread::yield();
  }
  done = true;
  reader.join();
  manager.Stop();
  const std::shared_ptr<const RulesSnapshot> last = manager.Snapshot();
  for (const RuleGroupSnapshot& group : last->groups) {
    for (const RuleSnapshot& rule : group.rules) EXPECT_EQ(rule.last_error, "") << rule.name;
  }
}

// A store where selections of one metric hang until they are let go.
class HangingQuerier final : public Querier {
 public:
  explicit HangingQuerier(const Querier& store) : store_(store) {}

  const SymbolTable& symbols() const override { return store_.symbols(); }
  Result<std::unique_ptr<SeriesSet>> Select(std::span<const Matcher> matchers, TimeRange range,
                                            const SelectHints& hints,
                                            SymbolTable& overlay) const override {
    if (!matchers.empty() && matchers[0].value() == "hangs") {
      ++hanging;
      released.wait(false);
    }
    return store_.Select(matchers, range, hints, overlay);
  }
  Result<std::vector<std::string>> LabelNames(Selectors selectors, TimeRange range) const override {
    return store_.LabelNames(selectors, range);
  }
  Result<std::vector<std::string>> LabelValues(std::string_view name, Selectors selectors,
                                               TimeRange range) const override {
    return store_.LabelValues(name, selectors, range);
  }
  Result<std::vector<LabelSet>> Series(Selectors selectors, TimeRange range) const override {
    return store_.Series(selectors, range);
  }
  void Release() {
    released = true;
    released.notify_all();
  }

  mutable std::atomic<int> hanging = 0;
  mutable std::atomic<bool> released = false;

 private:
  const Querier& store_;
};

TEST(RulesConcurrencyTest, AQueryThatHangsStallsItsOwnGroupAlone) {
  const SystemClock clock;
  testing_support::CaptureLog log;
  testing_support::MemoryFiles files;
  Metrics metrics;
  NameNotifier notifier;
  Head head({}, clock);
  HangingQuerier querier(head);
  const promql::Engine engine({}, clock, nullptr);
  ElasticPool pool("rules", 16);
  ThreadScheduler scheduler;
  RuleManager manager(
      {}, {clock, scheduler, pool, engine, querier, head, notifier, files, log, metrics});
  std::string text = "groups:\n";
  for (const char* group : {"h1", "h2", "h3", "h4"}) {
    text += std::string("  - {name: ") + group +
            ", interval: 2ms, rules: [{record: a, expr: hangs}]}\n";
  }
  text += "  - {name: works, interval: 2ms, rules: [{alert: Works, expr: vector(1)}]}\n";
  files.Put("a.rules", text);
  Config config;
  config.path = "tocsin.yml";
  config.rule_files = {"a.rules"};
  ASSERT_TRUE(manager.Apply(config).ok());
  while (querier.hanging < 4) std::this_thread::yield();
  const auto iterations = [&] { return manager.Snapshot()->groups.at(4).iterations; };
  const uint64_t before = iterations();
  while (iterations() < before + 20) std::this_thread::yield();
  EXPECT_TRUE(notifier.Knows("Works"));
  EXPECT_EQ(manager.Snapshot()->groups.at(0).last_evaluation, std::nullopt);
  querier.Release();
  manager.Stop();
}

}  // namespace
}  // namespace tocsin
