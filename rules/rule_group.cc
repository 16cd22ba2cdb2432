#include "rules/rule_group.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "engine/model/histogram.h"
#include "rules/absence_judge.h"
#include "rules/input_health.h"
#include "rules/recording_rule.h"

namespace tocsin {
namespace {

// Clocks that are disciplined move in smaller steps.
constexpr Duration kSmallJump = std::chrono::seconds(5);

double SecondsSince(SteadyTime start, const Clock& clock) {
  return std::chrono::duration<double>(clock.Steady() - start).count();
}

// The template function `query`.
Result<templates::List> QueryForTemplate(const promql::Engine& engine, const Querier& querier,
                                         const std::string& expression, Timestamp at) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const promql::ParsedQuery> query,
                   engine.Parse(expression));
  ASSIGN_OR_RETURN(promql::QueryResult result, engine.Instant(*query, querier, ToMs(at)));
  ASSIGN_OR_RETURN(promql::VectorValue vector, VectorOf(std::move(result.value)));
  auto list = std::make_shared<std::vector<templates::Value>>();
  for (promql::VectorElement& element : vector) {
    templates::QuerySample sample;
    sample.labels = std::move(element.labels);
    sample.value = element.point.value;
    if (element.point.histogram != nullptr) sample.histogram = element.point.histogram->ToString();
    list->emplace_back(std::make_shared<const templates::QuerySample>(std::move(sample)));
  }
  return list;
}

}  // namespace

std::string GroupKey(const std::string& file, const std::string& name) { return file + ";" + name; }

RuleGroup::RuleGroup(std::shared_ptr<const RuleGroupSpec> spec, RuleGroupSettings settings,
                     Dependencies dependencies)
    : spec_(std::move(spec)),
      settings_(std::move(settings)),
      dependencies_(dependencies),
      metrics_(dependencies.metrics, GroupKey(spec_->file, spec_->name)),
      external_labels_(std::make_shared<const LabelSet>(settings_.external_labels)),
      lanes_(dependencies.engine, spec_->rules, settings_.max_lanes),
      orphans_(dependencies.sink),
      clock_watch_(dependencies.clock),
      data_since_(settings_.data_since) {
  for (const RuleSpec& rule : spec_->rules) {
    rules_.emplace_back(rule, dependencies_.sink);
    if (!settings_.rule_metrics) continue;
    rules_.back().metrics.emplace(dependencies_.metrics, GroupKey(spec_->file, spec_->name),
                                  rule.name, rules_.size());
  }
  metrics_.interval->Set(ToSeconds(spec_->interval));
  metrics_.rules->Set(static_cast<double>(rules_.size()));
}

void RuleGroup::Remember(size_t rule, RuleMemory memory) {
  rules_[rule].written = std::move(memory.written);
  if (rules_[rule].alerting) rules_[rule].alerting->SetAlerts(std::move(memory.alerts));
}

void RuleGroup::Evaluate(Timestamp at) {
  NoteClock(at);
  if (at < hold_until_) return Hold(at);
  if (IsWaiting(at)) return;
  last_evaluation_ = dependencies_.clock.Now();
  const SteadyTime start = dependencies_.clock.Steady();
  if (restore_ && evaluations_ == 0) ReadStored(at);
  Round round{.at = at};
  if (dependencies_.sources) round.broken = BrokenSources(dependencies_.sources(), at);
  EvaluateRules(round);
  MarkOrphansStale(at);
  if (++evaluations_ == 2 && restore_) RestoreStored();
  seconds_ = SecondsSince(start, dependencies_.clock);
  Measure();
}

void RuleGroup::NoteClock(Timestamp at) {
  const Duration jump = clock_watch_.TakeJump();
  if (evaluations_ == 0 || std::chrono::abs(jump) < std::max(spec_->interval, kSmallJump)) return;
  dependencies_.log.Warn("the clock was set: alerts stay as they are until there are new data",
                         {{"group", spec_->name}, {"seconds", ToSeconds(jump)}});
  // What was stored before the clock went back is from the future; new samples are refused until
  // then, but no alert is held for ever.
  const Timestamp fresh =
      jump < Duration::zero() ? std::min(at - jump, at + settings_.patience) : at;
  data_since_ = fresh;
  hold_until_ = fresh + settings_.data_delay;
  for (RunningRule& rule : rules_) {
    if (rule.alerting) rule.alerting->MoveTimes(jump);
  }
}

void RuleGroup::Hold(Timestamp at) {
  last_evaluation_ = dependencies_.clock.Now();
  for (RunningRule& rule : rules_) {
    if (!rule.alerting) continue;
    SendDueAlerts(rule, at);
    // Refused when the clock went back; the series go on by themselves then.
    (void)rule.written.Write(StateSamples(rule), DataTimeMs(at));
  }
}

