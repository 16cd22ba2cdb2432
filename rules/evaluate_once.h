// Rules at one time, without a process that runs them: their states, and what the Alertmanager
// would be told.
#pragma once

#include <vector>

#include "alertmanager_client/notifier.h"
#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"
#include "engine/promql/engine.h"
#include "engine/storage/querier.h"
#include "rules/backtest/layered_querier.h"
#include "rules/rule_file.h"
#include "rules/snapshot.h"

namespace tocsin {

struct EvaluateOnceOptions {
  Timestamp at{};
  // Evaluations begin so long before `at`, so that `for` can have passed; zero: only one, in which
  // all alerts with a `for` are pending.
  Duration replay{};
  LabelSet external_labels;
  std::string external_url = "http://localhost:9977";
};

struct EvaluatedRules {
  RulesSnapshot rules;
  // Of the evaluation at `at`: firing alerts, with external labels added where they are missing.
  std::vector<Notification> payload;
};

// The longest time that an alert of the rules needs to fire.
Duration ReplayNeeded(const std::vector<RuleGroupSpec>& groups);

// A rule that fails is told in its snapshot.
EvaluatedRules EvaluateOnce(const std::vector<RuleGroupSpec>& groups, const Querier& data,
                            const WrittenStore& written, const promql::Engine& engine,
                            const EvaluateOnceOptions& options);

}  // namespace tocsin
