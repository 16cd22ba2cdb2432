// Rules over a real engine and a real store, by a fake clock, all on the calling thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/promql/engine.h"
#include "engine/storage/head.h"
#include "rules/manager.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_executor.h"
#include "tests/support/memory_files.h"

namespace tocsin::testing_support {

class RecordingNotifier final : public Notifier {
 public:
  explicit RecordingNotifier(const Clock& clock) : clock_(clock) {}

  void Notify(std::vector<Notification> notifications) override {
    for (Notification& each : notifications) {
      timeline.emplace_back(clock_.Now(), each);
      sent.push_back(std::move(each));
    }
  }
  std::vector<Notification> Take() { return std::exchange(sent, {}); }

  std::vector<Notification> sent;  // since the last Take
  std::vector<std::pair<Timestamp, Notification>> timeline;

 private:
  const Clock& clock_;
};

class RulesFixture : public testing::Test {
 protected:
  RulesFixture() {
    config_.path = "tocsin.yml";
    config_.rule_files = {"*.rules"};
  }

  // The groups of a.rules, whose interval is a minute unless they say otherwise.
  void Load(const std::string& groups) { files_.Put("a.rules", "groups:\n" + groups); }
  // A new process with the same files.
  void Start() {
    manager_.reset();
    manager_ = std::make_unique<RuleManager>(
        options_, RuleManager::Dependencies{clock_, scheduler_, executor_, engine_, *head_, *head_,
                                            notifier_, files_, log_, metrics_, sources_});
    const Status status = manager_->Apply(config_);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  // The process dies and takes the store with it; it is away for `outage`.
  void Kill(Duration outage) {
    manager_.reset();
    head_ = std::make_unique<Head>(HeadOptions{}, clock_);
    scheduler_.Advance(outage);
  }
  void StartWith(const std::string& groups) {
    Load(groups);
    Start();
  }
  // Reloads the files.
  Status Apply() { return manager_->Apply(config_); }

  // Sets what a series has from now on; collected every 15 seconds.
  void Set(const LabelSet& series, double value) { values_[series] = value; }
  void Unset(const LabelSet& series) { values_.erase(series); }
  void Advance(Duration d) {
    const Timestamp end = clock_.Now() + d;
    while (clock_.Now() < end) {
      Appender appender(*head_);
      for (const auto& [series, value] : values_) {
        appender.Append(series, ToMs(clock_.Now()), value);
      }
      ASSERT_TRUE(appender.Commit().ok());
      scheduler_.Advance(std::min<Duration>(std::chrono::seconds(15), end - clock_.Now()));
    }
  }

  // The newest value at the present time, or nothing.
  std::optional<double> Value(const std::string& query) {
    const auto parsed = engine_.Parse(query);
    EXPECT_TRUE(parsed.ok());
    const auto result = engine_.Instant(**parsed, *head_, ToMs(clock_.Now()));
    EXPECT_TRUE(result.ok());
    const auto* vector = std::get_if<promql::VectorValue>(&result->value);
    if (vector == nullptr || vector->empty()) return std::nullopt;
    return vector->front().point.value;
  }
  RuleGroupSnapshot Group(size_t index = 0) const { return manager_->Snapshot()->groups.at(index); }
  RuleSnapshot Rule(size_t index = 0) const { return Group().rules.at(index); }
  double Figure(const std::string& name) const {
    for (const MetricFamilySnapshot& family : metrics_.Collect()) {
      if (family.name == name && !family.samples.empty()) return family.samples[0].value;
    }
    return -1;
  }

  FakeClock clock_;
  FakeScheduler scheduler_{clock_};
  InlineExecutor executor_;
  promql::Engine engine_{{}, clock_, nullptr};
  std::unique_ptr<Head> head_ = std::make_unique<Head>(HeadOptions{}, clock_);
  RecordingNotifier notifier_{clock_};
  MemoryFiles files_;
  CaptureLog log_;
  Metrics metrics_;
  RuleManagerOptions options_{.external_url = "http://tocsin"};
  Config config_;
  DataSources sources_;  // none
  std::map<LabelSet, double> values_;
  std::unique_ptr<RuleManager> manager_;
};

}  // namespace tocsin::testing_support