bool RuleGroup::IsWaiting(Timestamp at) {
  waiting_for_.clear();
  const bool guards = spec_->extensions.startup_guard && evaluations_ == 0 && dependencies_.sources;
  if (!guards || at > settings_.data_since + 2 * spec_->interval) return false;
  const std::vector<DataSource> sources = dependencies_.sources();
  for (const RunningRule& rule : rules_) {
    std::ranges::move(NotYetCollected(rule.inputs, sources), std::back_inserter(waiting_for_));
  }
  std::ranges::sort(waiting_for_);
  waiting_for_.erase(std::ranges::unique(waiting_for_).begin(), waiting_for_.end());
  return !waiting_for_.empty();
}

void RuleGroup::EvaluateRules(const Round& round) {
  const promql::QueryLimits limits = {.canceled = [this] {
    return canceled_.load() || (dependencies_.canceled && dependencies_.canceled());
  }};
  const EvaluationLanes::Take take = [&](size_t rule, Result<promql::QueryResult> result,
                                         SteadyTime start) {
    EvaluateRule(rules_[rule], std::move(result), round);
    if (!canceled_) Remember(rules_[rule], start, round);
  };
  lanes_.Evaluate({.querier = dependencies_.querier,
                   .t_ms = DataTimeMs(round.at),
                   .limits = limits,
                   .threads = dependencies_.threads,
                   .take = take,
                   .stop = canceled_,
                   .clock = dependencies_.clock});
}

void RuleGroup::MarkOrphansStale(Timestamp at) {
  const Status status = orphans_.MarkAllStale(DataTimeMs(at));
  if (status.ok()) return;
  dependencies_.log.Warn("series of former rules could not be ended",
                         {{"group", spec_->name}, {"err", status.error().message}});
}

void RuleGroup::Measure() {
  double rule_seconds = 0;
  size_t samples = 0;
  for (const RunningRule& rule : rules_) {
    rule_seconds += rule.status.seconds;
    samples += rule.status.samples;
  }
  metrics_.group_duration->Observe(seconds_);
  metrics_.group_duration_histogram->Observe(seconds_);
  metrics_.last_duration->Set(seconds_);
  metrics_.last_rule_duration_sum->Set(rule_seconds);
  metrics_.last_evaluation_samples->Set(static_cast<double>(samples));
  metrics_.last_evaluation_timestamp->Set(ToSeconds(*last_evaluation_));
}

void RuleGroup::ReadStored(Timestamp at) {
  for (RunningRule& rule : rules_) {
    if (!rule.alerting || rule.spec->hold < restore_->grace_period) continue;
    Result<StoredStates> stored =
        ReadStoredStates(dependencies_.querier, *rule.spec, at, *restore_);
    const RemoteStates* remote = dependencies_.remote_states;
    if (stored.ok() && stored->empty() && remote != nullptr && *remote) {
      stored = (*remote)(*rule.spec, spec_->interval, at, *restore_);
    }
    if (stored.ok()) {
      rule.stored = *std::move(stored);
      continue;
    }
    dependencies_.log.Warn(
        "the state of alerts cannot be restored from the store",
        {{"group", spec_->name}, {"alert", rule.spec->name}, {"err", stored.error().message}});
  }
}

void RuleGroup::RestoreStored() {
  const SteadyTime start = dependencies_.clock.Steady();
  const Timestamp now = dependencies_.clock.Now();
  for (RunningRule& rule : rules_) {
    for (const auto& [labels, stored] : std::exchange(rule.stored, {})) {
      Alert* const alert = rule.alerting->Find(labels);
      if (alert == nullptr) continue;
      alert->timing.active_at = RestoredActiveAt(stored, rule.spec->hold, now, *restore_);
    }
  }
  metrics_.last_restore_duration->Set(SecondsSince(start, dependencies_.clock));
}

void RuleGroup::EvaluateRule(RunningRule& rule, Result<promql::QueryResult> result,
                             const Round& round) {
  // A canceled query says nothing about the rule.
  if (!result.ok() && result.error().code == ErrorCode::kCanceled && canceled_) return;
  const Timestamp at = round.at;
  rule.status.last_evaluation = dependencies_.clock.Now();
  if (result.ok()) {
    rule.status.series_fetched = result->stats.series_fetched;
    rule.status.no_input = rule.needs_series && rule.status.series_fetched == 0;
  }
  const Result<RuleSamples> samples = Apply(rule, std::move(result), at);
  SendDueAlerts(rule, at);
  if (samples.ok()) {
    rule.status.samples = samples->size();
    Record(rule, rule.written.Write(*samples, DataTimeMs(at)), at);
  } else {
    Record(rule, samples.error(), at);
    // Alerts are held, so their series go on too; what they say of it is not worth a second error.
    if (rule.alerting) (void)rule.written.Write(StateSamples(rule), DataTimeMs(at));
  }
}

void RuleGroup::Remember(RunningRule& rule, SteadyTime start, const Round& round) {
  rule.status.seconds = SecondsSince(start, dependencies_.clock);
  rule.status.degraded_by =
      DegradedBy(rule.inputs, round.broken, dependencies_.querier, round.at - spec_->query_offset);
  metrics_.rule_duration->Observe(rule.status.seconds);
  metrics_.rule_duration_histogram->Observe(rule.status.seconds);
  EvaluationRecord record{.at = round.at,
                          .seconds = rule.status.seconds,
                          .samples = rule.status.samples,
                          .series_fetched = rule.status.series_fetched,
                          .error = rule.status.last_error};
  if (rule.alerting) record.transitions = rule.alerting->TakeTransitions();
  rule.Remember(std::move(record), settings_.history);
  rule.Publish(round.at);
}

