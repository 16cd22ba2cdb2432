// tocsin route: where an alert goes.
#include <fmt/core.h>

#include <algorithm>

#include "base/json.h"
#include "cli/alert_shapes.h"
#include "cli/commands.h"
#include "cli/findings_report.h"
#include "config/alertmanager/routing.h"

namespace tocsin::cli {
namespace {

using alertmanager::Configuration;
using alertmanager::RoutePath;

constexpr FlagSpec kFlags[] = {
    {.name = "--config.file",
     .value = "FILE",
     .fallback = "alertmanager.yml",
     .help = "Alertmanager's configuration."},
    {.name = "--tree", .help = "Draw the tree of routes, and mark those that are taken."},
    {.name = "--verify.receivers",
     .value = "A,B",
     .help = "Exit with code 1 unless exactly these receivers get the alert, in this order."},
    {.name = "--firing",
     .value = "LABELS",
     .help = "Another alert that fires meanwhile, as alertname=X,severity=Y: it may inhibit.",
     .repeated = true},
    kRulesFileFlag,
    {.name = "--output",
     .value = "text|json",
     .fallback = "text",
     .help = "How the answer is printed.",
     .short_name = "-o"},
};

Result<LabelSet> ParseLabel(std::string_view text, LabelSet labels) {
  const size_t equal = text.find('=');
  if (equal == std::string_view::npos || equal == 0) {
    return InvalidArgument(fmt::format("\"{}\" is not LABEL=VALUE", text));
  }
  std::string_view value = text.substr(equal + 1);
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
    value = value.substr(1, value.size() - 2);
  }
  labels.Set(text.substr(0, equal), value);
  return labels;
}

Result<LabelSet> ParseLabels(const std::vector<std::string>& words) {
  LabelSet labels;
  for (const std::string& word : words) {
    ASSIGN_OR_RETURN(labels, ParseLabel(word, std::move(labels)));
  }
  return labels;
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    words.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

struct Answer {
  LabelSet labels;
  std::vector<RoutePath> routes;
  std::vector<std::string> inhibited_by;  // in words
};

Answer AnswerFor(const Configuration& configuration, LabelSet labels,
                 const std::vector<LabelSet>& firing) {
  Answer answer{.labels = std::move(labels), .routes = {}, .inhibited_by = {}};
  answer.routes = alertmanager::RoutesFor(configuration.root, answer.labels);
  for (const alertmanager::InhibitRule& rule : configuration.inhibit_rules) {
    for (const LabelSet& other : firing) {
      if (!alertmanager::Inhibits(rule, other, answer.labels)) continue;
      answer.inhibited_by.push_back(
          fmt::format("{} (rule at {}:{})", other.ToString(), configuration.path, rule.place.line));
    }
  }
  return answer;
}

void PrintText(const Configuration& configuration, const Answer& answer, const Arguments& arguments,
               CommandContext& context) {
  if (arguments.Switch("--tree")) {
    context.out(alertmanager::DrawTree(configuration.root, answer.routes));
  }
  context.out(Joined(alertmanager::ReceiversOf(answer.routes)) + "\n");
  for (const RoutePath& route : answer.routes) {
    context.out(fmt::format("  {}: group {}\n", route.back()->receiver,
                            alertmanager::GroupKey(route, answer.labels)));
  }
  for (const std::string& source : answer.inhibited_by) {
    context.out("  inhibited by " + source + "\n");
  }
}

void WriteJson(const Answer& answer, JsonWriter& json) {
  json.BeginObject().Key("labels").BeginObject();
  for (const auto& [name, value] : answer.labels) json.Field(name, value);
  json.EndObject().Key("receivers").BeginArray();
  for (const std::string& name : alertmanager::ReceiversOf(answer.routes)) json.String(name);
  json.EndArray().Key("routes").BeginArray();
  for (const RoutePath& route : answer.routes) {
    json.BeginObject().Field("receiver", route.back()->receiver);
    json.Field("group", alertmanager::GroupKey(route, answer.labels)).EndObject();
  }
  json.EndArray().Key("inhibited_by").BeginArray();
  for (const std::string& source : answer.inhibited_by) json.String(source);
  json.EndArray().EndObject();
}

// Every alert of the rules, with what is known of its labels.
int PrintRules(const Configuration& configuration,
               const std::vector<alertmanager::AlertShape>& alerts, CommandContext& context) {
  for (const alertmanager::AlertShape& alert : alerts) {
    const auto routes = alertmanager::PossibleRoutes(configuration.root, alert);
    context.out(fmt::format("{:<32} {}\n", alert.known.ToString(),
                            Joined(alertmanager::ReceiversOf(routes))));
  }
  return kExitOk;
}

int Verify(const Answer& answer, const Arguments& arguments, CommandContext& context) {
  if (!arguments.Given("--verify.receivers")) return kExitOk;
  const std::vector<std::string> wanted = SplitAtCommas(arguments.Text("--verify.receivers"));
  const std::vector<std::string> got = alertmanager::ReceiversOf(answer.routes);
  if (wanted == got) return kExitOk;
  context.err(
      fmt::format("tocsin route: the receivers are {}, and not {} as --verify.receivers says\n",
                  Joined(got), Joined(wanted)));
  return kExitNo;
}

int Answered(const Configuration& configuration, const Arguments& arguments,
             CommandContext& context) {
  const Result<LabelSet> labels = ParseLabels(arguments.positional());
  std::vector<LabelSet> firing;
  for (const std::string& text : arguments.All("--firing")) {
    Result<LabelSet> other = ParseLabels(SplitAtCommas(text));
    if (!other.ok()) {
      context.err("tocsin route: --firing: " + other.error().message + "\n");
      return kExitUsage;
    }
    firing.push_back(*std::move(other));
  }
  if (!labels.ok()) {
    context.err("tocsin route: " + labels.error().message + "\n");
    return kExitUsage;
  }
  const Answer answer = AnswerFor(configuration, *labels, firing);
  if (arguments.Text("--output") == "json") {
    JsonWriter json;
    WriteJson(answer, json);
    context.out(json.Take() + "\n");
  } else {
    PrintText(configuration, answer, arguments, context);
  }
  return Verify(answer, arguments, context);
}

int RunRoute(const Arguments& arguments, CommandContext& context) {
  const std::string& path = arguments.Text("--config.file");
  const Result<std::string> text = context.files.Read(path);
  if (!text.ok()) {
    context.err("tocsin route: " + text.error().message + "\n");
    return kExitNo;
  }
  const alertmanager::ReadConfiguration read = alertmanager::ParseConfiguration(path, *text);
  if (read.configuration.root.receiver.empty()) {
    context.err("tocsin route: " + path + " has no routes; see tocsin check alertmanager\n");
    return kExitNo;
  }
  const auto alerts = ReadAlertShapes(context.files, arguments.All("--rules"));
  if (!alerts.ok()) {
    context.err("tocsin route: " + alerts.error().message + "\n");
    return kExitNo;
  }
  if (!alerts->empty()) return PrintRules(read.configuration, *alerts, context);
  if (arguments.positional().empty()) {
    context.out(alertmanager::DrawTree(read.configuration.root, {}));
    return kExitOk;
  }
  return Answered(read.configuration, arguments, context);
}

}  // namespace

const CommandSpec kRouteCommand = {
    .name = "route",
    .summary = "Say who gets an alert, how it is grouped and what inhibits it.",
    .positional = "[LABEL=VALUE]...",
    .flags = kFlags,
    .examples =
        "tocsin route\n"
        "tocsin route --tree alertname=Down severity=critical\n"
        "tocsin route --verify.receivers=pager alertname=Down severity=critical\n"
        "tocsin route --firing=alertname=Down,severity=critical alertname=Slow severity=warning\n"
        "tocsin route --rules=alert_rules.yml",
    .run = &RunRoute,
};

}  // namespace tocsin::cli
