#include "rules/alerting_rule.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "engine/model/histogram.h"
#include "rules/state_texts.h"
#include "rules/template/escape.h"

namespace tocsin {
namespace {

constexpr std::string_view kAlertName = "alertname";

templates::TimeSpan SpanOf(Duration duration) {
  return {std::chrono::nanoseconds(duration).count()};
}
templates::Time TimeOf(Timestamp time) {
  return {std::chrono::nanoseconds(time.time_since_epoch()).count()};
}

Notification EndOf(const LabelSet& labels, const Alert& alert, Timestamp at) {
  return {.labels = labels,
          .annotations = alert.annotations,
          .starts_at = alert.timing.fired_at.value_or(at),
          .ends_at = at,
          .generator_url = {}};
}

Absence Judge(const Alert& was, const AlertEvaluation& evaluation) {
  if (was.restored && evaluation.warming_up) {
    return {AlertCondition::kUnknown, AlertHold::kStartup};
  }
  if (was.timing.phase == AlertPhase::kInactive || !evaluation.judge_absence) return {};
  return evaluation.judge_absence(was);
}

// The labels but for the metric's name are those of the alert's sample.
bool IsSampleOf(const Alert& alert, const LabelSet& labels) {
  auto expected = alert.sample.begin();
  for (const LabelSet::Pair& pair : labels) {
    if (pair.first == kMetricName) continue;
    if (expected == alert.sample.end() || pair != *expected) return false;
    ++expected;
  }
  return expected == alert.sample.end();
}

double ValueOf(const AlertSample& sample) { return sample.histogram == nullptr ? sample.value : 0; }

}  // namespace

std::vector<AlertSample> SamplesOf(const promql::VectorValue& vector) {
  std::vector<AlertSample> samples;
  samples.reserve(vector.size());
  for (const promql::VectorElement& element : vector) {
    samples.push_back({&element.labels, element.point.value, element.point.histogram.get()});
  }
  return samples;
}

AlertingRule::AlertingRule(const RuleSpec& spec)
    : spec_(spec),
      has_fixed_labels_(std::ranges::all_of(spec.label_templates, [](const TemplatedLabel& label) {
        return label.value.is_plain();
      })) {}

Alert* AlertingRule::Find(const LabelSet& labels) {
  const auto found = alerts_.find(labels);
  return found == alerts_.end() ? nullptr : &found->second;
}

void AlertingRule::SetAlerts(Alerts alerts) {
  seats_.clear();
  alerts_ = std::move(alerts);
  for (auto& [labels, alert] : alerts_) alert.present_in = 0;
}

Alerts AlertingRule::TakeAlerts() {
  seats_.clear();
  return std::exchange(alerts_, {});
}

AlertPhase AlertingRule::phase() const {
  AlertPhase highest = AlertPhase::kInactive;
  for (const auto& [labels, alert] : alerts_) highest = std::max(highest, alert.timing.phase);
  return highest;
}

size_t AlertingRule::CountActive() const {
  return static_cast<size_t>(std::ranges::count_if(alerts_, [](const auto& entry) {
    return entry.second.timing.phase != AlertPhase::kInactive;
  }));
}

std::string AlertingRule::Expand(const AlertTemplate& text, const templates::AlertFields& fields,
                                 const ExpansionContext& context) {
  ++template_failures_.expansions;
  Result<std::string> expanded = text.Expand(fields, context.environment);
  if (expanded.ok()) return *std::move(expanded);
  if (++template_failures_.failures == 1) {
    template_failures_.first_error = expanded.error().message;
  }
  return fmt::format("<error expanding template: {}>", expanded.error().message);
}

const templates::AlertFields& AlertingRule::FieldsOf(Move& move,
                                                     const ExpansionContext& context) const {
  if (move.fields != nullptr) return *move.fields;
  templates::AlertFields fields;
  fields.labels = std::make_shared<const LabelSet>(*move.sample->labels);
  fields.external_labels = context.external_labels;
  fields.external_url = context.environment.external_url;
  fields.value = move.sample->histogram == nullptr
                     ? templates::Value(move.sample->value)
                     : templates::Value(move.sample->histogram->ToString());
  fields.active_at = TimeOf(context.environment.now);
  fields.expr = spec_.query->text();
  fields.hold = SpanOf(spec_.hold);
  fields.interval = SpanOf(context.interval);
  move.fields = std::make_unique<templates::AlertFields>(std::move(fields));
  return *move.fields;
}

LabelSet AlertingRule::LabelsOf(Move& move, const ExpansionContext& context) {
  LabelSet labels = *move.sample->labels;
  labels.Remove(kMetricName);
  for (const TemplatedLabel& label : spec_.label_templates) {
    labels.Set(label.name, Expand(label.value, FieldsOf(move, context), context));
  }
  labels.Set(kAlertName, spec_.name);
  return labels;
}

LabelSet AlertingRule::AnnotationsOf(Move& move, const ExpansionContext& context) {
  LabelSet annotations;
  if (spec_.annotation_templates.empty()) return annotations;
  FieldsOf(move, context);
  move.fields->active_at = TimeOf(move.timing->active_at);
  for (const TemplatedLabel& annotation : spec_.annotation_templates) {
    annotations.Set(annotation.name, Expand(annotation.value, *move.fields, context));
  }
  return annotations;
}

std::optional<size_t> AlertingRule::FindSeat(const LabelSet& sample, size_t first) const {
  constexpr size_t kLookAhead = 8;
  const size_t end = std::min(seats_.size(), first + kLookAhead);
  for (size_t i = first; i < end; ++i) {
    if (IsSampleOf(seats_[i]->second, sample)) return i;
  }
  return std::nullopt;
}

Result<AlertingRule::Round> AlertingRule::Match(std::span<const AlertSample> samples,
                                                const ExpansionContext& context) {
  Round round;
  round.moves.reserve(std::max(samples.size(), alerts_.size()));
  ++evaluations_;
  size_t next_seat = 0;
  for (const AlertSample& sample : samples) {
    Move& move = round.moves.emplace_back(Move{.sample = &sample});
    if (const std::optional<size_t> seat = FindSeat(*sample.labels, next_seat)) {
      template_failures_.expansions += spec_.label_templates.size();
      next_seat = *seat + 1;
      move.seated = true;
      move.alert = seats_[*seat];
    } else {
      LabelSet labels = LabelsOf(move, context);
      move.alert = alerts_.find(labels);
      move.begins = move.alert == alerts_.end();
      // They mostly come in their order.
      if (move.begins) {
        move.alert = round.begun.emplace_hint(round.begun.end(), std::move(labels), Alert());
      }
    }
    if (std::exchange(move.alert->second.present_in, evaluations_) == evaluations_) {
      return ExecutionError(
          "vector contains metrics with the same labelset after applying alert labels");
    }
  }
  return round;
}

void AlertingRule::Decide(Round& round, const AlertEvaluation& evaluation) {
  const AlertPolicy policy = {.hold = spec_.hold,
                              .keep_firing_for = spec_.keep_firing_for,
                              .resolved_retention = evaluation.resolved_retention};
  for (Move& move : round.moves) {
    const auto was = move.begins ? std::nullopt : std::optional(move.alert->second.timing);
    move.timing = Next(was, AlertCondition::kHolds, evaluation.at, policy);
  }
  for (auto alert = alerts_.begin(); alert != alerts_.end(); ++alert) {
    const Alert& was = alert->second;
    if (was.present_in == evaluations_) continue;
    const Absence absence = Judge(was, evaluation);
    Move move{.alert = alert, .hold = absence.why};
    move.timing = Next(was.timing, absence.condition, evaluation.at, policy);
    const bool keeps =
        move.timing && move.timing->phase == AlertPhase::kFiring && move.timing->keep_firing_since;
    if (keeps && absence.condition == AlertCondition::kGone) move.hold = AlertHold::kKeepFiringFor;
    round.moves.push_back(std::move(move));
  }
}

Status AlertingRule::Update(std::span<const AlertSample> samples, const AlertEvaluation& evaluation,
                            const ExpansionContext& context) {
  template_failures_ = {};
  ASSIGN_OR_RETURN(Round round, Match(samples, context));
  Decide(round, evaluation);
  const auto active = std::ranges::count_if(round.moves, [](const Move& move) {
    return move.timing && move.timing->phase != AlertPhase::kInactive;
  });
  if (evaluation.limit > 0 && active > evaluation.limit) {
    return ResourceExhausted(
        fmt::format("exceeded limit of {} with {} alerts", evaluation.limit, active));
  }
  Apply(std::move(round), evaluation, context);
  return Ok();
}

void AlertingRule::Apply(Round round, const AlertEvaluation& evaluation,
                         const ExpansionContext& context) {
  transitions_.clear();
  seats_.clear();
  for (Move& move : round.moves) {
    Note(move, evaluation.at);
    if (!move.timing) {
      alerts_.erase(move.alert);
      continue;
    }
    if (move.sample != nullptr) {
      Renew(move, evaluation, context);
      if (has_fixed_labels_) seats_.push_back(move.alert);
    }
    move.alert->second.timing = *move.timing;
    move.alert->second.hold = move.hold;
  }
  alerts_.merge(round.begun);
  std::ranges::sort(transitions_, {}, &AlertTransition::labels);
  flaps_.Forget(evaluation.at);
}

void AlertingRule::Renew(Move& move, const AlertEvaluation& evaluation,
                         const ExpansionContext& context) {
  Alert& alert = move.alert->second;
  const bool changes = move.begins || alert.timing.phase != move.timing->phase;
  if (changes || !evaluation.annotate_changes_only) {
    alert.annotations = AnnotationsOf(move, context);
  }
  if (!move.seated) {
    alert.sample = *move.sample->labels;
    alert.sample.Remove(kMetricName);
  }
  alert.value = ValueOf(*move.sample);
  alert.restored = false;
}

void AlertingRule::Note(const Move& move, Timestamp at) {
  const auto& [labels, alert] = *move.alert;
  const auto from = move.begins ? std::nullopt : std::optional(alert.timing.phase);
  const auto to = move.timing ? std::optional(move.timing->phase) : std::nullopt;
  // That an old end is forgotten is no news.
  if (from == to || (from == AlertPhase::kInactive && !to)) return;
  if (from == AlertPhase::kFiring && to == AlertPhase::kPending) {
    withdrawn_.push_back(EndOf(labels, alert, at));
  }
  const double value = move.sample == nullptr ? alert.value : ValueOf(*move.sample);
  transitions_.push_back({.labels = labels, .from = from, .to = to, .value = value});
  if ((from == AlertPhase::kFiring) != (to == AlertPhase::kFiring)) flaps_.Note(labels, at);
}

std::vector<Notification> AlertingRule::TakeDue(Timestamp at, const Sending& sending) {
  std::vector<Notification> due = std::exchange(withdrawn_, {});
  for (auto& [labels, alert] : alerts_) {
    if (!IsDue(alert.timing, at, sending.resend_delay)) continue;
    alert.timing.last_sent_at = at;
    // Two evaluations or deliveries may fail before the Alertmanager takes the alert for over.
    const Timestamp valid_until = at + 4 * std::max(sending.interval, sending.resend_delay);
    Notification notification =
        EndOf(labels, alert, alert.timing.resolved_at.value_or(valid_until));
    notification.starts_at = alert.timing.fired_at.value_or(alert.timing.active_at);
    due.push_back(std::move(notification));
  }
  for (Notification& notification : due) notification.generator_url = sending.generator_url;
  return due;
}

std::vector<Notification> AlertingRule::ResolveAll(const Alerts& alerts, Timestamp at,
                                                   const std::string& generator_url) {
  std::vector<Notification> ends;
  for (const auto& [labels, alert] : alerts) {
    if (alert.timing.phase != AlertPhase::kFiring) continue;
    ends.push_back(EndOf(labels, alert, at));
    ends.back().generator_url = generator_url;
  }
  return ends;
}

void AlertingRule::MoveTimes(Duration jump) {
  const auto move = [jump](std::optional<Timestamp>& time) {
    if (time) *time += jump;
  };
  for (auto& [labels, alert] : alerts_) {
    AlertTiming& timing = alert.timing;
    const bool back = jump < Duration::zero();
    if (back || timing.phase == AlertPhase::kPending) timing.active_at += jump;
    move(timing.keep_firing_since);
    if (back) {
      for (std::optional<Timestamp>* time :
           {&timing.fired_at, &timing.resolved_at, &timing.last_sent_at}) {
        move(*time);
      }
    }
    alert.restored = true;
  }
}

RuleSamples AlertingRule::Samples() const {
  RuleSamples samples;
  for (const auto& [labels, alert] : alerts_) {
    if (alert.timing.phase == AlertPhase::kInactive) continue;
    LabelSet state = labels;
    state.Set(kMetricName, "ALERTS");
    state.Set("alertstate", PhaseText(alert.timing.phase));
    samples.push_back({.labels = std::move(state), .value = 1, .histogram = nullptr});
    LabelSet since = labels;
    since.Set(kMetricName, "ALERTS_FOR_STATE");
    samples.push_back({.labels = std::move(since),
                       .value = std::floor(ToSeconds(alert.timing.active_at)),
                       .histogram = nullptr});
  }
  return samples;
}

std::string GeneratorUrl(const std::string& external_url, const std::string& canonical_query) {
  return external_url + templates::TableLink(canonical_query);
}

}  // namespace tocsin
