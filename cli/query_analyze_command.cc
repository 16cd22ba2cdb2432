// tocsin query analyze: how well the buckets of histograms are chosen.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/go_float.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/http_config_file.h"
#include "cli/server_client.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--server",
     .value = "URL",
     .fallback = "http://127.0.0.1:9977",
     .help = "The server that is asked."},
    {.name = "--type", .value = "histogram", .fallback = "histogram", .help = "What is analysed."},
    {.name = "--match",
     .value = "SELECTOR",
     .help = "Which histograms: http_request_duration_seconds{job=\"a\"}, without _bucket.",
     .repeated = true},
    {.name = "--duration", .value = "DURATION", .fallback = "1h", .help = "Of what time."},
    {.name = "--format",
     .value = "text|json",
     .fallback = "text",
     .help = "How the result is printed.",
     .short_name = "-o"},
    kHttpConfigFileFlag,
};

// Observations of one histogram in each of its buckets, by upper bound.
using Buckets = std::map<double, double>;

struct Usage {
  std::string histogram;
  size_t buckets = 0;
  size_t populated = 0;  // had an observation
  double overflow = 0;   // the part beyond the last finite bound
  double observations = 0;
};

// "m{job="a"}" -> "increase(m_bucket{job="a"}[1h])"
std::string QueryFor(const std::string& selector, const std::string& duration) {
  const size_t brace = std::min(selector.find('{'), selector.size());
  return "increase(" + selector.substr(0, brace) + "_bucket" + selector.substr(brace) + "[" +
         duration + "])";
}

void Collect(const JsonValue& data, std::map<std::string, Buckets>& histograms) {
  const JsonValue* const result = data.Find("result");
  if (result == nullptr || result->AsArray() == nullptr) return;
  for (const JsonValue& series : *result->AsArray()) {
    const JsonValue* const metric = series.Find("metric");
    const JsonValue* const value = series.Find("value");
    if (metric == nullptr || metric->AsObject() == nullptr || value == nullptr ||
        value->AsArray() == nullptr || value->AsArray()->size() != 2) {
      continue;
    }
    LabelSet labels;
    for (const auto& [name, text] : *metric->AsObject()) labels.Set(name, text.TextOrEmpty());
    const std::optional<double> bound = ParseGoFloat(labels.Get("le"));
    const std::optional<double> count = ParseGoFloat((*value->AsArray())[1].TextOrEmpty());
    if (!bound || !count) continue;
    labels.Remove("le");
    histograms[labels.ToString()][*bound] = *count;
  }
}

Usage UsageOf(const std::string& selector, const std::string& labels, const Buckets& buckets) {
  Usage usage{.histogram = selector.substr(0, selector.find('{')) + labels};
  double below = 0;
  for (const auto& [bound, cumulative] : buckets) {
    const double inside = cumulative - below;
    ++usage.buckets;
    if (inside > 0) ++usage.populated;
    if (bound == std::numeric_limits<double>::infinity()) usage.overflow = inside;
    below = cumulative;
  }
  usage.observations = below;
  if (below > 0) usage.overflow /= below;
  return usage;
}

std::string Text(const std::vector<Usage>& usages) {
  std::string text = fmt::format("{} histograms\n", usages.size());
  for (const Usage& usage : usages) {
    text += fmt::format(
        "{}: {} of {} buckets populated, {} observations, {:.1f} % beyond the last "
        "bound\n",
        usage.histogram, usage.populated, usage.buckets, FormatGoF(std::round(usage.observations)),
        usage.overflow * 100);
  }
  return text;
}

std::string Json(const std::vector<Usage>& usages) {
  JsonWriter json;
  json.BeginArray();
  for (const Usage& usage : usages) {
    json.BeginObject().Field("histogram", usage.histogram);
    json.Field("buckets", static_cast<uint64_t>(usage.buckets));
    json.Field("populated", static_cast<uint64_t>(usage.populated));
    json.Field("observations", usage.observations);
    json.Field("beyond_last_bound", usage.overflow).EndObject();
  }
  json.EndArray();
  return json.Take() + "\n";
}

int WrongUsage(const std::string& problem, CommandContext& context) {
  context.err("tocsin query analyze: " + problem + "\n");
  return kExitUsage;
}

int RunAnalyze(const Arguments& arguments, CommandContext& context) {
  if (!arguments.Given("--match")) return WrongUsage("--match is needed", context);
  if (arguments.Text("--type") != "histogram") {
    return WrongUsage("--type: only histogram is known", context);
  }
  const Result<Duration> duration = arguments.DurationOf("--duration");
  if (!duration.ok()) return WrongUsage(duration.error().message, context);
  const Result<HttpClientConfig> config = ReadHttpConfigFile(arguments, context);
  if (!config.ok()) return WrongUsage(config.error().message, context);
  ConfiguredHttpClient http(context.http, *config);
  std::vector<Usage> usages;
  for (const std::string& selector : arguments.All("--match")) {
    const std::string query = QueryFor(selector, FormatPrometheusDuration(*duration));
    const Result<JsonValue> data =
        AskApi(http, arguments.Text("--server"), "/api/v1/query", {{"query", query}});
    if (!data.ok()) {
      context.err("query error: " + data.error().message + "\n");
      return kExitNo;
    }
    std::map<std::string, Buckets> histograms;
    Collect(*data, histograms);
    for (const auto& [labels, buckets] : histograms) {
      usages.push_back(UsageOf(selector, labels, buckets));
    }
  }
  context.out(arguments.Text("--format") == "json" ? Json(usages) : Text(usages));
  return kExitOk;
}

}  // namespace

const CommandSpec kQueryAnalyzeCommand = {
    .name = "query analyze",
    .summary = "Say how the buckets of histograms are used.",
    .flags = kFlags,
    .examples =
        "tocsin query analyze --match=http_request_duration_seconds\n"
        "tocsin query analyze --server=http://localhost:9090 --duration=1d "
        "--match='rpc_seconds{job=\"api\"}'",
    .run = &RunAnalyze,
};

}  // namespace tocsin::cli
