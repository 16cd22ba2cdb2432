// tocsin rules lint: what is wrong with rules that load.
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "cli/alert_routing.h"
#include "cli/commands.h"
#include "cli/compose_file.h"
#include "cli/findings_report.h"
#include "cli/lint_schema.h"
#include "cli/server_client.h"
#include "config/alertmanager/configuration.h"
#include "rules/lint/lint.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    kReportFormatFlag,
    kLintFatalFlag,
    {.name = "--config.file",
     .value = "FILE",
     .help = "The configuration that the rules run with: jobs, intervals, labels, collectors."},
    {.name = "--lint.config",
     .value = "FILE",
     .help =
         "Which checks, policies and limits; by default .tocsin-lint.yaml beside the first FILE."},
    {.name = "--server",
     .value = "URL",
     .help = "A tocsin or Prometheus whose data tell which metrics and labels there are."},
    {.name = "--compose",
     .value = "FILE",
     .help = "docker-compose.yml, whose memory limits thresholds are compared with."},
    kAlertmanagerConfigFlag,
    {.name = "--base",
     .value = "FILE",
     .help = "The rule files before a change: what it removes must not be read.",
     .repeated = true},
    {.name = "--target",
     .value = "prometheus|tocsin",
     .help = "Where the rules will run; by default what the lint configuration says."},
    {.name = "--only", .value = "CHECK", .help = "Run this check alone.", .repeated = true},
    {.name = "--disable", .value = "CHECK", .help = "Leave this check out.", .repeated = true},
    {.name = "--min-severity",
     .value = "note|warning|error",
     .fallback = "note",
     .help = "Print only findings that are at least so bad."},
    {.name = "--list", .help = "List the checks and end."},
};

using lint::LintRequest;

void PrintChecks(CommandContext& context) {
  std::string text;
  for (const lint::CheckSpec& check : lint::Checks()) {
    text += fmt::format("{:<24} {}\n", check.name, check.summary);
  }
  context.out(text);
}

Result<Severity> ReadMinimum(const std::string& text) {
  if (text == "note") return Severity::kNote;
  if (text == "warning") return Severity::kWarning;
  if (text == "error") return Severity::kError;
  return InvalidArgument("--min-severity: \"" + text + "\" is not one of note, warning, error");
}

std::string BesideFirst(const Arguments& arguments) {
  const std::string first = arguments.positional().empty() ? "" : arguments.positional()[0];
  return ResolvePath(first, ".tocsin-lint.yaml");
}

Status CheckNames(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (lint::FindCheck(name) == nullptr) {
      return InvalidArgument("no check is called \"" + name + "\"; see --list");
    }
  }
  return Ok();
}

Status ReadSettings(const Arguments& arguments, const CommandContext& context,
                    lint::LintSettings& settings) {
  std::string path = arguments.Text("--lint.config");
  if (path.empty() && context.files.Exists(BesideFirst(arguments))) path = BesideFirst(arguments);
  if (!path.empty()) {
    ASSIGN_OR_RETURN(const std::string text, context.files.Read(path));
    ASSIGN_OR_RETURN(settings, lint::ReadLintSettings(path, text));
  }
  const std::string& target = arguments.Text("--target");
  if (!target.empty() && target != "prometheus" && target != "tocsin") {
    return InvalidArgument("--target: \"" + target + "\" is not one of prometheus, tocsin");
  }
  if (target == "tocsin") settings.target = lint::RuleTarget::kTocsin;
  if (target == "prometheus") settings.target = lint::RuleTarget::kPrometheus;
  RETURN_IF_ERROR(CheckNames(arguments.All("--only")));
  RETURN_IF_ERROR(CheckNames(arguments.All("--disable")));
  for (const std::string& check : arguments.All("--disable")) settings.disabled.push_back(check);
  return Ok();
}

