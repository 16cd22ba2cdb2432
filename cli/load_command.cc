#include <fmt/format.h>

#include "base/go_float.h"
#include "base/quantity.h"
#include "cli/commands.h"
#include "cli/journey_arguments.h"
#include "cli/progress.h"
#include "delivery/load/load_run.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--rate",
     .value = "N",
     .help = "Open loop: so many journeys begin in a second, whatever the answers do."},
    {.name = "--users",
     .value = "N",
     .fallback = "10",
     .help = "Closed loop: users, each with one journey after the other. With --rate: how many "
             "journeys may run at once."},
    {.name = "--duration", .value = "DURATION", .fallback = "30s", .help = "How long."},
    {.name = "--ramp", .value = "DURATION", .fallback = "0s", .help = "Rise to the full load."},
    kJourneysFlag,
    kJourneyFlag,
    {.name = "--method", .value = "METHOD", .fallback = "GET", .help = "Without --journeys."},
    {.name = "--path", .value = "PATH", .fallback = "/", .help = "Without --journeys."},
    kHeaderFlag,
    {.name = "--timeout", .value = "DURATION", .fallback = "10s", .help = "Of one request."},
    kInsecureFlag,
    {.name = "--success-rate",
     .value = "RATIO",
     .fallback = "100%",
     .help =
         "Fewer successful journeys make exit code 1; an open loop ends once it cannot be met."},
    {.name = "--max-p95",
     .value = "DURATION",
     .help = "A longer 95th percentile makes exit code 1."},
    {.name = "--format", .value = "text|json", .fallback = "text", .help = "How it is printed."},
};

Result<delivery::LoadPlan> ReadPlan(const Arguments& arguments, const FileSystem& files) {
  delivery::LoadPlan plan;
  if (arguments.Given("--rate")) {
    const std::optional<double> rate = ParseGoFloat(arguments.Text("--rate"));
    if (!rate || !(*rate > 0)) return InvalidArgument("--rate: write journeys per second");
    plan.rate = *rate;
  }
  ASSIGN_OR_RETURN(const int64_t users, arguments.IntegerOf("--users"));
  plan.users = static_cast<int>(std::min<int64_t>(users, 1'000'000));
  ASSIGN_OR_RETURN(plan.duration, arguments.DurationOf("--duration"));
  ASSIGN_OR_RETURN(plan.ramp, arguments.DurationOf("--ramp"));
  ASSIGN_OR_RETURN(plan.required_success, ParseRatio(arguments.Text("--success-rate")));
  if (arguments.Given("--journeys")) {
    ASSIGN_OR_RETURN(plan.mix, ReadJourneys(arguments, files));
  } else {
    plan.mix = {delivery::SingleRequest(arguments.Text("--method"), arguments.Text("--path"))};
  }
  RETURN_IF_ERROR(delivery::CheckPlan(plan));
  return plan;
}

struct LoadTask {
  delivery::LoadPlan plan;
  delivery::LoadWorld world;
  std::optional<Duration> max_p95;
  bool json = false;
};

Result<LoadTask> ReadTask(const Arguments& arguments, CommandContext& context) {
  ASSIGN_OR_RETURN(delivery::LoadPlan plan, ReadPlan(arguments, context.files));
  ASSIGN_OR_RETURN(delivery::JourneyWorld journey,
                   MakeJourneyWorld(arguments.positional()[0], arguments, context));
  LoadTask task{.plan = std::move(plan),
                .world = {.journey = std::move(journey), .sleep_until = context.sleep_until}};
  if (arguments.Given("--max-p95")) {
    ASSIGN_OR_RETURN(task.max_p95, ParseSpan(arguments.Text("--max-p95")));
  }
  const std::string& format = arguments.Text("--format");
  if (format != "text" && format != "json") {
    return InvalidArgument("--format: \"" + format + "\" is not one of text, json");
  }
  task.json = format == "json";
  return task;
}

int RunLoadCommand(const Arguments& arguments, CommandContext& context) {
  Result<LoadTask> task = ReadTask(arguments, context);
  if (!task.ok()) {
    context.err("tocsin load: " + task.error().message + "\n");
    return kExitUsage;
  }
  const auto seconds = static_cast<uint64_t>(ToSeconds(task->plan.duration));
  delivery::LoadReport report;
  {
    Progress progress("load", std::max<uint64_t>(seconds, 1), context);
    uint64_t shown = 0;
    task->world.progress = [&](const delivery::LoadProgress& now) {
      const auto done = std::min(static_cast<uint64_t>(ToSeconds(now.elapsed)), seconds);
      progress.Advance(done - std::exchange(shown, done));
    };
    report = delivery::RunLoad(task->plan, RunId(context.clock), task->world);
  }
  context.out(task->json ? RenderLoadJson(report) + "\n" : RenderLoadText(report));
  const bool slow = task->max_p95 && report.latency.Quantile(0.95) > *task->max_p95;
  const bool failing = report.success_ratio() < task->plan.required_success;
  if (slow) {
    context.err("the 95th percentile is above " + FormatSpan(ToSeconds(*task->max_p95)) + "\n");
  }
  if (failing) {
    context.err("fewer than " + FormatRatio(task->plan.required_success) +
                " of the journeys succeeded\n");
  }
  return slow || failing || report.interrupted ? kExitNo : kExitOk;
}

}  // namespace

const CommandSpec kLoadCommand = {
    .name = "load",
    .summary = "Put load on an app and measure what its users would see.",
    .positional = "URL",
    .flags = kFlags,
    .examples =
        "tocsin load --rate=300 --users=50 --duration=1m --path=/health http://localhost:8000\n"
        "tocsin load --users=100 --journeys=journeys.yml --success-rate=99% --max-p95=1s "
        "localhost:8000",
    .run = &RunLoadCommand,
};

}  // namespace tocsin::cli
