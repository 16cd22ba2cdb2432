#include <fmt/format.h>

#include "base/json.h"
#include "base/quantity.h"
#include "cli/commands.h"
#include "cli/journey_arguments.h"
#include "cli/terminal.h"

namespace tocsin::cli {
namespace {

using delivery::JourneyOutcome;
using delivery::StepOutcome;

constexpr FlagSpec kFlags[] = {
    {.name = "--journeys",
     .value = "FILE",
     .fallback = "journeys.yml",
     .help = "The journeys (default: journeys.yml)."},
    kJourneyFlag,
    kHeaderFlag,
    {.name = "--timeout", .value = "DURATION", .fallback = "30s", .help = "Of one request."},
    kInsecureFlag,
    {.name = "--format", .value = "text|json", .fallback = "text", .help = "How it is printed."},
};

double Seconds(delivery::Latency latency) { return std::chrono::duration<double>(latency).count(); }

std::string StepLine(const StepOutcome& step, bool colors) {
  const std::string mark = step.ok ? Colored("ok", Color::kGreen, colors) + "    "
                                   : Colored("FAILED", Color::kRed, colors);
  std::string line = fmt::format("  {} {:<32} {:>4} {:>8}", mark, step.name,
                                 step.status == 0 ? "-" : std::to_string(step.status),
                                 FormatSpan(Seconds(step.latency)));
  if (step.requests > 1) line += fmt::format("  after {} requests", step.requests);
  if (!step.ok) line += "  " + step.problem;
  return line + "\n";
}

void PrintText(const JourneyOutcome& outcome, CommandContext& context) {
  context.out(fmt::format("{}: {}, {}\n", outcome.name,
                          outcome.ok ? Colored("ok", Color::kGreen, context.colors)
                                     : Colored("FAILED", Color::kRed, context.colors),
                          FormatSpan(Seconds(outcome.total))));
  for (const StepOutcome& step : outcome.steps) context.out(StepLine(step, context.colors));
}

void WriteJson(const JourneyOutcome& outcome, JsonWriter& json) {
  json.BeginObject().Field("name", outcome.name).Field("ok", outcome.ok);
  json.Field("total_seconds", Seconds(outcome.total)).Key("steps").BeginArray();
  for (const StepOutcome& step : outcome.steps) {
    json.BeginObject().Field("name", step.name).Field("ok", step.ok).Field("status", step.status);
    json.Field("latency_seconds", Seconds(step.latency)).Field("requests", step.requests);
    if (!step.ok) json.Field("problem", step.problem);
    json.EndObject();
  }
  json.EndArray().EndObject();
}

int RunValidate(const Arguments& arguments, CommandContext& context) {
  const std::string& format = arguments.Text("--format");
  const Result<std::vector<delivery::Journey>> journeys = ReadJourneys(arguments, context.files);
  const Result<delivery::JourneyWorld> world =
      MakeJourneyWorld(arguments.positional()[0], arguments, context);
  const bool known_format = format == "text" || format == "json";
  if (!journeys.ok() || !world.ok() || !known_format) {
    context.err("tocsin validate: " +
                (!known_format ? "--format: \"" + format + "\" is not one of text, json"
                 : !world.ok() ? world.error().message
                               : journeys.error().message) +
                "\n");
    return kExitUsage;
  }
  JsonWriter json;
  json.BeginArray();
  size_t failed = 0;
  for (const delivery::Journey& journey : *journeys) {
    const JourneyOutcome outcome = RunJourney(journey, RunId(context.clock), *world);
    failed += outcome.ok ? 0 : 1;
    format == "json" ? WriteJson(outcome, json) : PrintText(outcome, context);
  }
  json.EndArray();
  context.out(format == "json" ? json.text() + "\n"
                               : fmt::format("{} journeys, {} failed\n", journeys->size(), failed));
  return failed == 0 ? kExitOk : kExitNo;
}

}  // namespace

const CommandSpec kValidateCommand = {
    .name = "validate",
    .summary = "Do what users do with an app, step by step; exit code 1 on failure.",
    .positional = "URL",
    .flags = kFlags,
    .examples =
        "tocsin validate --journeys deploy/journeys.yml http://localhost:8000\n"
        "tocsin validate --journey=video_upload --format=json http://localhost:8000",
    .run = &RunValidate,
};

}  // namespace tocsin::cli
