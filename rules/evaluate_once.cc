#include "rules/evaluate_once.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/metrics.h"
#include "rules/backtest/layered_querier.h"
#include "rules/backtest/past_world.h"
#include "rules/rule_group.h"

namespace tocsin {

Duration ReplayNeeded(const std::vector<RuleGroupSpec>& groups) {
  Duration longest{};
  for (const RuleGroupSpec& group : groups) {
    for (const RuleSpec& rule : group.rules) {
      longest = std::max(longest, rule.hold + rule.keep_firing_for + group.interval);
    }
  }
  return longest;
}

EvaluatedRules EvaluateOnce(const std::vector<RuleGroupSpec>& groups, const Querier& data,
                            const WrittenStore& written, const promql::Engine& engine,
                            const EvaluateOnceOptions& options) {
  SlotClock clock;
  NoLogger log;
  KeepingNotifier notifier;
  Metrics metrics;
  SpareThreads threads(nullptr, 0);
  const DataSources sources;
  const LayeredQuerier querier(data, written.querier, NamesWrittenBy(groups));
  // Every evaluation tells all that fires, so the last one tells all that fires at `at`.
  const RuleGroupSettings settings = {.external_labels = options.external_labels,
                                      .external_url = options.external_url,
                                      .resend_delay = Duration(-1),
                                      .resolved_retention = Duration::zero(),
                                      .rule_metrics = false};
  EvaluatedRules result;
  for (const RuleGroupSpec& spec : groups) {
    RuleGroup group(
        std::make_shared<const RuleGroupSpec>(spec), settings,
        {clock, engine, querier, written.sink, notifier, log, metrics, threads, sources});
    const int64_t steps = spec.interval > Duration::zero() ? options.replay / spec.interval : 0;
    for (int64_t i = steps; i >= 0; --i) {
      clock.Set(options.at - i * spec.interval);
      notifier.Take();
      group.Evaluate(clock.Now());
    }
    std::ranges::move(notifier.Take(), std::back_inserter(result.payload));
    result.rules.groups.push_back(group.Snapshot());
  }
  for (Notification& notification : result.payload) {
    // Four minutes from now, as a process with the usual settings would say.
    const bool firing = notification.ends_at > options.at;
    if (firing) notification.ends_at = options.at + std::chrono::minutes(4);
    for (const auto& [name, value] : options.external_labels) {
      if (!notification.labels.Has(name)) notification.labels.Set(name, value);
    }
  }
  return result;
}

}  // namespace tocsin
