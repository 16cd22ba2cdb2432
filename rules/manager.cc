#include "rules/manager.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "rules/alert_journal.h"
#include "rules/group_order.h"
#include "rules/group_runner.h"
#include "rules/handover.h"
#include "rules/rule_file.h"

namespace tocsin {
namespace {

// How long after the start every target has been collected twice, which is what rates need.
Duration TwoCollections(const Config& config) {
  Duration longest = config.global.scrape_interval;
  for (const ScrapeConfig& scrape : config.scrape_configs) {
    longest = std::max(longest, scrape.scrape_interval);
  }
  return 2 * longest;
}

}  // namespace

RuleManager::RuleManager(RuleManagerOptions options, Dependencies dependencies)
    : options_(std::move(options)),
      dependencies_(std::move(dependencies)),
      started_at_(dependencies_.clock.Now()),
      threads_(std::make_unique<SpareThreads>(&dependencies_.cpu, options_.max_concurrent_evals)),
      journal_(options_.journal_path.empty()
                   ? nullptr
                   : std::make_unique<AlertJournal>(options_.journal_path, dependencies_.files,
                                                    dependencies_.log)) {}

RuleManager::~RuleManager() { Stop(); }

Status RuleManager::Check(const Config& config) const {
  const Result<RuleFiles> loaded =
      LoadRuleFiles(dependencies_.files, config, dependencies_.engine.options().parser);
  if (!loaded.ok()) return loaded.error();
  return Ok();
}

RuleGroupSettings RuleManager::SettingsFor(const Config& config) const {
  return {.external_labels = config.global.external_labels,
          .external_url = options_.external_url,
          .resend_delay = options_.resend_delay,
          .resolved_retention = options_.resolved_retention,
          .data_since = started_at_,
          .data_delay = TwoCollections(config),
          .patience = options_.outage_tolerance,
          .history = options_.history,
          .max_lanes = options_.max_concurrent_evals,
          .rule_metrics = options_.rule_metrics};
}

std::shared_ptr<GroupRunner> RuleManager::MakeRunner(RuleGroupSpec spec,
                                                     const RuleGroupSettings& settings) {
  const Dependencies& d = dependencies_;
  auto group =
      std::make_unique<RuleGroup>(std::make_shared<const RuleGroupSpec>(std::move(spec)), settings,
                                  RuleGroup::Dependencies{.clock = d.clock,
                                                          .engine = d.engine,
                                                          .querier = d.querier,
                                                          .sink = d.sink,
                                                          .notifier = d.notifier,
                                                          .log = d.log,
                                                          .metrics = d.metrics,
                                                          .threads = *threads_,
                                                          .sources = d.sources,
                                                          .remote_states = &d.remote_states});
  return std::make_shared<GroupRunner>(
      std::move(group), GroupRunner::Dependencies{
                            .clock = d.clock,
                            .scheduler = d.scheduler,
                            .cpu = d.cpu,
                            .evaluated = [journal = journal_.get()](RuleGroup& of, Timestamp at) {
                              if (journal != nullptr) journal->Update(of, at);
                            }});
}

RuleManager::Runners RuleManager::CurrentRunners() const {
  const MutexLock lock(mutex_);
  return runners_;
}

RuleManager::Places RuleManager::PlacesOf(const std::vector<RuleGroupSpec>& groups) {
  Places places;
  for (const RuleGroupSpec& group : groups) {
    std::vector<RulePlace>& of_group = places[{group.file, group.name}];
    for (const RuleSpec& rule : group.rules) of_group.push_back({rule.line, rule.column});
  }
  return places;
}

Status RuleManager::Apply(const Config& config) {
  ASSIGN_OR_RETURN(RuleFiles loaded, LoadRuleFiles(dependencies_.files, config,
                                                   dependencies_.engine.options().parser));
  for (const std::string& warning : loaded.warnings) dependencies_.log.Warn(warning);

  const RuleGroupSettings settings = SettingsFor(config);
  auto places = std::make_shared<const Places>(PlacesOf(loaded.groups));
  Runners outgoing = CurrentRunners();
  Runners next;
  Runners started;
  std::vector<RuleGroup*> groups;
  RulesReload report;
  for (RuleGroupSpec& spec : loaded.groups) {
    const auto same = std::ranges::find_if(outgoing, [&](const auto& runner) {
      const RuleGroupSpec& present = runner->spec();
      return present.file == spec.file && present.name == spec.name &&
             present.fingerprint == spec.fingerprint && runner->settings() == settings;
    });
    if (same != outgoing.end()) {
      next.push_back(*same);
      outgoing.erase(same);
      ++report.groups_unchanged;
      continue;
    }
    started.push_back(MakeRunner(std::move(spec), settings));
    next.push_back(started.back());
    groups.push_back(&started.back()->group());
  }
  std::vector<FormerRule> former = RestoreJournal(groups);
  for (const std::shared_ptr<GroupRunner>& runner : outgoing) {
    runner->Stop();
    std::ranges::move(runner->group().Release(), std::back_inserter(former));
  }
  HandOverResult handed = HandOver(std::move(former), groups);
  Report(outgoing, started, handed, report);
  EndFormerRules(std::move(handed.left), started);
  UpdateJournal(next, started);
  Order(next);
  {
    const MutexLock lock(mutex_);
    runners_ = std::move(next);
    places_ = std::move(places);
    last_reload_ = std::move(report);
  }
  for (const std::shared_ptr<GroupRunner>& runner : started) runner->Start();
  return Ok();
}

void RuleManager::Report(const Runners& outgoing, const Runners& started,
                         const HandOverResult& handed, RulesReload& report) {
  const auto among = [](const Runners& runners, const RuleGroupSpec& spec) {
    return std::ranges::any_of(runners, [&](const auto& runner) {
      return runner->spec().name == spec.name && runner->spec().file == spec.file;
    });
  };
  for (const std::shared_ptr<GroupRunner>& runner : started) {
    const RuleGroupSpec& spec = runner->spec();
    (among(outgoing, spec) ? report.groups_changed : report.groups_new).push_back(spec.name);
    for (size_t i = 0; i < runner->group().size(); ++i) {
      const AlertingRule* alerting = runner->group().alerting(i);
      if (alerting != nullptr) report.alerts_kept += alerting->CountActive();
    }
  }
  for (const std::shared_ptr<GroupRunner>& runner : outgoing) {
    if (!among(started, runner->spec())) report.groups_gone.push_back(runner->spec().name);
  }
  for (const RuleSpec* rule : handed.newcomers) report.rules_new.push_back(rule->name);
  for (const FormerRule& rule : handed.left) {
    if (!rule.name.empty()) report.rules_gone.push_back(rule.name);
    report.alerts_resolved +=
        AlertingRule::ResolveAll(rule.memory.alerts, Timestamp{}, std::string()).size();
  }
}

RulesReload RuleManager::last_reload() const {
  const MutexLock lock(mutex_);
  return last_reload_;
}

void RuleManager::Order(const Runners& runners) {
  std::vector<const RuleGroupSpec*> specs;
  for (const std::shared_ptr<GroupRunner>& runner : runners) specs.push_back(&runner->spec());
  const std::vector<std::vector<size_t>> upstreams = UpstreamsOf(specs);
  for (size_t i = 0; i < runners.size(); ++i) {
    std::vector<std::weak_ptr<GroupRunner>> of_runner;
    for (const size_t upstream : upstreams[i]) of_runner.push_back(runners[upstream]);
    runners[i]->SetUpstreams(std::move(of_runner));
  }
}

std::vector<FormerRule> RuleManager::RestoreJournal(const std::vector<RuleGroup*>& groups) {
  std::vector<FormerRule> former;
  if (std::exchange(restored_, true)) return former;
  std::optional<std::vector<JournalGroup>> journal;
  if (journal_) journal = journal_->Load(dependencies_.clock.Now(), options_.outage_tolerance);
  if (!journal) {
    for (RuleGroup* group : groups) {
      group->RestoreFromStore({.outage_tolerance = options_.outage_tolerance,
                               .grace_period = options_.for_grace_period});
    }
    return former;
  }
  for (JournalGroup& group : *journal) {
    std::ranges::move(FormerRulesOf(std::move(group), dependencies_.sink),
                      std::back_inserter(former));
  }
  return former;
}

void RuleManager::UpdateJournal(const Runners& all, const Runners& started) {
  if (!journal_) return;
  const Timestamp now = dependencies_.clock.Now();
  for (const std::shared_ptr<GroupRunner>& runner : started) journal_->Update(runner->group(), now);
  std::vector<std::string> keys;
  for (const std::shared_ptr<GroupRunner>& runner : all) {
    keys.push_back(GroupKey(runner->spec().file, runner->spec().name));
  }
  journal_->Retain(keys);
}

void RuleManager::EndFormerRules(std::vector<FormerRule> former, const Runners& started) {
  const Timestamp now = dependencies_.clock.Now();
  for (FormerRule& rule : former) {
    std::vector<Notification> ends = AlertingRule::ResolveAll(
        rule.memory.alerts, now, GeneratorUrl(options_.external_url, rule.query));
    if (!ends.empty()) dependencies_.notifier.Notify(std::move(ends));
    if (rule.memory.written.size() == 0) continue;
    const auto group = std::ranges::find_if(started, [&](const auto& runner) {
      return runner->spec().name == rule.group && runner->spec().file == rule.file;
    });
    if (group != started.end()) {
      (*group)->group().EndSeries(std::move(rule.memory.written));
      continue;
    }
    // Not at once: a rule that has got another name goes on with the series, and its newer samples
    // then have precedence over the marker.
    EndLater(std::make_shared<RuleSeriesWriter>(std::move(rule.memory.written)), 2 * rule.interval);
  }
}

void RuleManager::EndLater(std::shared_ptr<RuleSeriesWriter> written, Duration delay) {
  const int64_t now_ms = ToMs(dependencies_.clock.Now());
  dependencies_.scheduler.After(
      delay, dependencies_.cpu, [weak = std::weak_ptr(written), now_ms, &log = dependencies_.log] {
        const std::shared_ptr<RuleSeriesWriter> series = weak.lock();
        if (series == nullptr) return;
        const Status status = series->MarkAllStale(now_ms);
        if (status.ok()) return;
        log.Warn("series of a former rule could not be ended", {{"err", status.error().message}});
      });
  const MutexLock lock(mutex_);
  ending_.push_back(std::move(written));
}

std::shared_ptr<const RulesSnapshot> RuleManager::Snapshot() const {
  Runners runners;
  std::shared_ptr<const Places> places;
  {
    const MutexLock lock(mutex_);
    runners = runners_;
    places = places_;
  }
  auto snapshot = std::make_shared<RulesSnapshot>();
  for (const std::shared_ptr<GroupRunner>& runner : runners) {
    const auto published = runner->Snapshot();
    if (published == nullptr) continue;
    RuleGroupSnapshot& group = snapshot->groups.emplace_back(*published);
    const std::vector<RulePlace>& of_group = places->at({group.file, group.name});
    for (size_t i = 0; i < group.rules.size(); ++i) {
      group.rules[i].line = of_group[i].line;
      group.rules[i].column = of_group[i].column;
    }
  }
  std::ranges::sort(snapshot->groups, [](const RuleGroupSnapshot& a, const RuleGroupSnapshot& b) {
    return std::tie(a.file, a.name) < std::tie(b.file, b.name);
  });
  return snapshot;
}

void RuleManager::Stop() {
  for (const std::shared_ptr<GroupRunner>& runner : CurrentRunners()) runner->Stop();
  const MutexLock lock(mutex_);
  ending_.clear();
}

}  // namespace tocsin
