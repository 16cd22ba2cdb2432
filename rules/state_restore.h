// Alert state from the store: for how long an alert was pending before this process began, told by
// the series ALERTS_FOR_STATE. For stores that outlive the process, when there is no journal; the
// rules are Prometheus'.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"
#include "engine/model/matcher.h"
#include "engine/storage/querier.h"
#include "rules/rule_file.h"

namespace tocsin {

struct RestorePolicy {
  // Alerts that were last seen longer ago start afresh.
  Duration outage_tolerance = std::chrono::hours(1);
  // An alert waits at least so long after the restore before it fires; rules with a shorter `for`
  // are not restored at all.
  Duration grace_period = std::chrono::minutes(10);
};

struct StoredState {
  Timestamp seen_at{};  // the last time
  Timestamp active_at{};
};
using StoredStates = std::map<LabelSet, StoredState>;  // by the alerts' labels

// Reads them from a store elsewhere; `interval` is that of the rule's group. May be empty: there is
// none. Takes no longer than some seconds.
using RemoteStates =
    std::function<Result<StoredStates>(const RuleSpec& rule, Duration interval, Timestamp now,
                                       const RestorePolicy& policy)>;

// The rule's series ALERTS_FOR_STATE, as far as its labels are known before they are expanded.
std::vector<Matcher> StateSeries(const RuleSpec& rule);

// The alerts of the rule that were active when they were last seen, at most `outage_tolerance`
// before `now`.
Result<StoredStates> ReadStoredStates(const Querier& querier, const RuleSpec& rule, Timestamp now,
                                      const RestorePolicy& policy, const SelectHints& hints = {});

// Since when the alert counts as active, so that the outage itself does not count towards `for`.
Timestamp RestoredActiveAt(const StoredState& stored, Duration hold, Timestamp now,
                           const RestorePolicy& policy);

}  // namespace tocsin
