// The text of the alert journal.
//
//   {"version":1,"groups":[
//   {"file":"a.yml","name":"app","interval_ms":60000,"at_ms":1700000000000,"rules":[
//     {"name":"Errors","labels":{},"query":"errors > 0","alerts":[
//       {"labels":{…},"annotations":{…},"value":"3","phase":"firing","active_at_ms":…, …}]}]}
//   ]}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"
#include "rules/alerting_rule.h"
#include "rules/rule_group.h"

namespace tocsin {

// One group of the journal, a line.
std::string RenderJournalGroup(const RuleGroup& group, Timestamp at);
std::string RenderJournal(const std::vector<std::string_view>& groups);

struct JournalRule {
  std::string name;
  LabelSet labels;
  std::string query;
  Alerts alerts;
};
struct JournalGroup {
  std::string file;
  std::string name;
  Duration interval{};
  Timestamp at{};  // of the evaluation
  std::vector<JournalRule> rules;
};
Result<std::vector<JournalGroup>> ParseJournal(std::string_view text);

// Its rules as they are handed over; they go on to write to `sink`.
std::vector<FormerRule> FormerRulesOf(JournalGroup group, SampleSink& sink);

// Moves the alerts to the time `now`: the time in which nobody looked counts neither towards `for`
// nor towards keep_firing_for.
void SkipOutage(JournalGroup& group, Timestamp now);

}  // namespace tocsin
