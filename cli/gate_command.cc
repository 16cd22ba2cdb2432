#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/quantity.h"
#include "cli/commands.h"
#include "cli/journey_arguments.h"
#include "cli/progress.h"
#include "cli/server_client.h"
#include "delivery/gate/gate_explain.h"
#include "delivery/gate/gate_preflight.h"
#include "delivery/gate/gate_run.h"
#include "rules/rule_file.h"

namespace tocsin::cli {
namespace {

using namespace std::string_literals;  // NOLINT: literals only

constexpr int kExitConfig = 3;
constexpr int kExitUnreachable = 4;

constexpr FlagSpec kFlags[] = {
    {.name = "--phase",
     .value = "pre|step|post|all",
     .fallback = "all",
     .help = "What is checked."},
    {.name = "--color", .value = "NAME", .fallback = "green", .help = "The new version."},
    {.name = "--baseline", .value = "NAME", .help = "The color that serves beside it."},
    {.name = "--baseline-file",
     .value = "FILE",
     .help = "Figures that --record-baseline wrote, where no other color serves."},
    {.name = "--record-baseline", .value = "FILE", .help = "Write the color's figures and end."},
    {.name = "--url", .value = "URL", .help = "The color's own address, for health and load."},
    kServerFlag,
    {.name = "--rules",
     .value = "FILE",
     .help = "Alert rules of which none may hold; repeatable.",
     .repeated = true},
    kJourneysFlag,
    kJourneyFlag,
    kHeaderFlag,
    {.name = "--timeout", .value = "DURATION", .fallback = "10s", .help = "Of one request."},
    kInsecureFlag,
    {.name = "--skip-load", .help = "No load test; the phase pre is then health alone."},
    {.name = "--at", .value = "TIME", .help = "Judge the figures of a past time (RFC 3339)."},
    {.name = "--bundle", .value = "DIR", .help = "Keep all answers there, to be replayed."},
    {.name = "--replay", .value = "DIR", .help = "Judge what a bundle holds; asks nobody."},
    {.name = "--explain", .help = "Print every check with its queries and limits, and end."},
    {.name = "--check",
     .help = "Say which checks can never pass, or never fail, and end; with --server also what its "
             "series answer. Exit code 1 on problems."},
    {.name = "--format",
     .value = "text|json|markdown|junit",
     .fallback = "text",
     .help = "What is printed."},
    {.name = "--json", .value = "FILE", .help = "Also write the report as JSON."},
    {.name = "--junit", .value = "FILE", .help = "Also write the report as JUnit XML."},
    {.name = "--md", .value = "FILE", .help = "Also write the report as Markdown."},
};

// A clock that stands at a past time; durations are still real.
class PastClock final : public Clock {
 public:
  PastClock(const Clock& clock, Timestamp now) : clock_(clock), now_(now) {}
  Timestamp Now() const override { return now_; }
  SteadyTime Steady() const override { return clock_.Steady(); }

