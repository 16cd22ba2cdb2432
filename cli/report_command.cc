// tocsin report: what a week was like.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/go_float.h"
#include "base/json.h"
#include "base/quantity.h"
#include "cli/commands.h"
#include "cli/history_source.h"
#include "cli/report_delivery.h"
#include "cli/server_client.h"
#include "delivery/engine_source.h"
#include "delivery/report/report_run.h"
#include "rules/rule_file.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--from", .value = "TIME", .help = "RFC 3339, seconds or -7d (default: a week)."},
    {.name = "--to",
     .value = "TIME",
     .help = "RFC 3339, seconds, -1d or now (default: the last full hour; of --input, its end)."},
    {.name = "--compare",
     .value = "previous|none",
     .fallback = "previous",
     .help = "With the period of the same length before."},
    kServerFlag,
    kInputFlag,
    {.name = "--job",
     .value = "REGEX",
     .fallback = "ai-validation-app",
     .help = "The label job of the app's metrics."},
    {.name = "--title", .value = "TEXT", .fallback = "Weekly report", .help = "The first line."},
    {.name = "--slo", .value = "RATIO", .fallback = "99.9%", .help = "The target of availability."},
    {.name = "--slo-window",
     .value = "DURATION",
     .fallback = "30d",
     .help = "What the error budget is for."},
    {.name = "--query",
     .value = "ID=EXPR",
     .help = "Another question for a figure (the last section lists them).",
     .repeated = true},
    {.name = "--deployments",
     .value = "FILE",
     .help = "Records of deployments, one JSON object per line."},
    {.name = "--rules",
     .value = "FILE",
     .help = "Alert rules, to tell which never fired (default: the server's).",
     .repeated = true},
    {.name = "--alertmanager",
     .value = "URL",
     .help = "Its silences show when somebody had seen an alert."},
    {.name = "--bundle", .value = "DIR", .help = "Keep all answers there, to be replayed."},
    {.name = "--replay", .value = "DIR", .help = "The report of a bundle; asks nobody."},
    {.name = "--format",
     .value = "text|markdown|html|json|csv|none",
     .fallback = "text",
     .help = "What is printed."},
    {.name = "--html", .value = "FILE", .help = "Also write the report as one HTML page."},
    {.name = "--md", .value = "FILE", .help = "Also write it as Markdown."},
    {.name = "--json", .value = "FILE", .help = "Also write it as JSON."},
    {.name = "--csv", .value = "FILE", .help = "Also write its figures and series as CSV."},
    kMailToFlag,
    kMailFromFlag,
    kSmtpFlag,
    kSmtpUserFlag,
    kSmtpPasswordFileFlag,
    kSmtpCaFileFlag,
    kSmtpPlainFlag,
    kSlackFlag,
    kWebhookFlag,
    kWebhookFileFlag,
};

// Where a bundle has what did not come from the source of metrics.
constexpr std::string_view kAnswers = "/answers.json";
constexpr std::string_view kInputs = "/inputs.json";

// Something read besides metrics: what was had, or why it was not; neither when it was not asked
// for.
template <typename T>
struct Extra {
  std::optional<T> value;
  std::string missing;

  static Extra Of(Result<T> result) {
    if (result.ok()) return {.value = *std::move(result), .missing = {}};
    return {.value = std::nullopt, .missing = std::move(result).error().message};
  }
};

// As text, so that a bundle can hold it.
struct Extras {
  Extra<std::string> deployments;
  Extra<std::string> silences;
  Extra<std::vector<std::string>> alert_rules;
};

Result<std::vector<std::string>> RulesOfFiles(const std::vector<std::string>& paths,
                                              const FileSystem& files) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::string text, files.Read(path));
    ASSIGN_OR_RETURN(const std::vector<RuleGroupSpec> groups, ParseRuleFile(path, text));
    for (const RuleGroupSpec& group : groups) {
      for (const RuleSpec& rule : group.rules) {
        if (rule.alerting) names.push_back(rule.name);
      }
    }
  }
  return names;
}

