#include "rules/unit_test/virtual_process.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/go_float.h"
#include "engine/model/histogram.h"
#include "rules/handover.h"
#include "rules/journal_text.h"

namespace tocsin::unit_test {
namespace {

// Prometheus' defaults for what a test file cannot say.
constexpr Duration kResolvedRetention = std::chrono::minutes(15);
constexpr Duration kOutageTolerance = std::chrono::hours(1);

std::string Text(const promql::Point& point) {
  const std::string value =
      point.histogram != nullptr ? point.histogram->ToString() : FormatGoF(point.value);
  return fmt::format("{} @[{}]", value, point.t_ms);
}

}  // namespace

void VirtualAlertmanager::Notify(std::vector<Notification> notifications) {
  for (Notification& each : notifications) {
    if (away_) {
      LabelSet labels = each.labels;
      waiting_.insert_or_assign(std::move(labels), std::move(each));
    } else {
      sent_.push_back({clock_.Now() - start_, std::move(each)});
    }
  }
}

void VirtualAlertmanager::ComeBack() {
  away_ = false;
  std::vector<Notification> notifications;
  for (auto& [labels, notification] : std::exchange(waiting_, {})) {
    notifications.push_back(std::move(notification));
  }
  Notify(std::move(notifications));
}

VirtualProcess::VirtualProcess(Options options)
    : options_(std::move(options)),
      clock_(options_.start),
      engine_(options_.engine, clock_, nullptr),
      store_(clock_),
      alertmanager_(clock_, options_.start),
      started_at_(options_.start) {}

Status VirtualProcess::AddSeries(const std::vector<InputSeries>& input, Duration interval,
                                 const std::string& file) {
  std::map<LabelSet, promqltest::LoadedSeries> series;
  for (const InputSeries& each : input) {
    Result<promqltest::NotedSeries> parsed =
        each.series.empty() ? InvalidArgument("an input series needs a field \"series\"")
                            : promqltest::ParseSeriesLine(each.series + " " + each.values);
    if (!parsed.ok()) {
      return Prefixed(fmt::format("{}:{}:{}: ", file, each.place.line, each.place.column),
                      parsed.error());
    }
    LabelSet labels = parsed->labels;
    series.insert_or_assign(std::move(labels),
                            promqltest::LoadedSeries{.series = *std::move(parsed), .starts = {}});
  }
  for (const auto& [labels, loaded] : series) {
    input_.push_back(store_.Prepare(loaded, interval.count(), ToMs(options_.start)));
    next_.push_back(0);
  }
  return Ok();
}

// --- rules ------------------------------------------------------------------------------------

RuleGroupSettings VirtualProcess::Settings() const {
  RuleGroupSettings settings;
  settings.external_labels = options_.external_labels;
  settings.external_url = options_.external_url;
  settings.resend_delay = options_.resend_delay;
  settings.resolved_retention = kResolvedRetention;
  settings.data_since = started_at_;
  settings.data_delay = 2 * options_.collection_interval;
  settings.patience = kOutageTolerance;
  settings.history = 0;
  settings.rule_metrics = false;
  return settings;
}

std::vector<FormerRule> VirtualProcess::ReleaseAll() {
  std::vector<FormerRule> former;
  for (const std::unique_ptr<RuleGroup>& group : groups_) {
    std::ranges::move(group->Release(), std::back_inserter(former));
  }
  return former;
}

std::vector<std::unique_ptr<RuleGroup>> VirtualProcess::Build(
    const std::vector<std::shared_ptr<const RuleGroupSpec>>& specs) {
  std::vector<std::unique_ptr<RuleGroup>> groups;
  for (const std::shared_ptr<const RuleGroupSpec>& spec : specs) {
    groups.push_back(
        std::make_unique<RuleGroup>(spec, Settings(),
                                    RuleGroup::Dependencies{.clock = clock_,
                                                            .engine = engine_,
                                                            .querier = store_.querier(),
                                                            .sink = store_.sink(),
                                                            .notifier = alertmanager_,
                                                            .log = log_,
                                                            .metrics = metrics_,
                                                            .threads = threads_,
                                                            .sources = sources_}));
  }
  return groups;
}

void VirtualProcess::SetRules(std::vector<RuleGroupSpec> specs) {
  std::vector<std::shared_ptr<const RuleGroupSpec>> shared;
  for (RuleGroupSpec& spec : specs) {
    shared.push_back(std::make_shared<const RuleGroupSpec>(std::move(spec)));
  }
  std::vector<FormerRule> former = ReleaseAll();
  groups_ = Build(shared);
  std::vector<RuleGroup*> heirs;
  for (const std::unique_ptr<RuleGroup>& group : groups_) heirs.push_back(group.get());
  EndFormer(HandOver(std::move(former), heirs).left);
}

// Rules that are gone: their alerts are told to be over, their series end.
void VirtualProcess::EndFormer(std::vector<FormerRule> former) {
  for (FormerRule& rule : former) {
    std::vector<Notification> ends = AlertingRule::ResolveAll(
        rule.memory.alerts, now(), GeneratorUrl(options_.external_url, rule.query));
    if (!ends.empty()) alertmanager_.Notify(std::move(ends));
    if (groups_.empty()) {
      (void)rule.memory.written.MarkAllStale(ToMs(now()));
    } else {
      GroupLike(rule).EndSeries(std::move(rule.memory.written));
    }
  }
}

// The group that a former rule stood in or, when it is gone, any.
RuleGroup& VirtualProcess::GroupLike(const FormerRule& rule) {
  for (const std::unique_ptr<RuleGroup>& group : groups_) {
    if (group->spec().file == rule.file && group->spec().name == rule.group) return *group;
  }
  return *groups_.front();
}

void VirtualProcess::Restart(Duration outage) {
  std::vector<std::string> lines;
  for (const std::unique_ptr<RuleGroup>& group : groups_) {
    lines.push_back(RenderJournalGroup(*group, group->Snapshot().last_evaluation.value_or(now())));
  }
  journal_ = RenderJournal({lines.begin(), lines.end()});
  down_until_ = now() + outage;
}

// What the journal of the process that died tells the new one.
std::vector<FormerRule> VirtualProcess::Remembered() {
  std::vector<FormerRule> former;
  Result<std::vector<JournalGroup>> journal = ParseJournal(std::exchange(journal_, ""));
  if (!journal.ok()) return former;
  for (JournalGroup& group : *journal) {
    if (now() - group.at > kOutageTolerance) continue;
    SkipOutage(group, now());
    std::ranges::move(FormerRulesOf(std::move(group), store_.sink()), std::back_inserter(former));
  }
  return former;
}

// --- time -------------------------------------------------------------------------------------

Status VirtualProcess::MoveTo(Timestamp now) {
  std::vector<PendingSample> batch;
  for (size_t i = 0; i < input_.size(); ++i) {
    std::vector<PendingSample>& samples = input_[i];
    for (size_t& at = next_[i]; at < samples.size() && samples[at].t_ms <= ToMs(now); ++at) {
      if (down_until_ && samples[at].t_ms < ToMs(*down_until_)) continue;  // nobody collected it
      batch.push_back(std::move(samples[at]));
    }
  }
  clock_.Set(now);
  const Result<CommitReport> report = store_.sink().Commit(batch);
  if (!report.ok()) return report.error();
  if (down_until_ && !is_down()) ComeBack();
  return Ok();
}

void VirtualProcess::ComeBack() {
  down_until_.reset();
  started_at_ = now();
  std::vector<std::shared_ptr<const RuleGroupSpec>> specs;
  for (const std::unique_ptr<RuleGroup>& group : groups_) {
    specs.push_back(std::make_shared<const RuleGroupSpec>(group->spec()));
  }
  groups_ = Build(specs);
  std::vector<RuleGroup*> heirs;
  for (const std::unique_ptr<RuleGroup>& group : groups_) heirs.push_back(group.get());
  EndFormer(HandOver(Remembered(), heirs).left);
}

// --- queries ----------------------------------------------------------------------------------

Result<promql::VectorValue> VirtualProcess::Query(const std::string& expression,
                                                  Timestamp at) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<const promql::ParsedQuery> query,
                   engine_.Parse(expression));
  ASSIGN_OR_RETURN(promql::QueryResult result, engine_.Instant(*query, store_.querier(), ToMs(at)));
  if (auto* vector = std::get_if<promql::VectorValue>(&result.value)) return std::move(*vector);
  if (const auto* scalar = std::get_if<promql::ScalarValue>(&result.value)) {
    promql::VectorElement element;
    element.point = {.t_ms = scalar->t_ms, .value = scalar->value, .histogram = nullptr};
    return promql::VectorValue{std::move(element)};
  }
  return ExecutionError("rule result is not a vector or scalar");
}

std::string VirtualProcess::Dump(Timestamp at, Duration reach) const {
  const Duration range = reach + std::chrono::milliseconds(1);
  const auto query =
      engine_.Parse(fmt::format("{{__name__=~\".+\"}}[{}]", FormatPrometheusDuration(range)));
  if (!query.ok()) return query.error().message + "\n";
  Result<promql::QueryResult> result = engine_.Instant(**query, store_.querier(), ToMs(at));
  if (!result.ok()) return result.error().message + "\n";
  std::string text;
  for (const promql::MatrixElement& series : std::get<promql::MatrixValue>(result->value)) {
    text += series.labels.ToString() + " =>\n";
    for (const promql::Point& point : series.points) text += Text(point) + "\n";
  }
  return text;
}

}  // namespace tocsin::unit_test