// No target of a service can use more memory than the service may.
Status AddComposeLimits(const std::string& path, const Config* config,
                        const CommandContext& context, lint::LintSettings& settings) {
  ASSIGN_OR_RETURN(const std::string text, context.files.Read(path));
  ASSIGN_OR_RETURN(const std::vector<ComposeService> services, ReadComposeFile(path, text));
  for (const ComposeService& service : services) {
    if (!service.memory_limit_bytes) continue;
    std::string instance = service.name;
    if (config != nullptr) {
      for (const ScrapeConfig& job : config->scrape_configs) {
        for (const StaticTargets& group : job.static_configs) {
          for (const std::string& target : group.targets) {
            if (target.substr(0, target.find(':')) == service.name) instance = target;
          }
        }
      }
    }
    settings.limits.push_back({.metric = "process_resident_memory_bytes",
                               .labels = {{"instance", instance}},
                               .max = *service.memory_limit_bytes,
                               .reason = fmt::format("{}:{} gives the service {} no more memory",
                                                     path, service.line, service.name)});
  }
  return Ok();
}

Result<std::vector<lint::RuleDocument>> ReadDocuments(const std::vector<std::string>& paths,
                                                      const RuleDefaults& defaults,
                                                      const CommandContext& context,
                                                      std::vector<Finding>& findings) {
  std::vector<lint::RuleDocument> documents;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(std::string text, context.files.Read(path));
    lint::ReadDocument read = lint::ReadRuleDocument(path, std::move(text), defaults);
    documents.push_back(std::move(read.document));
    std::ranges::move(read.findings, std::back_inserter(findings));
  }
  return documents;
}

// Everything on: the check promql/features says what would have to be switched on.
RuleDefaults Defaults(const Config* config) {
  RuleDefaults defaults;
  if (config != nullptr) defaults.interval = config->global.evaluation_interval;
  defaults.parser.experimental_functions = true;
  defaults.parser.extended_range_selectors = true;
  defaults.parser.binop_fill_modifiers = true;
  return defaults;
}

void AskServer(const std::string& server, CommandContext& context, LintRequest& request) {
  request.cost = [&context, server](const std::string& query) -> Result<lint::LintInput::Cost> {
    ASSIGN_OR_RETURN(const JsonValue data, AskApi(context.http, server, "/api/v1/query",
                                                  {{"query", query}, {"stats", "all"}}));
    lint::LintInput::Cost cost;
    const JsonValue* samples = data.Find("stats", "samples", "totalQueryableSamples");
    const JsonValue* seconds = data.Find("stats", "timings", "evalTotalTime");
    if (samples != nullptr && samples->AsNumber() != nullptr) {
      cost.samples = static_cast<size_t>(*samples->AsNumber());
    }
    if (seconds != nullptr && seconds->AsNumber() != nullptr) cost.seconds = *seconds->AsNumber();
    const JsonValue* result = data.Find("result");
    if (result != nullptr && result->AsArray() != nullptr) cost.series = result->AsArray()->size();
    return cost;
  };
}

struct Prepared {
  std::optional<Config> config;
  std::vector<lint::RuleDocument> base;
  std::optional<lint::AlertRouting> routing;
  std::vector<Finding> routing_findings;  // why Alertmanager refuses its configuration
  LintRequest request;
};

// A file that Alertmanager refuses is a finding; the rules are looked at all the same, beside its
// routes where those can be read.
void ReadRouting(const std::string& path, const CommandContext& context, Prepared& prepared) {
  AlertmanagerFile file = ReadAlertmanagerFile(context.files, path);
  prepared.routing_findings = std::move(file.errors);
  if (file.configuration == nullptr) return;
  prepared.routing = RoutingOf(std::move(file.configuration));
  prepared.request.routing = &*prepared.routing;
}