Result<std::vector<std::string>> RulesOfServer(const std::string& server, HttpClient& http) {
  ASSIGN_OR_RETURN(const JsonValue answer, AskApi(http, server, "/api/v1/rules?type=alert"));
  std::vector<std::string> names;
  const JsonValue* const groups = answer.Find("groups");
  if (groups == nullptr || groups->AsArray() == nullptr) return names;
  for (const JsonValue& group : *groups->AsArray()) {
    const JsonValue* const rules = group.Find("rules");
    if (rules == nullptr || rules->AsArray() == nullptr) continue;
    for (const JsonValue& rule : *rules->AsArray()) {
      if (const JsonValue* name = rule.Find("name")) names.emplace_back(name->TextOrEmpty());
    }
  }
  return names;
}

Result<std::string> FetchSilences(const std::string& url, HttpClient& http) {
  HttpRequest request;
  request.url = NormalServerUrl(url) + "/api/v2/silences";
  ASSIGN_OR_RETURN(const HttpResponse answer, http.Fetch(request));
  if (answer.status == 200) return answer.body;
  return Unavailable(fmt::format("{}: status {}", UrlWithoutSecrets(request.url), answer.status));
}

// A file that is named and cannot be read is a mistake, not missing data.
Result<Extras> GatherExtras(const Arguments& arguments, CommandContext& context) {
  Extras extras;
  if (arguments.Given("--deployments")) {
    ASSIGN_OR_RETURN(extras.deployments.value, context.files.Read(arguments.Text("--deployments")));
  }
  if (arguments.Given("--alertmanager")) {
    extras.silences =
        Extra<std::string>::Of(FetchSilences(arguments.Text("--alertmanager"), context.http));
  }
  if (arguments.Given("--rules")) {
    ASSIGN_OR_RETURN(extras.alert_rules.value,
                     RulesOfFiles(arguments.All("--rules"), context.files));
  } else if (!arguments.Given("--input")) {
    extras.alert_rules = Extra<std::vector<std::string>>::Of(
        RulesOfServer(NormalServerUrl(arguments.Text("--server")), context.http));
  }
  return extras;
}

// Reads them into the inputs.
Status UseExtras(const Extras& extras, const std::string& deployments_file,
                 delivery::ReportInputs& inputs) {
  if (extras.deployments.value) {
    ASSIGN_OR_RETURN(std::vector<delivery::Deployment> read,
                     delivery::ReadDeployments(deployments_file, *extras.deployments.value));
    inputs.deployments = std::move(read);
  }
  if (extras.silences.value) {
    inputs.silences = delivery::ReadSilences(*extras.silences.value);
  } else if (!extras.silences.missing.empty()) {
    inputs.silences = Unavailable(extras.silences.missing);
  }
  if (extras.alert_rules.value) {
    inputs.alert_rules = *extras.alert_rules.value;
  } else if (!extras.alert_rules.missing.empty()) {
    inputs.alert_rules = Unavailable(extras.alert_rules.missing);
  }
  return Ok();
}

Status ReadQueries(const Arguments& arguments, delivery::ReportInputs& inputs) {
  for (const std::string& text : arguments.All("--query")) {
    const size_t equals = text.find('=');
    const std::string id = text.substr(0, equals);
    const bool known =
        std::ranges::any_of(delivery::ReportFigures(),
                            [&](const delivery::FigureSpec& figure) { return figure.id == id; });
    if (equals == std::string::npos || !known) {
      return InvalidArgument("--query: \"" + text +
                             "\" is not ID=EXPR with the id of a figure; the last section of the "
                             "report lists them");
    }
    inputs.queries.insert_or_assign(id, text.substr(equals + 1));
  }
  return Ok();
}

