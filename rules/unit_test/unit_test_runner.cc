#include "rules/unit_test/unit_test_runner.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "rules/unit_test/virtual_process.h"

namespace tocsin::unit_test {
namespace {

std::string Indented(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\n            " : std::string(1, c);
  return out;
}

AlertState StateOf(const AlertTiming& timing) {
  if (timing.phase == AlertPhase::kInactive || timing.resolved_at) return AlertState::kInactive;
  if (timing.phase == AlertPhase::kPending) return AlertState::kPending;
  return timing.keep_firing_since ? AlertState::kKeepFiring : AlertState::kFiring;
}

// With those that expanded to nothing, which a LabelSet cannot hold.
Pairs AnnotationsOf(const RuleSpec& spec, const Alert& alert) {
  Pairs annotations;
  for (const TemplatedLabel& annotation : spec.annotation_templates) {
    annotations.emplace_back(annotation.name, alert.annotations.Get(annotation.name));
  }
  return annotations;
}

// One test from its first step to its last check.
class TestRun {
 public:
  TestRun(const UnitTestFile& file, const Test& test, const RunOptions& options,
          const FileSystem& files, Coverage& coverage)
      : file_(file),
        test_(test),
        options_(options),
        files_(files),
        coverage_(coverage),
        process_({.start = test.start,
                  .external_labels = test.external_labels,
                  .external_url = test.external_url,
                  .resend_delay = test.resend_delay,
                  .collection_interval = test.interval,
                  .engine = EngineOptionsFor(file, options)}) {}

  TestOutcome Run() {
    if (Prepare() && Steps()) {
      CheckQueries();
      CheckSendings();
    }
    if (options_.debug)
      outcome_.debug = process_.Dump(test_.start + test_.Length(), test_.Length());
    return std::move(outcome_);
  }

 private:
  static promql::EngineOptions EngineOptionsFor(const UnitTestFile& file,
                                                const RunOptions& options) {
    promql::EngineOptions engine = options.engine;
    engine.default_step_ms = file.evaluation_interval.count();
    return engine;
  }

  void Fail(Place place, std::string text, std::optional<Mismatch> mismatch = std::nullopt) {
    outcome_.failures.push_back({place, std::move(text), std::move(mismatch)});
  }
  std::string NameLine() const {
    return test_.name.empty() ? "" : fmt::format("    name: {},\n", test_.name);
  }

  // --- preparation ----------------------------------------------------------------------------

  bool Prepare() {
    alert_cases_ = test_.alert_cases;
    std::ranges::stable_sort(alert_cases_, {}, &AlertCase::eval_time);
    const Status series = process_.AddSeries(test_.input_series, test_.interval, file_.path);
    if (!series.ok()) {
      Fail(test_.place, series.error().message);
      return false;
    }
    if (!LoadRules(file_.rule_files)) return false;
    for (const AlertCase& each : alert_cases_) {
      if (!each.alertname.empty()) continue;
      Fail(each.place,
           fmt::format("an item under alert_rule_test misses required attribute alertname at "
                       "eval_time {}{}",
                       FormatPrometheusDuration(each.eval_time),
                       test_.name.empty() ? "" : " (in TestGroup " + test_.name + ")"));
      return false;
    }
    return true;
  }

  bool LoadRules(const std::vector<std::string>& paths) {
    const RuleDefaults defaults{
        .interval = file_.honor_group_interval ? file_.evaluation_interval : test_.interval,
        .parser = options_.engine.parser,
        .ignore_unknown_fields = options_.ignore_unknown_fields};
    std::vector<RuleGroupSpec> groups;
    const bool same_places = paths.size() == file_.rule_files.size();
    for (size_t i = 0; i < paths.size(); ++i) {
      const std::string& path = paths[i];
      const Result<std::string> text = files_.Read(path);
      Result<std::vector<RuleGroupSpec>> parsed =
          text.ok() ? ParseRuleFile(path, *text, defaults) : text.error();
      if (!parsed.ok()) {
        Fail({}, parsed.error().message);
        return false;
      }
      for (RuleGroupSpec& group : *parsed) {
        if (same_places) group.file = file_.rule_files[i];
        groups.push_back(std::move(group));
      }
    }
    std::ranges::stable_sort(groups, {}, [&](const RuleGroupSpec& group) { return Order(group); });
    process_.SetRules(std::move(groups));
    return true;
  }

