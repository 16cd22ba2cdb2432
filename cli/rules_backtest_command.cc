// tocsin rules backtest: what rules would have done.
#include <fmt/core.h>

#include <optional>

#include "base/executor.h"
#include "cli/backtest_report.h"
#include "cli/commands.h"
#include "cli/features.h"
#include "cli/findings_report.h"
#include "cli/history_source.h"
#include "cli/progress.h"
#include "cli/server_client.h"
#include "rules/backtest/prefetching_querier.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--from",
     .value = "TIME",
     .help = "RFC 3339, seconds or -24h (default: the first sample of --input, else -1h)."},
    {.name = "--to",
     .value = "TIME",
     .help = "RFC 3339, seconds, -1h or now (default: the last sample of --input, else now)."},
    {.name = "--step",
     .value = "DURATION",
     .help = "Between evaluations (default: the group's interval, at its own slots)."},
    {.name = "--interval",
     .value = "DURATION",
     .fallback = "1m",
     .help = "The interval of groups that say none."},
    {.name = "--set",
     .value = "NAME.FIELD=VALUE",
     .help = "Change a rule: for, keep_firing_for or threshold.",
     .repeated = true},
    {.name = "--sweep",
     .value = "NAME.FIELD=A,B,C",
     .help = "Compare values: for=1m,5m or threshold=0.1..0.5/0.1.",
     .repeated = true},
    {.name = "--compare",
     .value = "OLD.yml",
     .help = "Also run this file, and say where the two differ.",
     .repeated = true},
    {.name = "--format",
     .value = "text|html|json|sarif|github",
     .fallback = "text",
     .help = "How the result is printed."},
    {.name = "--html", .value = "FILE", .help = "Also write a page with a picture."},
    {.name = "--stepwise", .help = "Evaluate slot by slot, as a running process does; slower."},
    kServerFlag,
    kInputFlag,
    kEnableFeatureFlag,
};

// Selections of a server that are on their way at a time, beside the one that is waited for.
constexpr size_t kFetches = 2;

struct Setup {
  promql::EngineOptions engine;
  History history;
  std::vector<RuleGroupSpec> groups;
  std::vector<RuleGroupSpec> old_groups;
  std::vector<RuleChange> changes;
  BacktestOptions options;
};

Result<std::vector<RuleGroupSpec>> ReadGroups(const std::vector<std::string>& paths,
                                              const RuleDefaults& defaults,
                                              const CommandContext& context) {
  std::vector<RuleGroupSpec> groups;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::string text, context.files.Read(path));
    ASSIGN_OR_RETURN(std::vector<RuleGroupSpec> read, ParseRuleFile(path, text, defaults));
    std::ranges::move(read, std::back_inserter(groups));
  }
  return groups;
}

Status ReadTimes(const Arguments& arguments, const CommandContext& context, Setup& setup) {
  const Timestamp now = context.clock.Now();
  setup.options.from = setup.history.first;
  setup.options.to = setup.history.last;
  const auto read = [&](std::string_view flag, Timestamp& into) -> Status {
    if (!arguments.Given(flag)) return Ok();
    const Result<Timestamp> time = ParseTimeArgument(arguments.Text(flag), now);
    if (!time.ok()) return Prefixed(std::string(flag) + ": ", time.error());
    into = *time;
    return Ok();
  };
  RETURN_IF_ERROR(read("--from", setup.options.from));
  RETURN_IF_ERROR(read("--to", setup.options.to));
  if (!arguments.Given("--step")) return Ok();
  ASSIGN_OR_RETURN(setup.options.step, arguments.DurationOf("--step"));
  return Ok();
}

Result<Setup> Prepare(const Arguments& arguments, CommandContext& context) {
  Setup setup;
  ASSIGN_OR_RETURN(setup.engine, ParseFeatures(arguments.All("--enable-feature")));
  RuleDefaults defaults{.parser = setup.engine.parser};
  ASSIGN_OR_RETURN(defaults.interval, arguments.DurationOf("--interval"));
  ASSIGN_OR_RETURN(setup.groups, ReadGroups(arguments.positional(), defaults, context));
  ASSIGN_OR_RETURN(setup.old_groups, ReadGroups(arguments.All("--compare"), defaults, context));
  setup.old_groups = AtSlotsOf(setup.groups, std::move(setup.old_groups));
  for (const std::string& text : arguments.All("--set")) {
    ASSIGN_OR_RETURN(RuleChange change, ParseRuleChange(text));
    ASSIGN_OR_RETURN(setup.groups, WithChange(std::move(setup.groups), change));
    setup.changes.push_back(std::move(change));
  }
  ASSIGN_OR_RETURN(setup.history, OpenHistory(arguments, context));
  RETURN_IF_ERROR(ReadTimes(arguments, context, setup));
  setup.options.stepwise = arguments.Switch("--stepwise");
  return setup;
}