 private:
  const Clock& clock_;
  const Timestamp now_;
};

Result<std::vector<delivery::WatchedAlert>> ReadAlerts(const Arguments& arguments,
                                                       const FileSystem& files) {
  std::vector<delivery::WatchedAlert> alerts;
  for (const std::string& file : arguments.All("--rules")) {
    ASSIGN_OR_RETURN(const std::string text, files.Read(file));
    ASSIGN_OR_RETURN(const std::vector<RuleGroupSpec> groups, ParseRuleFile(file, text));
    for (const RuleGroupSpec& group : groups) {
      for (const RuleSpec& rule : group.rules) {
        if (!rule.alerting) continue;
        alerts.push_back({.name = rule.name, .expr = promql::Print(rule.query->root())});
      }
    }
  }
  return alerts;
}

Result<std::map<std::string, double>> ReadFigures(const std::string& file,
                                                  const FileSystem& files) {
  ASSIGN_OR_RETURN(const std::string text, files.Read(file));
  const Result<JsonValue> json = JsonValue::Parse(text);
  if (!json.ok() || json->AsObject() == nullptr) {
    return InvalidArgument(file + ": not what --record-baseline writes");
  }
  std::map<std::string, double> figures;
  for (const auto& [name, value] : *json->AsObject()) {
    if (value.AsNumber() != nullptr) figures[name] = *value.AsNumber();
  }
  return figures;
}

Result<delivery::GateInputs> ReadInputs(const Arguments& arguments, const FileSystem& files) {
  delivery::GateInputs inputs;
  inputs.file = arguments.positional()[0];
  ASSIGN_OR_RETURN(const std::string text, files.Read(inputs.file));
  ASSIGN_OR_RETURN(inputs.spec, delivery::ParseGateFile(inputs.file, text));
  ASSIGN_OR_RETURN(inputs.phase, delivery::ParseGatePhase(arguments.Text("--phase")));
  inputs.color = arguments.Text("--color");
  inputs.baseline = arguments.Text("--baseline");
  inputs.skip_load = arguments.Switch("--skip-load");
  inputs.only_figures = arguments.Given("--at") || arguments.Given("--replay");
  ASSIGN_OR_RETURN(inputs.alerts, ReadAlerts(arguments, files));
  if (arguments.Given("--journeys")) {
    ASSIGN_OR_RETURN(inputs.mix, ReadJourneys(arguments, files));
  }
  if (arguments.Given("--baseline-file")) {
    ASSIGN_OR_RETURN(inputs.recorded, ReadFigures(arguments.Text("--baseline-file"), files));
  }
  if (arguments.Given("--replay")) {
    const std::string path = arguments.Text("--replay") + "/report.json";
    ASSIGN_OR_RETURN(const std::string report, files.Read(path));
    ASSIGN_OR_RETURN(std::vector<delivery::GateCheck> checks, delivery::ReadGateChecks(report));
    std::erase_if(checks, [](const delivery::GateCheck& check) { return !check.probed; });
    inputs.probed = std::move(checks);
    inputs.spec.measure.initial_delay = Duration::zero();
    inputs.spec.measure.interval = Duration::zero();
  }
  const bool probes = !inputs.only_figures && !arguments.Given("--record-baseline") &&
                      !arguments.Switch("--explain") && !arguments.Switch("--check") &&
                      ((inputs.spec.health && inputs.phase != delivery::GatePhase::kStep) ||
                       (inputs.spec.load && !inputs.skip_load &&
                        IncludesPhase(inputs.phase, {delivery::GatePhase::kPre})));
  if (probes && !arguments.Given("--url")) {
    return InvalidArgument("health and load need --url, the address of " + inputs.color);
  }
  return inputs;
}

// --check: the exit code.
Result<int> CheckGate(const delivery::GateInputs& inputs, delivery::MetricSource& source,
                      const Arguments& arguments, CommandContext& context) {
  const std::string& format = arguments.Text("--format");
  if (format != "text" && format != "json") {
    return InvalidArgument("--format: \"" + format + "\" is not one of text, json of --check");
  }
  std::vector<delivery::GateFinding> findings = FindInGateFile(inputs);
  if (arguments.Given("--server") || arguments.Given("--replay")) {
    Result<std::vector<delivery::GateFinding>> found =
        FindOnServer(inputs, source, context.clock.Now());
    if (!found.ok()) {
      context.err("tocsin gate: " + found.error().message + "\n");
      return kExitUnreachable;
    }
    findings.insert(findings.end(), found->begin(), found->end());
  }
  context.out(format == "json" ? RenderFindingsJson(findings) + "\n"
                               : RenderFindingsText(findings));
  const bool problems = std::ranges::count(findings, delivery::GateFinding::Kind::kProblem,
                                           &delivery::GateFinding::kind) > 0;
  return problems ? kExitNo : kExitOk;
}

Result<std::string> Rendered(const delivery::GateReport& report, const std::string& format,
                             bool colors) {
  if (format == "text") return RenderGateText(report, colors);
  if (format == "json") return RenderGateJson(report) + "\n";
  if (format == "markdown") return RenderGateMarkdown(report);
  if (format == "junit") return RenderGateJunit(report);
  return InvalidArgument("--format: \"" + format + "\" is not one of text, json, markdown, junit");
}

Status WriteFiles(const delivery::GateReport& report, const delivery::RecordingSource& recording,
                  const Arguments& arguments, FileSystem& files) {
  struct Output {
    std::string_view flag;
    std::string text;
  };
  const Output outputs[] = {{"--json", RenderGateJson(report) + "\n"},
                            {"--junit", RenderGateJunit(report)},
                            {"--md", RenderGateMarkdown(report)}};
  for (const Output& output : outputs) {
    if (!arguments.Given(output.flag)) continue;
    RETURN_IF_ERROR(files.WriteAtomically(arguments.Text(output.flag), output.text));
  }
  if (!arguments.Given("--bundle")) return Ok();
  const std::string& folder = arguments.Text("--bundle");
  RETURN_IF_ERROR(files.WriteAtomically(folder + "/answers.json",
                                        WriteRecording(recording.recording()) + "\n"));
  return files.WriteAtomically(folder + "/report.json", RenderGateJson(report) + "\n");
}

Status RecordBaseline(delivery::GateRun& run, const std::string& file, CommandContext& context) {
  const std::map<std::string, double> figures = run.MeasureBaseline();
  if (figures.empty()) return NotFound("the color has no figures yet; nothing was written");
  JsonWriter json;
  json.BeginObject();
  for (const auto& [name, value] : figures) {
    json.Field(name, value);
    context.out(fmt::format("{} {}\n", name, value));
  }
  json.EndObject();
  return context.files.WriteAtomically(file, json.Take() + "\n");
}

Result<std::unique_ptr<delivery::MetricSource>> OpenSource(const Arguments& arguments,
                                                           CommandContext& context) {
  if (!arguments.Given("--replay")) {
    return std::unique_ptr<delivery::MetricSource>(std::make_unique<delivery::HttpMetricSource>(
        context.http, NormalServerUrl(arguments.Text("--server")), std::chrono::seconds(30)));
  }
  ASSIGN_OR_RETURN(const std::string text,
                   context.files.Read(arguments.Text("--replay") + "/answers.json"));
  ASSIGN_OR_RETURN(delivery::Recording recording, delivery::ReadRecording(text));
  return std::unique_ptr<delivery::MetricSource>(
      std::make_unique<delivery::ReplaySource>(std::move(recording)));
}

Result<int> Gate(const Arguments& arguments, CommandContext& context) {
  ASSIGN_OR_RETURN(const delivery::GateInputs inputs, ReadInputs(arguments, context.files));
  ASSIGN_OR_RETURN(const std::unique_ptr<delivery::MetricSource> source,
                   OpenSource(arguments, context));
  Timestamp now = context.clock.Now();
  if (arguments.Given("--at")) {
    ASSIGN_OR_RETURN(now, ParseRfc3339(arguments.Text("--at")));
  }
  const PastClock past(context.clock, now);
  if (arguments.Switch("--check")) return CheckGate(inputs, *source, arguments, context);
  ASSIGN_OR_RETURN(delivery::JourneyWorld journey,
                   MakeJourneyWorld(arguments.Text("--url"), arguments, context));
  delivery::RecordingSource recording(*source);
  delivery::GateWorld world{
      .load = {.journey = {.clock = arguments.Given("--at") ? past : context.clock,
                           .http = journey.http,
                           .pause = journey.pause,
                           .base_url = journey.base_url,
                           .headers = journey.headers,
                           .timeout = journey.timeout,
                           .tls = journey.tls},
               .sleep_until = context.sleep_until},
      .metrics = recording};
  if (arguments.Switch("--explain")) {
    context.out(ExplainGate(inputs, delivery::GateRun(inputs, world)));
    return kExitOk;
  }
  delivery::GateRun run(inputs, world);
  if (arguments.Given("--record-baseline")) {
    RETURN_IF_ERROR(RecordBaseline(run, arguments.Text("--record-baseline"), context));
    return kExitOk;
  }
  const uint64_t seconds =
      inputs.spec.load ? static_cast<uint64_t>(ToSeconds(inputs.spec.load->duration)) : 1;
  Progress progress("load", std::max<uint64_t>(seconds, 1), context);
  uint64_t shown = 0;
  world.load.progress = [&](const delivery::LoadProgress& at) {
    const auto done = std::min(static_cast<uint64_t>(ToSeconds(at.elapsed)), seconds);
    progress.Advance(done - std::exchange(shown, done));
  };
  const delivery::GateReport report = run.Run();
  RETURN_IF_ERROR(WriteFiles(report, recording, arguments, context.files));
  ASSIGN_OR_RETURN(const std::string text,
                   Rendered(report, arguments.Text("--format"), context.colors));
  context.out(text);
  return report.exit_code;
}

int RunGateCommand(const Arguments& arguments, CommandContext& context) {
  const Result<int> code = Gate(arguments, context);
  if (code.ok()) return *code;
  context.err("tocsin gate: " + code.error().message + "\n");
  return kExitConfig;
}

}  // namespace

const CommandSpec kGateCommand = {
    .name = "gate",
    .summary = "Decide about more traffic for a version: 0 yes, 1 no, 2 not known.",
    .positional = "FILE",
    .flags = kFlags,
    .examples =
        "tocsin gate deployment-gates.yml --phase=pre --color=green --url=http://127.0.0.1:8002\n"
        "tocsin gate deployment-gates.yml --phase=step --color=green --baseline=blue "
        "--rules=rules.yml\n"
        "tocsin gate deployment-gates.yml --explain\n"
        "tocsin gate deployment-gates.yml --check --server=localhost:9977 --rules=rules.yml",
    .run = &RunGateCommand,
};

}  // namespace tocsin::cli
