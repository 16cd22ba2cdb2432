// Alerting rules: the alerts of one rule from evaluation to evaluation.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
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
  // The rule's evaluation, by its number, whose result had it last.
  uint64_t present_in = 0;
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
  // Annotations are made anew only when the phase of their alert changes: nobody reads them else.
  bool annotate_changes_only = false;
};

// One element of the result, held by whoever has asked for it.
struct AlertSample {
  const LabelSet* labels = nullptr;
  double value = 0;
  const FloatHistogram* histogram = nullptr;  // instead of the value when not null
};
std::vector<AlertSample> SamplesOf(const promql::VectorValue& vector);

// Not thread-safe.
class AlertingRule {
 public:
  // `spec` must outlive the rule.
  explicit AlertingRule(const RuleSpec& spec);
  AlertingRule(const AlertingRule&) = delete;
  AlertingRule& operator=(const AlertingRule&) = delete;

  const RuleSpec& spec() const { return spec_; }
  const Alerts& alerts() const { return alerts_; }
  Alert* Find(const LabelSet& labels);  // null when there is none
  // From an earlier rule, and for a later one.
  void SetAlerts(Alerts alerts);
  Alerts TakeAlerts();
  AlertPhase phase() const;    // the highest of its alerts
  size_t CountActive() const;  // pending and firing

  // Moves every alert on by the result of the query. An error (two alerts would have the same
  // labels; more pending and firing ones than the limit) changes nothing: that an evaluation
  // fails does not tell that a problem is over.
  Status Update(std::span<const AlertSample> samples, const AlertEvaluation& evaluation,
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
  // What an evaluation makes of one alert.
  struct Move {
    Alerts::iterator alert;
    const AlertSample* sample = nullptr;  // null: the result does not have it
    bool begins = false;                  // it is among Round::begun
    bool seated = false;
    std::optional<AlertTiming> timing;  // none: it is forgotten
    AlertHold hold = AlertHold::kNone;
    std::unique_ptr<templates::AlertFields> fields;  // once a template has needed them
  };
  struct Round {
    std::vector<Move> moves;
    Alerts begun;  // not in alerts_ before the evaluation has succeeded
  };

  Result<Round> Match(std::span<const AlertSample> samples, const ExpansionContext& context);
  std::optional<size_t> FindSeat(const LabelSet& sample, size_t first) const;
  LabelSet LabelsOf(Move& move, const ExpansionContext& context);
  void Decide(Round& round, const AlertEvaluation& evaluation);
  void Apply(Round round, const AlertEvaluation& evaluation, const ExpansionContext& context);
  void Renew(Move& move, const AlertEvaluation& evaluation, const ExpansionContext& context);
  void Note(const Move& move, Timestamp at);
  LabelSet AnnotationsOf(Move& move, const ExpansionContext& context);
  const templates::AlertFields& FieldsOf(Move& move, const ExpansionContext& context) const;
  std::string Expand(const AlertTemplate& text, const templates::AlertFields& fields,
                     const ExpansionContext& context);

  const RuleSpec& spec_;
  // Whether the labels of an alert follow from those of its sample alone.
  const bool has_fixed_labels_;
  Alerts alerts_;
  uint64_t evaluations_ = 0;
  // The alerts of the last result, in its order. Results mostly are the same series in the same
  // order as before: then no labels are made and no alert is looked up. Only with fixed labels.
  std::vector<Alerts::iterator> seats_;
  // Alerts that the Alertmanager takes for firing and that are pending again.
  std::vector<Notification> withdrawn_;
  TemplateFailures template_failures_;
  std::vector<AlertTransition> transitions_;
  FlapCounter flaps_;
};

// The path of an expression's table in the web interface: what alerts link to.
std::string GeneratorUrl(const std::string& external_url, const std::string& canonical_query);

}  // namespace tocsin