Status Prepare(const Arguments& arguments, CommandContext& context, Prepared& prepared) {
  LintRequest& request = prepared.request;
  if (arguments.Given("--config.file")) {
    ASSIGN_OR_RETURN(prepared.config, LoadConfig(context.files, context.environment,
                                                 arguments.Text("--config.file")));
    request.config = &*prepared.config;
  }
  RETURN_IF_ERROR(ReadSettings(arguments, context, request.settings));
  if (arguments.Given("--compose")) {
    RETURN_IF_ERROR(
        AddComposeLimits(arguments.Text("--compose"), request.config, context, request.settings));
  }
  if (arguments.Given("--alertmanager.config")) {
    ReadRouting(arguments.Text("--alertmanager.config"), context, prepared);
  }
  const RuleDefaults defaults = Defaults(request.config);
  ASSIGN_OR_RETURN(request.documents,
                   ReadDocuments(arguments.positional(), defaults, context, request.read_findings));
  if (arguments.Given("--base")) {
    std::vector<Finding> ignored;
    ASSIGN_OR_RETURN(prepared.base,
                     ReadDocuments(arguments.All("--base"), defaults, context, ignored));
    request.base = &prepared.base;
  }
  request.schema = CollectorSchema(request.config);
  lint::AddConventions(request.schema);
  if (const std::string& server = arguments.Text("--server"); !server.empty()) {
    RETURN_IF_ERROR(AddServerMetrics(context.http, server, request.documents, request.schema));
    AskServer(server, context, request);
  }
  request.only = arguments.All("--only");
  request.now = context.clock.Now();
  request.follow = [&context](const std::string& url) -> Status {
    ASSIGN_OR_RETURN(const HttpResponse response,
                     context.http.Fetch({.url = url, .timeout = std::chrono::seconds(10)}));
    if (response.status >= 400) return NotFound("status " + std::to_string(response.status));
    return Ok();
  };
  return Ok();
}

void SayCorrected(const lint::LintResult& result, FindingsReport& report) {
  std::string file;
  for (const lint::LintResult::Corrected& rule : result.corrected) {
    if (rule.file != file) report.Say(fmt::format("\n{} with all corrections:\n", rule.file));
    file = rule.file;
    std::string expr = rule.expr;
    for (size_t at = 0; (at = expr.find('\n', at)) != std::string::npos; at += 5) {
      expr.replace(at, 1, "\n    ");
    }
    report.Say(fmt::format("  {}:\n    {}\n", rule.rule, expr));
  }
}

int RunLint(const Arguments& arguments, CommandContext& context) {
  if (arguments.Switch("--list")) {
    PrintChecks(context);
    return kExitOk;
  }
  Result<FindingsReport> report = OpenReport("rules lint", arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<Severity> minimum = ReadMinimum(arguments.Text("--min-severity"));
  Prepared prepared;
  const Status ready =
      minimum.ok() ? Prepare(arguments, context, prepared) : Status(minimum.error());
  if (!ready.ok()) {
    context.err("tocsin rules lint: " + ready.error().message + "\n");
    return kExitUsage;
  }
  report->Add(std::move(prepared.routing_findings));
  const lint::LintResult result = lint::Lint(prepared.request);
  for (const Finding& finding : result.findings) {
    if (finding.severity >= *minimum) report->Add(finding);
  }
  SayCorrected(result, *report);
  if (report->findings().empty()) {
    report->Say(fmt::format("{} rules, nothing found\n", result.rules));
  }
  return report->Finish(LintOf(arguments));
}

}  // namespace

const CommandSpec kRulesLintCommand = {
    .name = "rules lint",
    .summary = "Find rules that load and cannot work.",
    .positional = "[FILE]...",
    .flags = kFlags,
    .examples =
        "tocsin rules lint alert_rules.yml\n"
        "tocsin rules lint --config.file=tocsin.yml --compose=docker-compose.yml rules/*.yml\n"
        "tocsin rules lint --server=http://127.0.0.1:9977 --min-severity=warning alert_rules.yml\n"
        "tocsin rules lint --format=sarif rules/*.yml > findings.sarif\n"
        "tocsin rules lint --list",
    .run = &RunLint,
};

}  // namespace tocsin::cli
