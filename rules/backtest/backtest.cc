#include "rules/backtest/backtest.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <variant>

#include "alertmanager_client/notifier.h"
#include "base/log.h"
#include "base/metrics.h"
#include "engine/promql/parser.h"
#include "engine/promql/plan.h"
#include "rules/backtest/block_run.h"
#include "rules/backtest/layered_querier.h"
#include "rules/backtest/past_world.h"
#include "rules/backtest/run_limits.h"
#include "rules/backtest/timeline.h"
#include "rules/group_runner.h"
#include "rules/rule_group.h"

namespace tocsin {
namespace {

std::vector<Timestamp> SlotsOf(const RuleGroupSpec& group, const BacktestOptions& options) {
  const Duration step = options.step.value_or(group.interval);
  Timestamp at = options.from;
  if (!options.step) {
    at = SlotAt(options.from, group.interval, SlotOffset(group));
    if (at < options.from) at += group.interval;
  }
  std::vector<Timestamp> slots;
  for (; at <= options.to; at += step) slots.push_back(at);
  return slots;
}

BacktestRule RowOf(const RuleGroupSpec& group, const RuleSpec& rule) {
  return {.file = group.file,
          .line = rule.line,
          .group = group.name,
          .name = rule.name,
          .alerting = rule.alerting,
          .hold = rule.hold};
}

// One group on its way through the slots.
class GroupRun {
 public:
  virtual ~GroupRun() = default;
  // Evaluates the slots that are left up to `until`. Errors end the whole run.
  virtual Status RunUntil(Timestamp until) = 0;
  virtual std::vector<BacktestRule> Finish(Timestamp end) = 0;
};

// As in a running process.
class StepwiseRun final : public GroupRun {
 public:
  struct World {
    const promql::Engine& engine;
    const Querier& querier;
    SampleSink& sink;
    RunLimits& limits;
  };
  StepwiseRun(const RuleGroupSpec& spec, const BacktestOptions& options, const World& world)
      : spec_(spec),
        options_(options),
        limits_(world.limits),
        slots_(SlotsOf(spec, options)),
        timelines_(spec.rules.size()),
        failures_(spec.rules.size()) {
    const RuleGroupSettings settings = {.external_labels = options.external_labels,
                                        .external_url = options.external_url,
                                        .resend_delay = options.resend_delay,
                                        .resolved_retention = Duration::zero(),
                                        .history = 1,
                                        .rule_metrics = false};
    group_ =
        std::make_unique<RuleGroup>(std::make_shared<const RuleGroupSpec>(spec), settings,
                                    RuleGroup::Dependencies{.clock = clock_,
                                                            .engine = world.engine,
                                                            .querier = world.querier,
                                                            .sink = world.sink,
                                                            .notifier = notifier_,
                                                            .log = log_,
                                                            .metrics = metrics_,
                                                            .threads = threads_,
                                                            .sources = sources_,
                                                            .canceled = world.limits.Canceled()});
  }

  Status RunUntil(Timestamp until) override {
    for (; next_ < slots_.size() && slots_[next_] <= until; ++next_) {
      clock_.Set(slots_[next_]);
      group_->Evaluate(slots_[next_]);
      RETURN_IF_ERROR(limits_.Check());
      RETURN_IF_ERROR(Note(slots_[next_]));
    }
    return Ok();
  }