Result<RuleSamples> RuleGroup::Apply(RunningRule& rule, Result<promql::QueryResult> result,
                                     Timestamp at) {
  rule.status.samples = 0;
  if (!result.ok()) return std::move(result).error();
  ASSIGN_OR_RETURN(promql::VectorValue vector, VectorOf(std::move(result->value)));
  if (!rule.alerting) return tocsin::Record(*rule.spec, std::move(vector), spec_->limit);
  RETURN_IF_ERROR(UpdateAlerts(rule, vector, at));
  return StateSamples(rule);
}

RuleSamples RuleGroup::StateSamples(const RunningRule& rule) const {
  return rule.stored.empty() ? rule.alerting->Samples() : RuleSamples();
}

Status RuleGroup::UpdateAlerts(RunningRule& rule, const promql::VectorValue& vector, Timestamp at) {
  const Duration wait = std::min(settings_.data_delay + rule.reach, settings_.patience);
  AbsenceJudge judge(*rule.spec, dependencies_.engine, dependencies_.querier, DataTimeMs(at));
  const Status status = rule.alerting->Update(
      SamplesOf(vector),
      {.at = at,
       .limit = spec_->limit,
       .resolved_retention = settings_.resolved_retention,
       .warming_up = at < data_since_ + wait,
       .judge_absence = [&judge](const Alert& alert) { return judge.Judge(alert); }},
      ContextAt(at));
  const AlertingRule::TemplateFailures& failures = rule.alerting->template_failures();
  metrics_.template_expansions->Increment(static_cast<double>(failures.expansions));
  metrics_.template_failures->Increment(static_cast<double>(failures.failures));
  if (failures.first_error != rule.template_error && failures.failures > 0) {
    dependencies_.log.Warn(
        "expanding an alert template failed",
        {{"group", spec_->name}, {"alert", rule.spec->name}, {"err", failures.first_error}});
  }
  rule.template_error = failures.first_error;
  return status;
}

ExpansionContext RuleGroup::ContextAt(Timestamp at) const {
  ExpansionContext context;
  context.external_labels = external_labels_;
  context.interval = spec_->interval;
  context.environment.now = at;
  context.environment.external_url = settings_.external_url;
  context.environment.query = [this, at](const std::string& expression) {
    return QueryForTemplate(dependencies_.engine, dependencies_.querier, expression, at);
  };
  return context;
}

void RuleGroup::SendDueAlerts(RunningRule& rule, Timestamp at) {
  if (!rule.alerting) return;
  std::vector<Notification> due = rule.alerting->TakeDue(
      at, {.resend_delay = settings_.resend_delay,
           .interval = spec_->interval,
           .generator_url = GeneratorUrl(settings_.external_url, rule.canonical_query)});
  if (!due.empty()) dependencies_.notifier.Notify(std::move(due));
}

void RuleGroup::Record(RunningRule& rule, const Status& status, Timestamp at) {
  metrics_.evaluations->Increment();
  if (!status.ok()) metrics_.evaluation_failures->Increment();
  // Once per error, not once per evaluation: an outage must not fill the log.
  if (!rule.status.Note(status, at)) return;
  dependencies_.log.Warn("evaluating a rule failed", {{"file", spec_->file},
                                                      {"group", spec_->name},
                                                      {"rule", rule.spec->name},
                                                      {"err", status.error().message}});
}

RuleGroupSnapshot RuleGroup::Snapshot() const {
  RuleGroupSnapshot snapshot;
  snapshot.name = spec_->name;
  snapshot.file = spec_->file;
  snapshot.interval = spec_->interval;
  snapshot.limit = spec_->limit;
  for (const RunningRule& rule : rules_) snapshot.rules.push_back(rule.Snapshot());
  snapshot.waiting_for = waiting_for_;
  snapshot.evaluation_seconds = seconds_;
  snapshot.last_evaluation = last_evaluation_;
  return snapshot;
}

std::vector<FormerRule> RuleGroup::Release() {
  std::vector<FormerRule> former;
  for (RunningRule& rule : rules_) {
    Alerts alerts;
    if (rule.alerting) alerts = rule.alerting->TakeAlerts();
    former.push_back(
        {.file = spec_->file,
         .group = spec_->name,
         .alerting = rule.alerting != nullptr,
         .name = rule.spec->name,
         .labels = rule.spec->labels,
         .query = rule.canonical_query,
         .interval = spec_->interval,
         .memory = {.alerts = std::move(alerts),
                    .written = std::exchange(rule.written, RuleSeriesWriter(dependencies_.sink))}});
  }
  // Nobody is named like this, so these series go on waiting for their end.
  former.push_back(
      {.file = spec_->file,
       .group = spec_->name,
       .interval = spec_->interval,
       .memory = {.written = std::exchange(orphans_, RuleSeriesWriter(dependencies_.sink))}});
  return former;
}

}  // namespace tocsin
