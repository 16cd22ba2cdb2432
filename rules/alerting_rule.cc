#include "rules/alerting_rule.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <compare>
#include <memory>
#include <optional>
#include <utility>

#include "engine/model/histogram.h"
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

std::string_view PhaseName(AlertPhase phase) {
  switch (phase) {
    case AlertPhase::kInactive:
      return "inactive";
    case AlertPhase::kPending:
      return "pending";
    case AlertPhase::kFiring:
      return "firing";
  }
  return "";
}

Notification EndOf(const LabelSet& labels, const Alert& alert, Timestamp at) {
  return {.labels = labels,
          .annotations = alert.annotations,
          .starts_at = alert.timing.fired_at.value_or(at),
          .ends_at = at,
          .generator_url = {}};
}

size_t CountActive(const Alerts& alerts) {
  return static_cast<size_t>(std::ranges::count_if(alerts, [](const auto& entry) {
    return entry.second.timing.phase != AlertPhase::kInactive;
  }));
}

Absence Judge(const Alert& was, const AlertEvaluation& evaluation) {
  if (was.restored && evaluation.warming_up) {
    return {AlertCondition::kUnknown, AlertHold::kStartup};
  }
  if (was.timing.phase == AlertPhase::kInactive || !evaluation.judge_absence) return {};
  return evaluation.judge_absence(was);
}

// What becomes of one alert, present in the result (`now`, which is used up) or not (null).
std::optional<Alert> MoveOn(const Alert* was, Alert* now, const AlertPolicy& policy,
                            const AlertEvaluation& evaluation) {
  Absence absence{.condition = AlertCondition::kHolds};
  if (now == nullptr) absence = Judge(*was, evaluation);
  const std::optional<AlertTiming> timing =
      Next(was == nullptr ? std::nullopt : std::optional(was->timing), absence.condition,
           evaluation.at, policy);
  if (!timing) return std::nullopt;
  Alert next = now == nullptr ? *was : std::move(*now);
  next.timing = *timing;
  next.hold = absence.why;
  const bool keeps = timing->phase == AlertPhase::kFiring && timing->keep_firing_since;
  if (keeps && absence.condition == AlertCondition::kGone) next.hold = AlertHold::kKeepFiringFor;
  return next;
}

// Calls visit(labels, was, now) for each label set of either, in their order; null where one of
// them does not have it. Both are sorted, so that each label set is compared about once.
template <typename Was, typename Now, typename Visit>
void ForEachOfBoth(Was& was, Now& now, const Visit& visit) {
  auto before = was.begin();
  auto after = now.begin();
  while (before != was.end() || after != now.end()) {
    const std::strong_ordering order = before == was.end()  ? std::strong_ordering::greater
                                       : after == now.end() ? std::strong_ordering::less
                                                            : before->first <=> after->first;
    const LabelSet& labels = order > 0 ? after->first : before->first;
    visit(labels, order > 0 ? nullptr : &before->second, order < 0 ? nullptr : &after->second);
    if (order <= 0) ++before;
    if (order >= 0) ++after;
  }
}

std::optional<AlertPhase> PhaseOf(const Alert* alert) {
  return alert == nullptr ? std::nullopt : std::optional(alert->timing.phase);
}

}  // namespace

AlertPhase AlertingRule::phase() const {
  AlertPhase highest = AlertPhase::kInactive;
  for (const auto& [labels, alert] : alerts_) highest = std::max(highest, alert.timing.phase);
  return highest;
}

size_t AlertingRule::CountActive() const { return tocsin::CountActive(alerts_); }

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

templates::AlertFields AlertingRule::FieldsOf(const promql::VectorElement& element,
                                              const ExpansionContext& context) const {
  templates::AlertFields fields;
  fields.labels = std::make_shared<const LabelSet>(element.labels);
  fields.external_labels = context.external_labels;
  fields.external_url = context.environment.external_url;
  fields.value = element.point.histogram == nullptr
                     ? templates::Value(element.point.value)
                     : templates::Value(element.point.histogram->ToString());
  fields.active_at = TimeOf(context.environment.now);
  fields.expr = spec_.query->text();
  fields.hold = SpanOf(spec_.hold);
  fields.interval = SpanOf(context.interval);
  return fields;
}

