#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/go_float.h"
#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/http_config_file.h"
#include "cli/server_client.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFormatFlag = {.name = "--format",
                                  .value = "promql|text|json|sarif|github",
                                  .fallback = "promql",
                                  .help =
                                      "How the result is printed; promql and text are the "
                                      "same, sarif and github tell errors.",
                                  .short_name = "-o"};
constexpr FlagSpec kMatchFlag = {.name = "--match",
                                 .value = "SELECTOR",
                                 .help = "Which series: up{job=\"a\"}.",
                                 .repeated = true};
constexpr FlagSpec kInstantFlags[] = {
    {.name = "--time", .value = "TIME", .help = "RFC 3339 or seconds (default: now)."},
    kFormatFlag,
    kHttpConfigFileFlag,
};
constexpr FlagSpec kSeriesFlags[] = {
    kMatchFlag,
    {.name = "--start", .value = "TIME", .help = "RFC 3339 or seconds."},
    {.name = "--end", .value = "TIME", .help = "RFC 3339 or seconds."},
    kFormatFlag,
    kHttpConfigFileFlag,
};
constexpr FlagSpec kRangeFlags[] = {
    {.name = "--start", .value = "TIME", .help = "RFC 3339 or seconds (default: --end - 5m)."},
    {.name = "--end", .value = "TIME", .help = "RFC 3339 or seconds (default: now)."},
    {.name = "--step", .value = "DURATION", .help = "(default: a 250th of the range, at least 1s)"},
    kFormatFlag,
    kHttpConfigFileFlag,
};

// {__name__="up",job="a"} -> up{job="a"}, with labels sorted.
std::string MetricText(const JsonValue* metric) {
  LabelSet labels;
  if (metric != nullptr && metric->AsObject() != nullptr) {
    for (const auto& [name, value] : *metric->AsObject()) labels.Set(name, value.TextOrEmpty());
  }
  return labels.ToString();
}

// [1700000000.5, "3"] -> "3 @[1700000000.5]"
std::string SampleText(const JsonValue* pair) {
  if (pair == nullptr || pair->AsArray() == nullptr || pair->AsArray()->size() != 2) return "";
  const JsonValue::Array& parts = *pair->AsArray();
  const double* const time = parts[0].AsNumber();
  std::string value(parts[1].TextOrEmpty());
  if (parts[1].AsObject() != nullptr) {
    const JsonValue* const count = parts[1].Find("count");
    const JsonValue* const sum = parts[1].Find("sum");
    value = fmt::format("Count: {}, Sum: {}", count == nullptr ? "" : count->TextOrEmpty(),
                        sum == nullptr ? "" : sum->TextOrEmpty());
  }
  return value + " @[" + FormatGoF(time == nullptr ? 0 : *time) + "]";
}

std::string SeriesText(const JsonValue& series) {
  std::string text = MetricText(series.Find("metric"));
  for (const char* key : {"value", "histogram"}) {
    if (const JsonValue* one = series.Find(key)) return text + " => " + SampleText(one) + "\n";
  }
  text += " =>\n";
  for (const char* key : {"values", "histograms"}) {
    const JsonValue* const list = series.Find(key);
    if (list == nullptr || list->AsArray() == nullptr) continue;
    for (const JsonValue& pair : *list->AsArray()) text += SampleText(&pair) + "\n";
  }
  return text;
}

std::string ResultText(const JsonValue& data) {
  const JsonValue* const type = data.Find("resultType");
  const JsonValue* const result = data.Find("result");
  if (type == nullptr || result == nullptr) return "";
  if (type->TextOrEmpty() == "scalar") return "scalar: " + SampleText(result) + "\n";
  if (type->TextOrEmpty() == "string") return SampleText(result) + "\n";
  std::string text;
  if (result->AsArray() == nullptr) return text;
  for (const JsonValue& series : *result->AsArray()) text += SeriesText(series);
  return text;
}

