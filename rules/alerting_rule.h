// Alerting rules: the alerts of one rule from evaluation to evaluation.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alertmanager_client/notifier.h"
#include "base/result.h"
#include "base/time.h"
#include "engine/model/label_set.h"
#include "engine/promql/engine.h"
#include "rules/alert_timing.h"
#include "rules/flap_counter.h"
#include "rules/rule_file.h"
#include "rules/rule_sample.h"
#include "rules/snapshot.h"
#include "rules/template/functions.h"
#include "rules/template/value.h"

namespace tocsin {

struct Alert {
  LabelSet sample;       // the labels of what the expression gave, without a name
  LabelSet annotations;  // expanded
  double value = 0;
  AlertTiming timing;
  AlertHold hold = AlertHold::kNone;
  // Taken over from an earlier process.
  bool restored = false;
};
// By their labels, which are what an alert is told by. Resolved ones stay for a while.
using Alerts = std::map<LabelSet, Alert>;

// What templates may use beside the sample.
struct ExpansionContext {
  templates::LabelMap external_labels;
  Duration interval{};  // of the group
  templates::Environment environment;
};

// What an alert that the result does not have is to be taken for, and why.
struct Absence {
  AlertCondition condition = AlertCondition::kGone;
  AlertHold why = AlertHold::kNone;
};

// One evaluation of the rule.
struct AlertEvaluation {
  Timestamp at{};
  int64_t limit = 0;  // 0: none
  Duration resolved_retention = std::chrono::minutes(15);
  // The data may not be back since the start of the process: a restored alert that is missing in
  // the result is not taken for resolved yet.
  bool warming_up = false;
  // Asked about pending and firing alerts that the result does not have; empty: they are gone.
  std::function<Absence(const Alert& alert)> judge_absence;
  // Whether anybody reads the annotations of the alert, which are left empty else; empty: yes.
  std::function<bool(const LabelSet& labels)> wants_annotations;
};

// Not thread-safe.
class AlertingRule {
 public:
  // `spec` must outlive the rule.
  explicit AlertingRule(const RuleSpec& spec) : spec_(spec) {}

  const RuleSpec& spec() const { return spec_; }
  const Alerts& alerts() const { return alerts_; }
  Alerts& alerts() { return alerts_; }
  AlertPhase phase() const;    // the highest of its alerts
  size_t CountActive() const;  // pending and firing

  // Moves every alert on by the result of the query. An error (two alerts would have the same
  // labels; more pending and firing ones than the limit) changes nothing: that an evaluation
  // fails does not tell that a problem is over.
  Status Update(const promql::VectorValue& vector, const AlertEvaluation& evaluation,
                const ExpansionContext& context);

  // What the Alertmanager is to be told at `at`, marked as sent. Called after failed evaluations
  // too, so that the Alertmanager does not take silence for the end of an alert.
  struct Sending {
    Duration resend_delay{};
    Duration interval{};  // of the group
    std::string generator_url;
  };
  std::vector<Notification> TakeDue(Timestamp at, const Sending& sending);
  // The end of every firing alert: the rule goes away.
  static std::vector<Notification> ResolveAll(const Alerts& alerts, Timestamp at,
                                              const std::string& generator_url);

  // The wall clock was set by `jump`. Time that nobody has lived through counts neither towards
  // `for` nor towards keep_firing_for; set back, no time of an alert lies in the future. Until the
  // data are back (AlertEvaluation::warming_up) alerts that are missing are not taken for over.
  void MoveTimes(Duration jump);

  // ALERTS and ALERTS_FOR_STATE of the pending and firing alerts.
  RuleSamples Samples() const;

  // What went wrong with templates in the last Update; such alerts fire all the same.
  struct TemplateFailures {
    size_t expansions = 0;
    size_t failures = 0;
    std::string first_error;
  };
  const TemplateFailures& template_failures() const { return template_failures_; }

  // What the last Update has changed; nothing since the last call.
  std::vector<AlertTransition> TakeTransitions() { return std::exchange(transitions_, {}); }
  const FlapCounter& flaps() const { return flaps_; }

 private:
  std::string Expand(const AlertTemplate& text, const templates::AlertFields& fields,
                     const ExpansionContext& context);
  Result<Alerts> Expand(const promql::VectorValue& vector, const AlertEvaluation& evaluation,
                        const ExpansionContext& context);
  void Annotate(Alert& alert, const Alert* was, templates::AlertFields& fields,
                const ExpansionContext& context);
  templates::AlertFields FieldsOf(const promql::VectorElement& element,
                                  const ExpansionContext& context) const;
  void NoteTransitions(const Alerts& next, Timestamp at);

  const RuleSpec& spec_;
  Alerts alerts_;
  // Alerts that the Alertmanager takes for firing and that are pending again.
  std::vector<Notification> withdrawn_;
  TemplateFailures template_failures_;
  std::vector<AlertTransition> transitions_;
  FlapCounter flaps_;
};

// The path of an expression's table in the web interface: what alerts link to.
std::string GeneratorUrl(const std::string& external_url, const std::string& canonical_query);

}  // namespace tocsin
