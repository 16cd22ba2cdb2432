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
    {.name = kReportFormatFlag.name,
     .value = kReportFormatFlag.value,
     .fallback = kReportFormatFlag.fallback,
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

void SayText(const Configuration& configuration, const Answer& answer, const Arguments& arguments,
             FindingsReport& report) {
  if (arguments.Switch("--tree")) {
    report.Say(alertmanager::DrawTree(configuration.root, answer.routes));
  }
  report.Say(Joined(alertmanager::ReceiversOf(answer.routes)) + "\n");
  for (const RoutePath& route : answer.routes) {
    report.Say(fmt::format("  {}: group {}\n", route.back()->receiver,
                           alertmanager::GroupKey(route, answer.labels)));
  }
  for (const std::string& source : answer.inhibited_by) {
    report.Say("  inhibited by " + source + "\n");
  }
}

std::string LabelsJson(const LabelSet& labels) {
  JsonWriter json;
  json.BeginObject();
  for (const auto& [name, value] : labels) json.Field(name, value);
  json.EndObject();
  return json.Take();
}

std::string NamesJson(const std::vector<std::string>& names) {
  JsonWriter json;
  json.BeginArray();
  for (const std::string& name : names) json.String(name);
  json.EndArray();
  return json.Take();
}

void AddMembers(const Answer& answer, FindingsReport& report) {
  report.AddMember("labels", LabelsJson(answer.labels));
  report.AddMember("receivers", NamesJson(alertmanager::ReceiversOf(answer.routes)));
  JsonWriter routes;
  routes.BeginArray();
  for (const RoutePath& route : answer.routes) {
    routes.BeginObject().Field("receiver", route.back()->receiver);
    routes.Field("group", alertmanager::GroupKey(route, answer.labels)).EndObject();
  }
  routes.EndArray();
  report.AddMember("routes", routes.Take());
  report.AddMember("inhibited_by", NamesJson(answer.inhibited_by));
}

// Every alert of the rules, with what is known of its labels.
void TellRules(const Configuration& configuration,
               const std::vector<alertmanager::AlertShape>& alerts, FindingsReport& report) {
  JsonWriter json;
  json.BeginArray();
  for (const alertmanager::AlertShape& alert : alerts) {
    const std::vector<std::string> receivers =
        alertmanager::ReceiversOf(alertmanager::PossibleRoutes(configuration.root, alert));
    report.Say(fmt::format("{:<32} {}\n", alert.known.ToString(), Joined(receivers)));
    json.BeginObject().Key("labels").Raw(LabelsJson(alert.known));
    json.Key("receivers").Raw(NamesJson(receivers)).EndObject();
  }
  json.EndArray();
  report.AddMember("alerts", json.Take());
}

void Verify(const Configuration& configuration, const Answer& answer, const Arguments& arguments,
            FindingsReport& report) {
  if (!arguments.Given("--verify.receivers")) return;
  const std::vector<std::string> wanted = SplitAtCommas(arguments.Text("--verify.receivers"));
  const std::vector<std::string> got = alertmanager::ReceiversOf(answer.routes);
  if (wanted == got) return;
  const std::string message = fmt::format(
      "the receivers are {}, and not {} as --verify.receivers says", Joined(got), Joined(wanted));
  report.AddAs({.check = "route/receivers", .file = configuration.path, .message = message},
               "tocsin route: " + message + "\n");
}

Status TellAlert(const Configuration& configuration, const Arguments& arguments,
                 FindingsReport& report) {
  ASSIGN_OR_RETURN(const LabelSet labels, ParseLabels(arguments.positional()));
  std::vector<LabelSet> firing;
  for (const std::string& text : arguments.All("--firing")) {
    Result<LabelSet> other = ParseLabels(SplitAtCommas(text));
    if (!other.ok()) return Prefixed("--firing: ", other.error());
    firing.push_back(*std::move(other));
  }
  const Answer answer = AnswerFor(configuration, labels, firing);
  SayText(configuration, answer, arguments, report);
  AddMembers(answer, report);
  Verify(configuration, answer, arguments, report);
  return Ok();
}

int RunRoute(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("route", arguments, context);
  if (!report.ok()) return kExitUsage;
  const auto fail = [&](const std::string& message, int code) {
    context.err("tocsin route: " + message + "\n");
    return code;
  };
  const std::string& path = arguments.Text("--config.file");
  const Result<std::string> text = context.files.Read(path);
  if (!text.ok()) return fail(text.error().message, kExitNo);
  const alertmanager::ReadConfiguration read = alertmanager::ParseConfiguration(path, *text);
  const Configuration& configuration = read.configuration;
  if (configuration.root.receiver.empty()) {
    return fail(path + " has no routes; see tocsin check alertmanager", kExitNo);
  }
  const auto alerts = ReadAlertShapes(context.files, arguments.All("--rules"));
  if (!alerts.ok()) return fail(alerts.error().message, kExitNo);
  if (!alerts->empty()) {
    TellRules(configuration, *alerts, *report);
  } else if (arguments.positional().empty()) {
    const std::string tree = alertmanager::DrawTree(configuration.root, {});
    report->Say(tree);
    report->AddMember("tree", JsonWriter().String(tree).Take());
  } else {
    const Status told = TellAlert(configuration, arguments, *report);
    if (!told.ok()) return fail(told.error().message, kExitUsage);
  }
  return report->Finish();
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