// What the answer is for people, and which part of it is for programs.
struct Shown {
  std::string (*text)(const JsonValue& data);
  std::string_view member;  // "": the data as a whole
};

// promtool calls its text promql.
ReportFormat FormatOf(const std::string& name) {
  const Result<ReportFormat> format = ParseReportFormat(name);
  return format.ok() ? *format : ReportFormat::kText;
}

int Ask(std::string_view path, const QueryParameters& parameters, const Shown& shown,
        const Arguments& arguments, CommandContext& context) {
  const std::string& name = arguments.Text("--format");
  if (name != "promql" && !ParseReportFormat(name).ok()) {
    context.err("tocsin query: --format: \"" + name +
                "\" is not one of promql, text, json, sarif, github\n");
    return kExitUsage;
  }
  const Result<HttpClientConfig> config = ReadHttpConfigFile(arguments, context);
  if (!config.ok()) {
    context.err("tocsin query: " + config.error().message + "\n");
    return kExitUsage;
  }
  const ReportFormat format = FormatOf(name);
  // The JSON is the server's own answer, as promtool gives it.
  FindingsReport report(format == ReportFormat::kJson ? ReportFormat::kText : format, context);
  ConfiguredHttpClient http(context.http, *config);
  const Result<JsonValue> data = AskApi(http, arguments.positional()[0], path, parameters);
  if (!data.ok()) {
    report.AddAs({.check = "query/error", .message = data.error().message},
                 "query error: " + data.error().message + "\n");
    return report.Finish();
  }
  if (format != ReportFormat::kJson) {
    report.Say(shown.text(*data));
    return report.Finish();
  }
  const JsonValue* const part = shown.member.empty() ? &*data : data->Find(shown.member);
  JsonWriter json;
  if (part != nullptr) json.Value(*part);
  context.out(json.text() + "\n");
  return kExitOk;
}

std::string SeriesLines(const JsonValue& data) {
  std::vector<std::string> lines;
  if (data.AsArray() != nullptr) {
    for (const JsonValue& labels : *data.AsArray()) lines.push_back(MetricText(&labels) + "\n");
  }
  std::ranges::sort(lines);
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

std::string ValueLines(const JsonValue& data) {
  std::string text;
  if (data.AsArray() == nullptr) return text;
  for (const JsonValue& value : *data.AsArray()) text += std::string(value.TextOrEmpty()) + "\n";
  return text;
}

// Seconds since the epoch or RFC 3339.
Result<double> TimeOf(std::string_view flag, const Arguments& arguments, double fallback) {
  if (!arguments.Given(flag)) return fallback;
  const std::string& text = arguments.Text(flag);
  if (const std::optional<double> seconds = ParseGoFloat(text)) return *seconds;
  const Result<Timestamp> time = ParseRfc3339(text);
  if (!time.ok()) {
    return InvalidArgument(std::string(flag) + ": \"" + text +
                           "\" is neither RFC 3339 nor seconds since 1970");
  }
  return ToSeconds(*time);
}

int RunInstant(const Arguments& arguments, CommandContext& context) {
  const Result<double> time = TimeOf("--time", arguments, ToSeconds(context.clock.Now()));
  if (!time.ok()) {
    context.err("tocsin query instant: " + time.error().message + "\n");
    return kExitUsage;
  }
  return Ask("/api/v1/query", {{"query", arguments.positional()[1]}, {"time", FormatGoF(*time)}},
             {&ResultText, "result"}, arguments, context);
}

Result<QueryParameters> RangeParameters(const Arguments& arguments, const Clock& clock) {
  ASSIGN_OR_RETURN(const double end, TimeOf("--end", arguments, ToSeconds(clock.Now())));
  ASSIGN_OR_RETURN(const double start, TimeOf("--start", arguments, end - 300));
  if (end < start) return InvalidArgument("--end lies before --start");
  double step = std::max(std::floor((end - start) / 250), 1.0);
  if (arguments.Given("--step")) {
    ASSIGN_OR_RETURN(const Duration given, arguments.DurationOf("--step"));
    step = ToSeconds(given);
  }
  return QueryParameters{{"query", arguments.positional()[1]},
                         {"start", FormatGoF(start)},
                         {"end", FormatGoF(end)},
                         {"step", FormatGoF(step)}};
}

int RunRange(const Arguments& arguments, CommandContext& context) {
  const Result<QueryParameters> parameters = RangeParameters(arguments, context.clock);
  if (!parameters.ok()) {
    context.err("tocsin query range: " + parameters.error().message + "\n");
    return kExitUsage;
  }
  return Ask("/api/v1/query_range", *parameters, {&ResultText, "result"}, arguments, context);
}

// --match, --start and --end; the times are left to the server when they are not given.
Result<QueryParameters> SelectionOf(const Arguments& arguments) {
  QueryParameters parameters;
  for (const std::string& match : arguments.All("--match"))
    parameters.emplace_back("match[]", match);
  for (const std::string flag : {"--start", "--end"}) {
    if (!arguments.Given(flag)) continue;
    ASSIGN_OR_RETURN(const double time, TimeOf(flag, arguments, 0));
    parameters.emplace_back(flag.substr(2), FormatGoF(time));
  }
  return parameters;
}

// The API takes label values by GET only.
std::string WithParameters(std::string path, const QueryParameters& parameters) {
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    path += std::exchange(separator, '&') + UrlEncode(name) + "=" + UrlEncode(value);
  }
  return path;
}

