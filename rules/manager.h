// Runs the rules: loads the rule files, evaluates each group at its slots, writes what they give
// into the store and hands alerts to the Notifier.
//
// A group is evaluated at ts = slot, where slots lie at floor((now - offset) / interval) · interval
// + offset, and the offset is a hash of the group's name and file: spread over the interval, and
// the same in every process and after every restart. Groups run side by side on the executor; the
// rules of a group one after the other, so that later rules see what earlier ones wrote.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "alertmanager_client/notifier.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/files.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"
#include "config/config.h"
#include "engine/promql/engine.h"
#include "engine/storage/appender.h"
#include "engine/storage/querier.h"
#include "rules/data_source.h"
#include "rules/reload_report.h"
#include "rules/snapshot.h"
#include "rules/state_restore.h"

namespace tocsin {

struct RuleManagerOptions {
  std::string external_url;  // of this process, without a trailing slash
  Duration resend_delay = std::chrono::minutes(1);
  // For how long a resolved alert is kept and re-sent.
  Duration resolved_retention = std::chrono::minutes(15);
  // Where alert states are kept over restarts; "": nowhere.
  std::string journal_path;
  // State older than this is not restored.
  Duration outage_tolerance = std::chrono::hours(1);
  // Without a journal, only rules with at least this `for` are restored from the store.
  Duration for_grace_period = std::chrono::minutes(10);
  // Threads of the executor that groups may take beside their own, all together, for rules that do
  // not depend on each other.
  size_t max_concurrent_evals = 4;
  // Evaluations that are remembered for each rule.
  size_t history = 20;
  // Whether there are figures of single rules (tocsin_rule_*).
  bool rule_metrics = true;
};

class AlertJournal;
class GroupRunner;
class RuleGroup;
class RuleSeriesWriter;
class SpareThreads;
struct FormerRule;
struct HandOverResult;
struct RuleGroupSettings;
struct RuleGroupSpec;

// Thread safety: all methods may be called from any thread; Apply and Stop not at the same time.
class RuleManager {
 public:
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& cpu;
    const promql::Engine& engine;
    const Querier& querier;
    SampleSink& sink;
    Notifier& notifier;
    FileSystem& files;
    Logger& log;
    Metrics& metrics;
    DataSources sources;  // may be empty
    // Where the state of alerts is asked for when neither the journal nor the store has any; may be
    // empty.
    RemoteStates remote_states{};
  };

  RuleManager(RuleManagerOptions options, Dependencies dependencies);
  ~RuleManager();

  // Whether Apply would succeed: loads and checks the rule files, and changes nothing.
  Status Check(const Config& config) const;

  // Loads the rule files that the configuration names and runs them instead of the present ones.
  // All or nothing: an error in any file leaves everything as it was. Alerts of rules that stay
  // keep their state; alerts of rules that go are resolved.
  Status Apply(const Config& config);
  // What the last Apply that worked has changed.
  RulesReload last_reload() const;

  std::shared_ptr<const RulesSnapshot> Snapshot() const;

  // Ends evaluation; returns when none is running any more. State stays in the journal.
  void Stop();

 private:
  using Runners = std::vector<std::shared_ptr<GroupRunner>>;
  struct RulePlace {
    int line;
    int column;
  };
  // The rules of each group in their order, by the group's file and name.
  using Places = std::map<std::pair<std::string, std::string>, std::vector<RulePlace>>;

  RuleGroupSettings SettingsFor(const Config& config) const;
  std::shared_ptr<GroupRunner> MakeRunner(RuleGroupSpec spec, const RuleGroupSettings& settings);
  Runners CurrentRunners() const;
  static Places PlacesOf(const std::vector<RuleGroupSpec>& groups);
  // Groups that are due at the same time wait for those that they read from.
  static void Order(const Runners& runners);
  static void Report(const Runners& outgoing, const Runners& started, const HandOverResult& handed,
                     RulesReload& report);
  // What the process before this one left. Without a journal the groups look for it themselves.
  std::vector<FormerRule> RestoreJournal(const std::vector<RuleGroup*>& groups);
  void UpdateJournal(const Runners& all, const Runners& started);
  // Ends what rules without successors have left: their alerts at once, their series with the
  // next evaluation of the group or, when that is gone too, after two intervals.
  void EndFormerRules(std::vector<FormerRule> former, const Runners& started);
  void EndLater(std::shared_ptr<RuleSeriesWriter> written, Duration delay);

  const RuleManagerOptions options_;
  const Dependencies dependencies_;
  const Timestamp started_at_;
  const std::unique_ptr<SpareThreads> threads_;
  const std::unique_ptr<AlertJournal> journal_;  // null when there is none
  bool restored_ = false;                        // by the first Apply
  mutable Mutex mutex_;
  Runners runners_ GUARDED_BY(mutex_);
  // Of the files as they were read last: a group that runs on unchanged may have moved in its file.
  std::shared_ptr<const Places> places_ GUARDED_BY(mutex_) = std::make_shared<const Places>();
  RulesReload last_reload_ GUARDED_BY(mutex_);
  // Series that wait for their staleness markers; the timers hold them weakly.
  std::vector<std::shared_ptr<RuleSeriesWriter>> ending_ GUARDED_BY(mutex_);
};

}  // namespace tocsin