void AlertingRule::Annotate(Alert& alert, const Alert* was, templates::AlertFields& fields,
                            const ExpansionContext& context) {
  if (was != nullptr && was->timing.phase != AlertPhase::kInactive) {
    fields.active_at = TimeOf(was->timing.active_at);
  }
  for (const TemplatedLabel& annotation : spec_.annotation_templates) {
    alert.annotations.Set(annotation.name, Expand(annotation.value, fields, context));
  }
}

Result<Alerts> AlertingRule::Expand(const promql::VectorValue& vector,
                                    const AlertEvaluation& evaluation,
                                    const ExpansionContext& context) {
  template_failures_ = {};
  Alerts alerts;
  for (const promql::VectorElement& element : vector) {
    std::optional<templates::AlertFields> fields;
    if (!spec_.label_templates.empty()) fields = FieldsOf(element, context);
    Alert alert;
    alert.sample = element.labels;
    alert.sample.Remove(kMetricName);
    LabelSet labels = alert.sample;
    for (const TemplatedLabel& label : spec_.label_templates) {
      labels.Set(label.name, Expand(label.value, *fields, context));
    }
    labels.Set(kAlertName, spec_.name);
    if (!spec_.annotation_templates.empty() &&
        (!evaluation.wants_annotations || evaluation.wants_annotations(labels))) {
      if (!fields) fields = FieldsOf(element, context);
      const auto was = alerts_.find(labels);
      Annotate(alert, was == alerts_.end() ? nullptr : &was->second, *fields, context);
    }
    alert.value = element.point.histogram == nullptr ? element.point.value : 0;
    // They mostly come in their order.
    const size_t before = alerts.size();
    alerts.emplace_hint(alerts.end(), std::move(labels), std::move(alert));
    if (alerts.size() == before) {
      return ExecutionError(
          "vector contains metrics with the same labelset after applying alert labels");
    }
  }
  return alerts;
}

Status AlertingRule::Update(const promql::VectorValue& vector, const AlertEvaluation& evaluation,
                            const ExpansionContext& context) {
  ASSIGN_OR_RETURN(Alerts present, Expand(vector, evaluation, context));
  const AlertPolicy policy = {.hold = spec_.hold,
                              .keep_firing_for = spec_.keep_firing_for,
                              .resolved_retention = evaluation.resolved_retention};
  Alerts next;
  std::vector<Notification> withdrawn;
  ForEachOfBoth(alerts_, present, [&](const LabelSet& labels, const Alert* was, Alert* now) {
    std::optional<Alert> alert = MoveOn(was, now, policy, evaluation);
    if (!alert) return;
    const bool fired = was != nullptr && was->timing.phase == AlertPhase::kFiring;
    if (fired && alert->timing.phase == AlertPhase::kPending) {
      withdrawn.push_back(EndOf(labels, *was, evaluation.at));
    }
    next.emplace_hint(next.end(), labels, *std::move(alert));
  });
  const size_t active = tocsin::CountActive(next);
  if (evaluation.limit > 0 && std::cmp_greater(active, evaluation.limit)) {
    return ResourceExhausted(
        fmt::format("exceeded limit of {} with {} alerts", evaluation.limit, active));
  }
  NoteTransitions(next, evaluation.at);
  alerts_ = std::move(next);
  std::ranges::move(withdrawn, std::back_inserter(withdrawn_));
  return Ok();
}

void AlertingRule::NoteTransitions(const Alerts& next, Timestamp at) {
  transitions_.clear();
  ForEachOfBoth(alerts_, next, [&](const LabelSet& labels, const Alert* was, const Alert* now) {
    const std::optional<AlertPhase> from = PhaseOf(was);
    const std::optional<AlertPhase> to = PhaseOf(now);
    // That an old end is forgotten is no news.
    if (from == to || (from == AlertPhase::kInactive && !to)) return;
    const double value = now == nullptr ? was->value : now->value;
    transitions_.push_back({.labels = labels, .from = from, .to = to, .value = value});
    if ((from == AlertPhase::kFiring) != (to == AlertPhase::kFiring)) flaps_.Note(labels, at);
  });
  flaps_.Forget(at);
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
    state.Set("alertstate", PhaseName(alert.timing.phase));
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