Status ReadPeriod(const Arguments& arguments, const CommandContext& context,
                  std::optional<Timestamp> end_of_input, delivery::ReportInputs& inputs) {
  const Timestamp now = context.clock.Now();
  const auto flag = [&](std::string_view name, Timestamp& into) -> Status {
    if (!arguments.Given(name)) return Ok();
    Result<Timestamp> time = ParseTimeArgument(arguments.Text(name), now);
    if (!time.ok()) return Prefixed(std::string(name) + ": ", std::move(time).error());
    into = *time;
    return Ok();
  };
  inputs.period.to = std::chrono::floor<std::chrono::hours>(end_of_input.value_or(now));
  RETURN_IF_ERROR(flag("--to", inputs.period.to));
  inputs.period.from = inputs.period.to - std::chrono::hours(24 * 7);
  RETURN_IF_ERROR(flag("--from", inputs.period.from));
  const Duration length = inputs.period.to - inputs.period.from;
  if (length < std::chrono::minutes(10)) {
    return InvalidArgument("--from has to be at least ten minutes before --to");
  }
  const std::string& compare = arguments.Text("--compare");
  if (compare != "previous" && compare != "none") {
    return InvalidArgument("--compare: \"" + compare + "\" is not one of previous, none");
  }
  if (compare == "previous") {
    inputs.before = {.from = inputs.period.from - length, .to = inputs.period.from};
  }
  return Ok();
}

Result<delivery::ReportInputs> ReadInputs(const Arguments& arguments, const CommandContext& context,
                                          std::optional<Timestamp> end_of_input) {
  delivery::ReportInputs inputs;
  inputs.title = arguments.Text("--title");
  inputs.job = arguments.Text("--job");
  ASSIGN_OR_RETURN(inputs.slo_target, ParseRatio(arguments.Text("--slo")));
  // A percentage is a decimal: 99.9% is 0.999, not 0.9990000000000001.
  inputs.slo_target = std::round(inputs.slo_target * 1e9) / 1e9;
  if (inputs.slo_target <= 0 || inputs.slo_target >= 1) {
    return InvalidArgument("--slo has to be above 0% and below 100%");
  }
  ASSIGN_OR_RETURN(inputs.slo_window, arguments.DurationOf("--slo-window"));
  RETURN_IF_ERROR(ReadQueries(arguments, inputs));
  RETURN_IF_ERROR(ReadPeriod(arguments, context, end_of_input, inputs));
  inputs.source = arguments.Given("--input")
                      ? arguments.Text("--input")
                      : UrlWithoutSecrets(NormalServerUrl(arguments.Text("--server")));
  return inputs;
}

void WriteExtra(const std::string& key, const Extra<std::string>& extra, JsonWriter& json) {
  if (extra.value) json.Field(key, *extra.value);
  if (!extra.missing.empty()) json.Field(key + "_missing", extra.missing);
}

std::string WriteInputs(const delivery::ReportInputs& inputs, const Extras& extras) {
  JsonWriter json;
  json.BeginObject()
      .Field("title", inputs.title)
      .Field("source", inputs.source)
      .Field("from", FormatRfc3339(inputs.period.from))
      .Field("to", FormatRfc3339(inputs.period.to));
  if (inputs.before) json.Field("before", FormatRfc3339(inputs.before->from));
  json.Field("job", inputs.job)
      .Field("slo", FormatGoF(inputs.slo_target))
      .Field("slo_window", FormatPrometheusDuration(inputs.slo_window));
  json.Key("queries").BeginObject();
  for (const auto& [id, expr] : inputs.queries) json.Field(id, expr);
  json.EndObject();
  WriteExtra("deployments", extras.deployments, json);
  WriteExtra("silences", extras.silences, json);
  if (extras.alert_rules.value) {
    json.Key("alert_rules").BeginArray();
    for (const std::string& name : *extras.alert_rules.value) json.String(name);
    json.EndArray();
  }
  if (!extras.alert_rules.missing.empty()) {
    json.Field("alert_rules_missing", extras.alert_rules.missing);
  }
  json.EndObject();
  return json.Take() + "\n";
}

