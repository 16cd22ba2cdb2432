// tsdb dump: samples of a server as OpenMetrics, which --input of other commands and tsdb load
// read.
#include <fmt/core.h>

#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/history_source.h"
#include "cli/progress.h"
#include "cli/server_client.h"
#include "engine/exposition/writer.h"
#include "engine/promql/parser.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    kServerFlag,
    {.name = "--match",
     .value = "SELECTOR",
     .help = "Only series that a selector finds (default: all).",
     .repeated = true},
    {.name = "--from", .value = "TIME", .help = "RFC 3339, seconds or -24h (default: -1h)."},
    {.name = "--to", .value = "TIME", .help = "RFC 3339, seconds, -1h or now (default: now)."},
    {.name = "--output",
     .value = "FILE",
     .help = "Instead of standard output.",
     .short_name = "-o"},
    kInputFlag,
};

struct Plan {
  History history;
  TimeRange range;
  std::vector<std::vector<Matcher>> selectors;
};

Result<Plan> PlanFor(const Arguments& arguments, CommandContext& context) {
  Plan plan;
  for (const std::string& text : arguments.All("--match")) {
    Result<std::vector<Matcher>> selector = promql::ParseSelector(text);
    if (!selector.ok()) return Prefixed("--match: ", selector.error());
    plan.selectors.push_back(*std::move(selector));
  }
  ASSIGN_OR_RETURN(plan.history, OpenHistory(arguments, context));
  const auto time = [&](std::string_view flag, Timestamp fallback) -> Result<Timestamp> {
    if (!arguments.Given(flag)) return fallback;
    Result<Timestamp> at = ParseTimeArgument(arguments.Text(flag), context.clock.Now());
    return at.ok() ? at : Prefixed(std::string(flag) + ": ", at.error());
  };
  ASSIGN_OR_RETURN(const Timestamp from, time("--from", plan.history.first));
  ASSIGN_OR_RETURN(const Timestamp to, time("--to", plan.history.last));
  if (to < from) return InvalidArgument("--to lies before --from");
  plan.range = {.min_ms = ToMs(from), .max_ms = ToMs(to)};
  return plan;
}

struct DumpedSeries {
  LabelSet labels;
  SampleColumns samples;
};

// The series of one metric that any selector finds, sorted.
Result<std::vector<DumpedSeries>> SeriesOf(const std::string& metric, const Plan& plan) {
  std::map<LabelSet, SampleColumns> found;
  SymbolTable overlay(plan.history.querier->symbols());
  const std::vector<std::vector<Matcher>> everything(1);
  for (std::vector<Matcher> matchers : plan.selectors.empty() ? everything : plan.selectors) {
    matchers.push_back(Matcher::Equal(kMetricName, metric));
    ASSIGN_OR_RETURN(const std::unique_ptr<SeriesSet> set,
                     plan.history.querier->Select(matchers, plan.range, {}, overlay));
    for (size_t i = 0; i < set->size(); ++i) {
      SampleColumns samples;
      RETURN_IF_ERROR(set->Read(i, plan.range, samples));
      found.insert_or_assign(set->labels(i).ToLabelSet(overlay), std::move(samples));
    }
  }
  std::vector<DumpedSeries> series;
  for (auto& [labels, samples] : found) series.push_back({labels, std::move(samples)});
  return series;
}

void Write(const std::vector<DumpedSeries>& series, ExpositionWriter& writer) {
  for (const DumpedSeries& each : series) {
    const std::string text = ExpositionWriter::SeriesText(each.labels);
    for (size_t i = 0; i < each.samples.size(); ++i) {
      if (IsStaleNan(each.samples.values[i])) continue;
      writer.Sample(text, each.samples.values[i], each.samples.t_ms[i]);
    }
  }
}

Result<std::string> Dump(const Plan& plan, CommandContext& context) {
  ASSIGN_OR_RETURN(const std::vector<std::string> metrics,
                   plan.history.querier->LabelValues(kMetricName, plan.selectors, plan.range));
  Progress progress("dump", metrics.size(), context);
  std::string page;
  ExpositionWriter writer(ExpositionFormat::kOpenMetrics, page);
  for (const std::string& metric : metrics) {
    ASSIGN_OR_RETURN(const std::vector<DumpedSeries> series, SeriesOf(metric, plan));
    Write(series, writer);
    progress.Advance();
  }
  writer.Finish();
  return page;
}

int RunTsdbDump(const Arguments& arguments, CommandContext& context) {
  const auto fail = [&](const Error& error, int code) {
    context.err("tocsin tsdb dump: " + error.message + "\n");
    return code;
  };
  const Result<Plan> plan = PlanFor(arguments, context);
  if (!plan.ok()) return fail(plan.error(), kExitUsage);
  const Result<std::string> page = Dump(*plan, context);
  if (!page.ok()) return fail(page.error(), kExitNo);
  if (!arguments.Given("--output")) {
    context.out(*page);
    return kExitOk;
  }
  const Status written = context.files.WriteAtomically(arguments.Text("--output"), *page);
  return written.ok() ? kExitOk : fail(written.error(), kExitNo);
}

}  // namespace

const CommandSpec kTsdbDumpCommand = {
    .name = "tsdb dump",
    .summary = "Print a server's samples as OpenMetrics.",
    .flags = kFlags,
    .examples =
        "tocsin tsdb dump --from=-6h --match='{job=\"api\"}' --output=api.om\n"
        "tocsin tsdb dump --server=http://prometheus:9090 --from=-1d > day.om\n"
        "tocsin rules backtest --input=day.om alert_rules.yml",
    .run = &RunTsdbDump,
};

}  // namespace tocsin::cli
