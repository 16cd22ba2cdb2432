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

}  // namespace
}  // namespace tocsin