  // Groups that are not listed come with the first one that is.
  size_t Order(const RuleGroupSpec& group) const {
    const auto found = std::ranges::find(file_.group_eval_order, group.name);
    return found == file_.group_eval_order.end()
               ? 0
               : static_cast<size_t>(found - file_.group_eval_order.begin());
  }

  // --- steps ----------------------------------------------------------------------------------

  // False: the rules cannot be evaluated, so the checks have no meaning.
  bool Steps() {
    const Duration length = test_.Length();
    for (Duration at = FirstStep(); at <= length; at = NextStep(at)) {
      CheckAlertsBefore(at);
      if (!ApplyEvents(at) || !MoveTo(at) || !EvaluateGroups(at)) return false;
    }
    CheckAlertsBefore(Duration::max());
    return ApplyEvents(length);
  }

  Duration FirstStep() const {
    const Duration step = file_.evaluation_interval;
    return test_.evaluate_from / step * step;
  }

  Duration NextStep(Duration at) {
    if (!file_.honor_group_interval) return at + file_.evaluation_interval;
    Duration next = Duration::max();
    for (const std::unique_ptr<RuleGroup>& group : process_.groups()) {
      const Duration interval = group->spec().interval;
      next = std::min(next, (at / interval + 1) * interval);
    }
    return next == Duration::max() ? at + file_.evaluation_interval : next;
  }

  bool MoveTo(Duration at) {
    const Status moved = process_.MoveTo(test_.start + at);
    if (!moved.ok()) Fail(test_.place, moved.error().message);
    return moved.ok();
  }

  bool ApplyEvents(Duration until) {
    for (; next_event_ < test_.events.size() && test_.events[next_event_].at <= until;
         ++next_event_) {
      const Event& event = test_.events[next_event_];
      if (!MoveTo(event.at) || !Apply(event)) return false;
    }
    return true;
  }

  bool Apply(const Event& event) {
    switch (event.kind) {
      case Event::Kind::kReload:
        reloaded_ = true;
        return LoadRules(event.rule_files);
      case Event::Kind::kRestart:
        process_.Restart(event.outage);
        return true;
      case Event::Kind::kAlertmanagerDown:
        process_.alertmanager().GoAway();
        return true;
      case Event::Kind::kAlertmanagerUp:
        process_.alertmanager().ComeBack();
        return true;
    }
    return true;
  }

  bool EvaluateGroups(Duration at) {
    if (process_.is_down()) return true;
    bool well = true;
    for (const std::unique_ptr<RuleGroup>& group : process_.groups()) {
      if (file_.honor_group_interval && at % group->spec().interval != Duration::zero()) continue;
      group->Evaluate(test_.start + at);
      ++outcome_.evaluations;
      // Other rules now stand at the lines of the file.
      if (!reloaded_) coverage_.Observe(*group);
      for (size_t i = 0; i < group->size(); ++i) {
        if (group->last_error(i).empty()) continue;
        Fail(test_.place,
             fmt::format("    rule: {}, time: {}, err: {}", group->spec().rules[i].name,
                         FormatPrometheusDuration(at), group->last_error(i)));
        well = false;
      }
    }
    return well;
  }

  // --- checks ---------------------------------------------------------------------------------

  // A check sees the last evaluation at or before its time.
  void CheckAlertsBefore(Duration at) {
    for (; next_case_ < alert_cases_.size() && alert_cases_[next_case_].eval_time < at;
         ++next_case_) {
      CheckAlerts(alert_cases_[next_case_]);
    }
  }

  std::vector<SeenAlert> Seen(const std::string& alertname) {
    std::vector<SeenAlert> seen;
    for (const std::unique_ptr<RuleGroup>& group : process_.groups()) {
      for (size_t i = 0; i < group->size(); ++i) {
        const RuleSpec& spec = group->spec().rules[i];
        if (!spec.alerting || spec.name != alertname) continue;
        for (const auto& [labels, alert] : group->alerting(i)->alerts()) {
          seen.push_back({.labels = {labels.begin(), labels.end()},
                          .annotations = AnnotationsOf(spec, alert),
                          .state = StateOf(alert.timing),
                          .active_at = alert.timing.active_at - test_.start});
        }
      }
    }
    return seen;
  }

