#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/go_float.h"
#include "cli/commands.h"
#include "cli/server_client.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFormatFlag = {.name = "--format",
                                  .value = "promql|json",
                                  .fallback = "promql",
                                  .help = "How the result is printed."};
constexpr FlagSpec kInstantFlags[] = {
    {.name = "--time", .value = "TIME", .help = "RFC 3339 or seconds (default: now)."},
    kFormatFlag,
};
constexpr FlagSpec kRangeFlags[] = {
    {.name = "--start", .value = "TIME", .help = "RFC 3339 or seconds (default: --end - 5m)."},
    {.name = "--end", .value = "TIME", .help = "RFC 3339 or seconds (default: now)."},
    {.name = "--step", .value = "DURATION", .help = "(default: a 250th of the range, at least 1s)"},
    kFormatFlag,
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

void WriteJson(const JsonValue& value, JsonWriter& out) {
  if (const bool* flag = value.AsBool()) {
    out.Bool(*flag);
  } else if (const double* number = value.AsNumber()) {
    out.Double(*number);
  } else if (const std::string* text = value.AsString()) {
    out.String(*text);
  } else if (const JsonValue::Array* array = value.AsArray()) {
    out.BeginArray();
    for (const JsonValue& element : *array) WriteJson(element, out);
    out.EndArray();
  } else if (const JsonValue::Object* object = value.AsObject()) {
    out.BeginObject();
    for (const auto& [name, member] : *object) {
      out.Key(name);
      WriteJson(member, out);
    }
    out.EndObject();
  } else {
    out.Null();
  }
}

int Ask(std::string_view path, const QueryParameters& parameters, const Arguments& arguments,
        CommandContext& context) {
  const std::string& format = arguments.Text("--format");
  if (format != "promql" && format != "json") {
    context.err("tocsin query: --format: \"" + format + "\" is not one of promql, json\n");
    return kExitUsage;
  }
  const std::string& server = arguments.positional()[0];
  const Result<JsonValue> data = AskApi(context.http, server, path, parameters);
  if (!data.ok()) {
    context.err("query error: " + data.error().message + "\n");
    return kExitNo;
  }
  if (format == "promql") {
    context.out(ResultText(*data));
    return kExitOk;
  }
  JsonWriter json;
  if (const JsonValue* const result = data->Find("result")) WriteJson(*result, json);
  context.out(json.text() + "\n");
  return kExitOk;
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
             arguments, context);
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
  return Ask("/api/v1/query_range", *parameters, arguments, context);
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

}  // namespace tocsin::cli