int RunSeries(const Arguments& arguments, CommandContext& context) {
  const Result<QueryParameters> parameters = SelectionOf(arguments);
  if (!parameters.ok() || parameters->empty() || !arguments.Given("--match")) {
    context.err("tocsin query series: " +
                (parameters.ok() ? "--match is needed" : parameters.error().message) + "\n");
    return kExitUsage;
  }
  return Ask("/api/v1/series", *parameters, {&SeriesLines, ""}, arguments, context);
}

int RunLabels(const Arguments& arguments, CommandContext& context) {
  const Result<QueryParameters> parameters = SelectionOf(arguments);
  if (!parameters.ok()) {
    context.err("tocsin query labels: " + parameters.error().message + "\n");
    return kExitUsage;
  }
  const std::string path = "/api/v1/label/" + UrlEncode(arguments.positional()[1]) + "/values";
  return Ask(WithParameters(path, *parameters), {}, {&ValueLines, ""}, arguments, context);
}

}  // namespace

const CommandSpec kQueryInstantCommand = {
    .name = "query instant",
    .summary = "Ask a server for the value of an expression at one time.",
    .positional = "SERVER EXPR",
    .flags = kInstantFlags,
    .examples =
        "tocsin query instant http://127.0.0.1:9977 'up == 0'\n"
        "tocsin query instant --format=json localhost:9977 'node_load1'",
    .run = &RunInstant,
};

const CommandSpec kQueryRangeCommand = {
    .name = "query range",
    .summary = "Ask a server for the values of an expression over a time.",
    .positional = "SERVER EXPR",
    .flags = kRangeFlags,
    .examples = "tocsin query range --step=1m localhost:9977 'rate(http_requests_total[5m])'",
    .run = &RunRange,
};

const CommandSpec kQuerySeriesCommand = {
    .name = "query series",
    .summary = "Ask a server which series there are.",
    .positional = "SERVER",
    .flags = kSeriesFlags,
    .examples =
        "tocsin query series --match=up localhost:9977\n"
        "tocsin query series --match='{job=\"node\"}' --start=2026-01-01T00:00:00Z localhost:9090",
    .run = &RunSeries,
};

const CommandSpec kQueryLabelsCommand = {
    .name = "query labels",
    .summary = "Ask a server for the values of a label.",
    .positional = "SERVER NAME",
    .flags = kSeriesFlags,
    .examples = "tocsin query labels localhost:9977 job",
    .run = &RunLabels,
};

}  // namespace tocsin::cli