std::string TextOf(const JsonValue& json, std::string_view key) {
  const JsonValue* const value = json.Find(key);
  return value == nullptr ? std::string() : std::string(value->TextOrEmpty());
}

Extra<std::string> ReadExtra(const JsonValue& json, const std::string& key) {
  Extra<std::string> extra{.value = std::nullopt, .missing = TextOf(json, key + "_missing")};
  if (json.Find(key) != nullptr) extra.value = TextOf(json, key);
  return extra;
}

Result<delivery::ReportInputs> ReadBundledInputs(const std::string& file, const std::string& text) {
  const Result<JsonValue> json = JsonValue::Parse(text);
  if (!json.ok()) return Prefixed(file + ": ", json.error());
  delivery::ReportInputs inputs;
  inputs.title = TextOf(*json, "title");
  inputs.source = TextOf(*json, "source");
  inputs.job = TextOf(*json, "job");
  ASSIGN_OR_RETURN(inputs.period.from, ParseRfc3339(TextOf(*json, "from")));
  ASSIGN_OR_RETURN(inputs.period.to, ParseRfc3339(TextOf(*json, "to")));
  ASSIGN_OR_RETURN(inputs.slo_window, ParsePrometheusDuration(TextOf(*json, "slo_window")));
  if (json->Find("before") != nullptr) {
    ASSIGN_OR_RETURN(const Timestamp before, ParseRfc3339(TextOf(*json, "before")));
    inputs.before = {.from = before, .to = inputs.period.from};
  }
  const std::optional<double> slo = ParseGoFloat(TextOf(*json, "slo"));
  if (!slo) return InvalidArgument(file + ": \"slo\" is missing");
  inputs.slo_target = *slo;
  const JsonValue* const queries = json->Find("queries");
  if (queries != nullptr && queries->AsObject() != nullptr) {
    for (const auto& [id, expr] : *queries->AsObject()) inputs.queries[id] = expr.TextOrEmpty();
  }
  Extras extras{.deployments = ReadExtra(*json, "deployments"),
                .silences = ReadExtra(*json, "silences")};
  extras.alert_rules.missing = TextOf(*json, "alert_rules_missing");
  const JsonValue* const rules = json->Find("alert_rules");
  if (rules != nullptr && rules->AsArray() != nullptr) {
    extras.alert_rules.value.emplace();
    for (const JsonValue& name : *rules->AsArray()) {
      extras.alert_rules.value->emplace_back(name.TextOrEmpty());
    }
  }
  RETURN_IF_ERROR(UseExtras(extras, file, inputs));
  return inputs;
}

Result<delivery::Report> Replay(const std::string& folder, const CommandContext& context) {
  ASSIGN_OR_RETURN(const std::string text, context.files.Read(folder + std::string(kInputs)));
  ASSIGN_OR_RETURN(delivery::ReportInputs inputs,
                   ReadBundledInputs(folder + std::string(kInputs), text));
  ASSIGN_OR_RETURN(const std::string answers, context.files.Read(folder + std::string(kAnswers)));
  ASSIGN_OR_RETURN(delivery::Recording recording, delivery::ReadRecording(answers));
  delivery::ReplaySource source(std::move(recording));
  return delivery::ReportRun(std::move(inputs), source).Run();
}

