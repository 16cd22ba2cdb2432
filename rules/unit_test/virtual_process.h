// The rules of one unit test as a process runs them, on a clock that jumps from step to step: the
// real groups, state machine, journal and store; only time, collection and the Alertmanager are
// not real.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/promql/engine.h"
#include "engine/promqltest/script_loader.h"
#include "rules/data_source.h"
#include "rules/evaluation_lanes.h"
#include "rules/rule_file.h"
#include "rules/rule_group.h"
#include "rules/unit_test/comparison.h"
#include "rules/unit_test/unit_test_file.h"

namespace tocsin::unit_test {

// Stands where it is put.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(Timestamp start) : now_(start) {}
  void Set(Timestamp now) { now_ = now; }
  Timestamp Now() const override { return now_; }
  SteadyTime Steady() const override { return SteadyTime{now_.time_since_epoch()}; }

 private:
  Timestamp now_;
};

// An Alertmanager that writes down what it gets. While it is away the newest state of each alert
// waits, as in the real queue.
class VirtualAlertmanager final : public Notifier {
 public:
  VirtualAlertmanager(const Clock& clock, Timestamp start) : clock_(clock), start_(start) {}

  void Notify(std::vector<Notification> notifications) override;
  void GoAway() { away_ = true; }
  void ComeBack();
  const std::vector<SentAlert>& sent() const { return sent_; }

 private:
  const Clock& clock_;
  const Timestamp start_;
  bool away_ = false;
  std::map<LabelSet, Notification> waiting_;
  std::vector<SentAlert> sent_;
};

// Not thread-safe.
class VirtualProcess {
 public:
  struct Options {
    Timestamp start{};
    LabelSet external_labels;
    std::string external_url;
    Duration resend_delay{};
    Duration collection_interval{};
    promql::EngineOptions engine;
  };

  explicit VirtualProcess(Options options);

  // A later series with the same labels replaces an earlier one, as in promtool.
  Status AddSeries(const std::vector<InputSeries>& input, Duration interval,
                   const std::string& file);
  // The first rules, or other ones from now on: a reload. Rules that stay keep their alerts.
  void SetRules(std::vector<RuleGroupSpec> specs);
  // Nothing runs and nothing is collected for `outage` from now; alerts come back from the journal.
  void Restart(Duration outage);
  VirtualAlertmanager& alertmanager() { return alertmanager_; }

  // Moves the clock, and stores what has been collected until then.
  Status MoveTo(Timestamp now);
  Timestamp now() const { return clock_.Now(); }
  bool is_down() const { return down_until_ && now() < *down_until_; }
  std::vector<std::unique_ptr<RuleGroup>>& groups() { return groups_; }

  // A vector or a scalar, as a rule would see it.
  Result<promql::VectorValue> Query(const std::string& expression, Timestamp at) const;
  // Every series with its samples of the time before `at`, one a line.
  std::string Dump(Timestamp at, Duration reach) const;

 private:
  RuleGroupSettings Settings() const;
  std::vector<FormerRule> ReleaseAll();
  std::vector<FormerRule> Remembered();
  void ComeBack();
  std::vector<std::unique_ptr<RuleGroup>> Build(
      const std::vector<std::shared_ptr<const RuleGroupSpec>>& specs);
  void EndFormer(std::vector<FormerRule> former);
  RuleGroup& GroupLike(const FormerRule& rule);

  class Silence final : public Logger {
    void Log(LogLevel /*level*/, std::string_view /*message*/,
             std::initializer_list<LogField> /*fields*/) override {}
  };

  const Options options_;
  VirtualClock clock_;
  Silence log_;
  Metrics metrics_;
  SpareThreads threads_{nullptr, 0};
  const DataSources sources_;  // none: everything that can be collected is in the test
  const promql::Engine engine_;
  promqltest::ScriptStore store_;
  VirtualAlertmanager alertmanager_;
  std::vector<std::vector<PendingSample>> input_;  // per series, by time
  std::vector<size_t> next_;                       // per series: the first that is not stored
  std::vector<std::unique_ptr<RuleGroup>> groups_;
  Timestamp started_at_;                 // the process, not the test
  std::optional<Timestamp> down_until_;  // set from the death of a process until the next lives
  std::string journal_;                  // that the dead one has left
};

}  // namespace tocsin::unit_test