// Runs with a bar of progress.
Result<BacktestResult> Run(const std::string& what, const std::vector<RuleGroupSpec>& groups,
                           const Setup& setup, CommandContext& context) {
  const promql::Engine engine(setup.engine, context.clock, nullptr);
  BacktestOptions options = setup.options;
  constexpr uint64_t kParts = 1000;
  Progress progress(what, kParts, context);
  uint64_t shown = 0;
  options.progress = [&](uint64_t done, uint64_t total) {
    const uint64_t part = total == 0 ? kParts : done * kParts / total;
    if (part > shown) progress.Advance(part - std::exchange(shown, part));
  };
  const std::unique_ptr<Head> written = EmptyStore(context.clock);
  const WrittenStore store{*written, *written};
  const Querier& history = *setup.history.querier;
  if (!setup.history.is_remote) return Backtest(groups, history, store, engine, options);
  ThreadPool background("history", kFetches);
  const PrefetchingQuerier ahead(history, background, ToMs(options.to));
  return Backtest(groups, ahead, store, engine, options);
}

// The group of the rule alone, where it depends on nothing else.
SweepRow RowOf(const RuleChange& change, const BacktestResult& result) {
  SweepRow row{.change = change};
  for (const BacktestRule& rule : result.rules) {
    if (rule.name != change.rule) continue;
    row.pages += rule.pages;
    row.flaps += rule.flaps;
    row.alerts += rule.alerts.size();
    row.firing += rule.firing;
  }
  return row;
}

Result<BacktestReport> MakeReport(const Arguments& arguments, const Setup& setup,
                                  CommandContext& context) {
  BacktestReport report{.changes = setup.changes};
  ASSIGN_OR_RETURN(report.result, Run("backtest", setup.groups, setup, context));
  for (const std::string& text : arguments.All("--sweep")) {
    ASSIGN_OR_RETURN(const std::vector<RuleChange> changes, ParseRuleSweep(text));
    for (const RuleChange& change : changes) {
      ASSIGN_OR_RETURN(const std::vector<RuleGroupSpec> groups, WithChange(setup.groups, change));
      ASSIGN_OR_RETURN(const BacktestResult result, Run(change.ToString(), groups, setup, context));
      report.sweep.push_back(RowOf(change, result));
    }
  }
  if (arguments.Given("--compare")) {
    ASSIGN_OR_RETURN(report.old, Run("old", setup.old_groups, setup, context));
    report.differences = Compare(*report.old, report.result);
  }
  return report;
}

// Prints the report in a format that has been looked at before.
int Print(const BacktestReport& report, const std::string& format, CommandContext& context) {
  constexpr int kBarWidth = 60;
  if (format == "html") {
    context.out(RenderBacktestHtml(report));
  } else if (format == "json") {
    context.out(RenderBacktestJson(report));
  } else if (format == "text") {
    context.out(RenderBacktestText(report, kBarWidth, context.colors));
  } else {
    FindingsReport findings(*ParseReportFormat(format), context);
    findings.Add(BacktestFindings(report));
    return findings.Finish();
  }
  return kExitOk;
}

int RunBacktest(const Arguments& arguments, CommandContext& context) {
  const std::string& format = arguments.Text("--format");
  if (format != "html" && !ParseReportFormat(format).ok()) {
    context.err("tocsin rules backtest: --format: \"" + format +
                "\" is not one of text, html, json, sarif, github\n");
    return kExitUsage;
  }
  const auto fail = [&](const Error& error) {
    context.err("tocsin rules backtest: " + error.message + "\n");
    return kExitUsage;
  };
  const Result<Setup> setup = Prepare(arguments, context);
  if (!setup.ok()) return fail(setup.error());
  const Result<BacktestReport> report = MakeReport(arguments, *setup, context);
  if (!report.ok()) return fail(report.error());
  if (arguments.Given("--html")) {
    const Status written =
        context.files.WriteAtomically(arguments.Text("--html"), RenderBacktestHtml(*report));
    if (!written.ok()) return fail(written.error());
  }
  return Print(*report, format, context);
}

}  // namespace

const CommandSpec kRulesBacktestCommand = {
    .name = "rules backtest",
    .summary = "Show what rules would have done over history.",
    .positional = "FILE...",
    .flags = kFlags,
    .examples =
        "tocsin rules backtest --from=-7d alert_rules.yml\n"
        "tocsin rules backtest --server=http://prometheus:9090 --html=week.html alert_rules.yml\n"
        "tocsin rules backtest --input=month.om --sweep=HighErrorRate.for=1m,5m,15m rules.yml\n"
        "tocsin rules backtest --compare=old.yml --set=HighErrorRate.threshold=0.1 new.yml\n"
        "tocsin rules backtest --input=month.om --compare=old.yml --format=github new.yml",
    .run = &RunBacktest,
};

}  // namespace tocsin::cli