  std::vector<BacktestRule> Finish(Timestamp end) override {
    std::vector<BacktestRule> rows;
    for (size_t i = 0; i < spec_.rules.size(); ++i) {
      BacktestRule row = RowOf(spec_, spec_.rules[i]);
      row.evaluations = slots_.size();
      row.failures = failures_[i].first;
      row.first_error = failures_[i].second;
      row.alerts = timelines_[i].Finish(end, options_.flap_window);
      row.firing = timelines_[i].firing();
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  // What the evaluation at that slot has done.
  Status Note(Timestamp at) {
    notifier_.Take();
    const RuleGroupSnapshot snapshot = group_->Snapshot();
    size_t kept = 0;
    for (size_t i = 0; i < spec_.rules.size(); ++i) {
      kept += group_->samples(i);
      if (spec_.rules[i].alerting) kept += timelines_[i].Note(group_->alerting(i)->alerts(), at);
      if (snapshot.rules[i].last_error.empty()) continue;
      if (failures_[i].first++ == 0) failures_[i].second = snapshot.rules[i].last_error;
    }
    return limits_.Keep(kept);
  }

  const RuleGroupSpec& spec_;
  const BacktestOptions& options_;
  RunLimits& limits_;
  SlotClock clock_;
  KeepingNotifier notifier_;
  NoLogger log_;
  Metrics metrics_;
  SpareThreads threads_{nullptr, 0};
  const DataSources sources_;
  std::unique_ptr<RuleGroup> group_;
  const std::vector<Timestamp> slots_;
  size_t next_ = 0;
  std::vector<AlertTimeline> timelines_;
  std::vector<std::pair<uint64_t, std::string>> failures_;
};

class BlockwiseRun final : public GroupRun {
 public:
  BlockwiseRun(const RuleGroupSpec& spec, const BacktestOptions& options, const BlockWorld& world)
      : spec_(spec),
        options_(options),
        slots_(SlotsOf(spec, options)),
        step_(options.step.value_or(spec.interval)) {
    for (const RuleSpec& rule : spec.rules) {
      rules_.push_back(std::make_unique<BlockRule>(rule, spec, world));
    }
  }

  Status RunUntil(Timestamp until) override {
    const size_t begin = next_;
    while (next_ < slots_.size() && slots_[next_] <= until) ++next_;
    if (begin == next_) return Ok();
    const std::span<const Timestamp> slots(&slots_[begin], next_ - begin);
    for (const std::unique_ptr<BlockRule>& rule : rules_) {
      RETURN_IF_ERROR(rule->Run(slots, step_));
    }
    return Ok();
  }

  std::vector<BacktestRule> Finish(Timestamp end) override {
    std::vector<BacktestRule> rows;
    for (size_t i = 0; i < rules_.size(); ++i) {
      BacktestRule row = RowOf(spec_, spec_.rules[i]);
      row.evaluations = slots_.size();
      row.failures = rules_[i]->failures();
      row.first_error = rules_[i]->first_error();
      row.alerts = rules_[i]->timeline().Finish(end, options_.flap_window);
      row.firing = rules_[i]->timeline().firing();
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  const RuleGroupSpec& spec_;
  const BacktestOptions& options_;
  const std::vector<Timestamp> slots_;
  const Duration step_;
  size_t next_ = 0;
  std::vector<std::unique_ptr<BlockRule>> rules_;
};

void CountUp(BacktestResult& result) {
  for (BacktestRule& rule : result.rules) {
    result.evaluations += rule.evaluations;
    for (const BacktestAlert& alert : rule.alerts) {
      rule.pages += alert.pages;
      rule.flaps += alert.flaps;
    }
  }
}

}  // namespace

uint64_t EvaluationsOf(const std::vector<RuleGroupSpec>& groups, const BacktestOptions& options) {
  const auto span = static_cast<uint64_t>((options.to - options.from).count());
  uint64_t evaluations = 0;
  for (const RuleGroupSpec& group : groups) {
    const Duration step = std::max(options.step.value_or(group.interval), Duration(1));
    evaluations += (span / static_cast<uint64_t>(step.count()) + 1) * group.rules.size();
  }
  return evaluations;
}

Result<BacktestResult> Backtest(const std::vector<RuleGroupSpec>& groups, const Querier& history,
                                const WrittenStore& written, const promql::Engine& engine,
                                const BacktestOptions& options) {
  if (options.to < options.from) return InvalidArgument("the end lies before the beginning");
  if (options.step && *options.step <= Duration::zero()) {
    return InvalidArgument("the step must be longer than nothing");
  }
  const LayeredQuerier querier(history, written.querier, NamesWrittenBy(groups));
  RunLimits limits(options.stop, options.max_kept);
  const BlockWorld world{.engine = engine,
                         .querier = querier,
                         .sink = written.sink,
                         .external_labels = options.external_labels,
                         .external_url = options.external_url,
                         .limits = limits};
  std::vector<std::unique_ptr<GroupRun>> runs;
  uint64_t total = 0;
  bool together = false;  // groups that read each other's series go slot by slot, side by side
  for (const RuleGroupSpec& group : groups) together |= ReadsOthers(group, groups);
  for (const RuleGroupSpec& group : groups) {
    total += SlotsOf(group, options).size();
    if (!options.stepwise && !together && GoesInBlocks(group)) {
      runs.push_back(std::make_unique<BlockwiseRun>(group, options, world));
    } else {
      runs.push_back(std::make_unique<StepwiseRun>(
          group, options, StepwiseRun::World{engine, querier, written.sink, limits}));
    }
  }
  // Blocks short enough to be held in memory, long enough to be worth it.
  const Duration shortest = [&] {
    Duration least = std::chrono::hours(1);
    for (const RuleGroupSpec& group : groups) {
      least = std::min(least, options.step.value_or(group.interval));
    }
    return std::max(least, Duration(1));
  }();
  const Duration block = together ? shortest : 960 * shortest;
  const Duration span = options.to - options.from;
  for (Timestamp at = options.from; at <= options.to; at += block) {
    const Timestamp until = std::min(at + block - Duration(1), options.to);
    for (const std::unique_ptr<GroupRun>& run : runs) RETURN_IF_ERROR(run->RunUntil(until));
    const double part =
        span == Duration::zero() ? 1 : ToSeconds(until - options.from) / ToSeconds(span);
    const auto done = static_cast<uint64_t>(part * static_cast<double>(total));
    if (options.progress) options.progress(done, total);
  }
  BacktestResult result{.from = options.from, .to = options.to};
  for (const std::unique_ptr<GroupRun>& run : runs) {
    std::ranges::move(run->Finish(options.to), std::back_inserter(result.rules));
  }
  CountUp(result);
  return result;
}

std::vector<BacktestDifference> Compare(const BacktestResult& before, const BacktestResult& after) {
  using Key = std::pair<std::string, LabelSet>;
  std::map<Key, BacktestDifference> all;
  const auto add = [&](const BacktestResult& result, auto member) {
    for (const BacktestRule& rule : result.rules) {
      for (const BacktestAlert& alert : rule.alerts) {
        BacktestDifference& difference = all[{rule.name, alert.labels}];
        difference.rule = rule.name;
        difference.labels = alert.labels;
        difference.*member = &alert;
      }
    }
  };
  add(before, &BacktestDifference::before);
  add(after, &BacktestDifference::after);
  std::vector<BacktestDifference> differences;
  for (auto& [key, difference] : all) {
    const bool same = difference.before != nullptr && difference.after != nullptr &&
                      difference.before->transitions == difference.after->transitions;
    if (!same) differences.push_back(std::move(difference));
  }
  return differences;
}

}  // namespace tocsin