  void CheckAlerts(const AlertCase& expected) {
    coverage_.NoteAlertCheck(expected.alertname, expected.alerts.empty()
                                                     ? Coverage::Expectation::kSilent
                                                     : Coverage::Expectation::kFires);
    const std::string what = fmt::format("    alertname: {}, time: {}, ", expected.alertname,
                                         FormatPrometheusDuration(expected.eval_time));
    Comparison compared = CompareAlerts(expected, Seen(expected.alertname));
    if (!compared.ok()) return Fail(expected.place, what + "err: " + compared.error().message);
    if (!*compared) return;
    std::string text = fmt::format("{}{}\n        exp:{}, \n        got:{}", NameLine(), what,
                                   Indented((*compared)->expected), Indented((*compared)->got));
    Fail(expected.place, std::move(text), *std::move(compared));
  }

  void CheckQueries() {
    for (const QueryCase& expected : test_.query_cases) {
      coverage_.NoteQuery(expected.expr, options_.engine.parser);
      const std::string what = fmt::format("    expr: {}, time: {}", QuoteLabelValue(expected.expr),
                                           FormatPrometheusDuration(expected.eval_time));
      const Result<promql::VectorValue> got =
          process_.Query(expected.expr, test_.start + expected.eval_time);
      Comparison compared =
          got.ok() ? CompareSamples(expected, *got, file_.fuzzy_compare) : Comparison(got.error());
      if (!compared.ok()) {
        Fail(expected.place, what + ", err: " + compared.error().message);
      } else if (*compared) {
        std::string text = fmt::format("{},\n        exp: {}\n        got: {}", what,
                                       (*compared)->expected, (*compared)->got);
        Fail(expected.place, std::move(text), *std::move(compared));
      }
    }
  }

  void CheckSendings() {
    if (!test_.sendings) return;
    Comparison compared =
        CompareSendings(*test_.sendings, process_.alertmanager().sent(), test_.start);
    if (!compared.ok()) return Fail(test_.sendings->place, compared.error().message);
    if (!*compared) return;
    std::string text =
        fmt::format("{}    exp_sent:\n        exp:\n            {}\n        got:\n            {}",
                    NameLine(), Indented((*compared)->expected), Indented((*compared)->got));
    Fail(test_.sendings->place, std::move(text), *std::move(compared));
  }

  const UnitTestFile& file_;
  const Test& test_;
  const RunOptions& options_;
  const FileSystem& files_;
  Coverage& coverage_;
  VirtualProcess process_;
  TestOutcome outcome_;
  std::vector<AlertCase> alert_cases_;  // by time
  size_t next_case_ = 0;
  size_t next_event_ = 0;
  bool reloaded_ = false;
};

}  // namespace

bool FileOutcome::passed() const {
  return !error &&
         std::ranges::all_of(tests, [](const TestOutcome& test) { return test.failures.empty(); });
}

FileOutcome RunUnitTestFile(const FileSystem& files, const std::string& path,
                            const RunOptions& options,
                            const std::function<bool(const std::string& name)>& selected) {
  FileOutcome outcome;
  outcome.path = path;
  const Result<UnitTestFile> file = ReadUnitTestFile(files, path);
  if (!file.ok()) {
    outcome.error = file.error();
    return outcome;
  }
  outcome.warnings = file->warnings;
  for (size_t i = 0; i < file->tests.size(); ++i) {
    const Test& test = file->tests[i];
    if (!selected(test.name)) continue;
    Coverage coverage;
    TestOutcome one = TestRun(*file, test, options, files, coverage).Run();
    one.name = test.name.empty() ? fmt::format("unnamed#{}", i) : test.name;
    one.place = test.place;
    outcome.tests.push_back(std::move(one));
    outcome.coverage.Merge(coverage);
  }
  return outcome;
}

}  // namespace tocsin::unit_test