Result<delivery::Report> MakeReport(const Arguments& arguments, CommandContext& context) {
  if (arguments.Given("--replay")) return Replay(arguments.Text("--replay"), context);
  History history;
  const promql::Engine engine({}, context.clock, nullptr);
  std::unique_ptr<delivery::MetricSource> source;
  if (arguments.Given("--input")) {
    ASSIGN_OR_RETURN(history, OpenHistory(arguments, context));
    source = std::make_unique<delivery::EngineMetricSource>(engine, *history.querier);
  } else {
    source = std::make_unique<delivery::HttpMetricSource>(
        context.http, NormalServerUrl(arguments.Text("--server")), std::chrono::minutes(2));
  }
  const std::optional<Timestamp> end =
      history.querier == nullptr ? std::nullopt : std::optional(history.last);
  ASSIGN_OR_RETURN(delivery::ReportInputs inputs, ReadInputs(arguments, context, end));
  ASSIGN_OR_RETURN(const Extras extras, GatherExtras(arguments, context));
  RETURN_IF_ERROR(UseExtras(extras, arguments.Text("--deployments"), inputs));
  const std::string bundled = WriteInputs(inputs, extras);
  delivery::RecordingSource recording(*source);
  ASSIGN_OR_RETURN(delivery::Report report,
                   delivery::ReportRun(std::move(inputs), recording).Run());
  if (arguments.Given("--bundle")) {
    const std::string& folder = arguments.Text("--bundle");
    RETURN_IF_ERROR(context.files.WriteAtomically(folder + std::string(kInputs), bundled));
    RETURN_IF_ERROR(context.files.WriteAtomically(folder + std::string(kAnswers),
                                                  WriteRecording(recording.recording()) + "\n"));
  }
  return report;
}

struct Form {
  std::string_view format;
  std::string_view flag;
  std::string (*render)(const delivery::Report& report);
};
constexpr Form kForms[] = {
    {"markdown", "--md", &delivery::RenderReportMarkdown},
    {"html", "--html", &delivery::RenderReportHtml},
    {"json", "--json", &delivery::RenderReportJson},
    {"csv", "--csv", &delivery::RenderReportCsv},
};

Status Publish(const delivery::Report& report, const Arguments& arguments,
               CommandContext& context) {
  const std::string& format = arguments.Text("--format");
  for (const Form& form : kForms) {
    if (format == form.format) context.out(form.render(report));
    if (!arguments.Given(form.flag)) continue;
    RETURN_IF_ERROR(context.files.WriteAtomically(arguments.Text(form.flag), form.render(report)));
  }
  if (format == "text") context.out(RenderReportText(report, context.colors));
  return DeliverReport(report, arguments, context);
}

Status CheckFormat(const std::string& format) {
  const bool known =
      format == "text" || format == "none" ||
      std::ranges::any_of(kForms, [&](const Form& form) { return form.format == format; });
  if (known) return Ok();
  return InvalidArgument("--format: \"" + format +
                         "\" is not one of text, markdown, html, json, csv, none");
}

int RunReportCommand(const Arguments& arguments, CommandContext& context) {
  const auto fail = [&](const Error& error) {
    context.err("tocsin report: " + error.message + "\n");
    const bool wrong_usage = error.code == ErrorCode::kInvalidArgument;
    return wrong_usage ? kExitUsage : kExitNo;
  };
  if (const Status known = CheckFormat(arguments.Text("--format")); !known.ok()) {
    return fail(known.error());
  }
  const Result<delivery::Report> report = MakeReport(arguments, context);
  if (!report.ok()) return fail(report.error());
  if (const Status done = Publish(*report, arguments, context); !done.ok()) {
    return fail(done.error());
  }
  return kExitOk;
}

}  // namespace

const CommandSpec kReportCommand = {
    .name = "report",
    .summary = "What a week was like: figures, alerts, budget, deployments.",
    .flags = kFlags,
    .examples =
        "tocsin report --server=http://prometheus:9090 --html=week.html --format=none\n"
        "tocsin report --to=2026-11-23T00:00:00Z --deployments=deployments.jsonl\n"
        "tocsin report --input=month.om --slo=99.5% --format=markdown\n"
        "tocsin report --mail-to=team@example.org --smtp=smtp://mail.example.org:587\n"
        "tocsin report --slack-url-file=secrets/slack_url --format=none",
    .run = &RunReportCommand,
};

}  // namespace tocsin::cli
