// tocsin collectors list: the built-in collectors and what they give.
#include <fmt/core.h>

#include "base/json.h"
#include "cli/commands.h"
#include "engine/model/metric_type.h"
#include "exporters/collectors.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--metrics", .help = "Also list every family."},
    {.name = "--format",
     .value = "text|markdown|json",
     .fallback = "text",
     .help = "How the list is printed."},
};

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string FamilyLine(const FamilySpec& family, bool markdown) {
  std::string help(family.help);
  if (!family.alias_of.empty()) help = fmt::format("same as {}", family.alias_of);
  if (!markdown) {
    return fmt::format("  {:<52} {:<8} {{{}}}  {}\n", family.name, MetricTypeText(family.type),
                       family.labels, help);
  }
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", family.name, MetricTypeText(family.type),
                     family.labels, Escaped(family.source), Escaped(help));
}

void WriteJson(const FamilySpec& family, JsonWriter& json) {
  json.BeginObject().Field("name", family.name).Field("type", MetricTypeText(family.type));
  json.Key("labels").BeginArray();
  for (const std::string_view label : SplitLabelNames(family.labels)) json.String(label);
  json.EndArray().Field("help", family.help).Field("source", family.source);
  if (!family.alias_of.empty()) json.Field("alias_of", family.alias_of);
  json.EndObject();
}

std::string ListAsJson(bool metrics) {
  JsonWriter json;
  json.BeginArray();
  for (const CollectorSpec& collector : Collectors()) {
    json.BeginObject().Field("name", collector.name).Field("help", collector.help);
    if (!collector.up.empty()) json.Field("up", collector.up);
    if (metrics) {
      json.Key("families").BeginArray();
      for (const FamilySpec& family : collector.families) WriteJson(family, json);
      json.EndArray();
    }
    json.EndObject();
  }
  return json.EndArray().Take() + "\n";
}

int Run(const Arguments& arguments, CommandContext& context) {
  const std::string& format = arguments.Text("--format");
  if (format != "text" && format != "markdown" && format != "json") {
    context.err("tocsin collectors list: --format is text, markdown or json\n");
    return 2;
  }
  if (format == "json") {
    context.out(ListAsJson(arguments.Switch("--metrics")));
    return 0;
  }
  const bool markdown = format == "markdown";
  for (const CollectorSpec& collector : Collectors()) {
    context.out(markdown ? fmt::format("## {}\n\n{}\n", collector.name, collector.help)
                         : fmt::format("{:<10} {}\n", collector.name, collector.help));
    if (!arguments.Switch("--metrics")) continue;
    if (markdown)
      context.out("\n| family | type | labels | source | |\n| --- | --- | --- | --- | --- |\n");
    for (const FamilySpec& family : collector.families) {
      context.out(FamilyLine(family, markdown));
    }
    if (markdown) context.out("\n");
  }
  return 0;
}

}  // namespace

const CommandSpec kCollectorsListCommand = {
    .name = "collectors list",
    .summary = "List the built-in collectors and what they give.",
    .flags = kFlags,
    .examples =
        "tocsin collectors list\n"
        "tocsin collectors list --metrics | grep pg_stat_activity",
    .run = Run,
};

}  // namespace tocsin::cli
