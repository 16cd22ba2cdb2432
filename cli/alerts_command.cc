#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/go_float.h"
#include "cli/commands.h"
#include "cli/server_client.h"
#include "cli/terminal.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    kServerFlag,
    {.name = "--watch", .help = "Stay, and print every change of state as it comes."},
    {.name = "--interval",
     .value = "DURATION",
     .fallback = "1s",
     .help = "How often --watch asks."},
};

struct Alert {
  std::string name;
  std::string state;  // "pending", "firing"
  std::string value;
  std::string active_at;
  LabelSet labels;  // without the name
  std::vector<std::pair<std::string, std::string>> annotations;
};

// By the text of all labels, the alert's name first.
using Alerts = std::map<std::string, Alert>;

std::vector<std::pair<std::string, std::string>> TextMembers(const JsonValue* object) {
  std::vector<std::pair<std::string, std::string>> members;
  if (object == nullptr || object->AsObject() == nullptr) return members;
  for (const auto& [name, value] : *object->AsObject()) {
    members.emplace_back(name, value.TextOrEmpty());
  }
  return members;
}

std::string TextOf(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  return value == nullptr ? "" : std::string(value->TextOrEmpty());
}

Alert ReadAlert(const JsonValue& json) {
  Alert alert;
  for (const auto& [name, value] : TextMembers(json.Find("labels"))) {
    if (name == "alertname") {
      alert.name = value;
    } else {
      alert.labels.Set(name, value);
    }
  }
  alert.annotations = TextMembers(json.Find("annotations"));
  alert.state = TextOf(json, "state");
  alert.active_at = TextOf(json, "activeAt");
  const std::string value = TextOf(json, "value");
  const std::optional<double> number = ParseGoFloat(value);
  alert.value = number ? FormatGoV(*number) : value;
  return alert;
}

Result<Alerts> AskAlerts(CommandContext& context, const std::string& server) {
  ASSIGN_OR_RETURN(const JsonValue data, AskApi(context.http, server, "/api/v1/alerts"));
  Alerts alerts;
  const JsonValue* list = data.Find("alerts");
  if (list == nullptr || list->AsArray() == nullptr) return alerts;
  for (const JsonValue& json : *list->AsArray()) {
    Alert alert = ReadAlert(json);
    std::string key = alert.name + " " + alert.labels.ToString();
    alerts.emplace(std::move(key), std::move(alert));
  }
  return alerts;
}

std::string State(const std::string& state, bool colors) {
  const Color color = state == "firing"    ? Color::kRed
                      : state == "pending" ? Color::kYellow
                                           : Color::kGreen;
  return Colored(fmt::format("{:<8}", state), color, colors);
}

std::string Describe(const Alert& alert, bool colors) {
  return State(alert.state, colors) + " " + Colored(alert.name, Color::kBold, colors) + " " +
         alert.labels.ToString();
}

void PrintNow(const Alerts& alerts, CommandContext& context) {
  std::string text;
  for (const char* state : {"firing", "pending"}) {
    for (const auto& [key, alert] : alerts) {
      if (alert.state != state) continue;
      text += Describe(alert, context.colors) + " value " + alert.value;
      const Result<Timestamp> since = ParseRfc3339(alert.active_at);
      if (since.ok()) {
        const auto held = std::chrono::floor<std::chrono::seconds>(context.clock.Now() - *since);
        text += " for " + FormatPrometheusDuration(std::max(Duration(held), Duration::zero()));
      }
      text += "\n";
      for (const auto& [name, value] : alert.annotations) {
        text += Colored(fmt::format("         {}: {}", name, value), Color::kDim, context.colors);
        text += "\n";
      }
    }
  }
  context.out(text.empty() ? "no alert is pending or firing\n" : text);
}

void PrintChanges(const Alerts& before, const Alerts& now, CommandContext& context) {
  const std::string time = FormatRfc3339(context.clock.Now()).substr(11, 8);
  std::string text;
  for (const auto& [key, alert] : now) {
    const auto old = before.find(key);
    if (old != before.end() && old->second.state == alert.state) continue;
    text += time + " " + Describe(alert, context.colors) + " value " + alert.value + "\n";
  }
  for (const auto& [key, alert] : before) {
    if (now.contains(key)) continue;
    Alert over = alert;
    over.state = alert.state == "firing" ? "resolved" : "over";
    text += time + " " + Describe(over, context.colors) + "\n";
  }
  if (!text.empty()) context.out(text);
}

// Goes on through failures: the server may be starting again.
int Watch(const std::string& server, Duration interval, CommandContext& context) {
  Alerts before;
  bool reachable = true;
  do {
    Result<Alerts> now = AskAlerts(context, server);
    if (now.ok()) {
      if (!reachable) context.err("the server answers again\n");
      PrintChanges(before, *now, context);
      before = *std::move(now);
      reachable = true;
    } else if (reachable) {
      context.err(now.error().message + "\n");
      reachable = false;
    }
  } while (context.pause(interval));
  return kExitOk;
}

int RunAlerts(const Arguments& arguments, CommandContext& context) {
  const Result<Duration> interval = arguments.DurationOf("--interval");
  if (!interval.ok()) {
    context.err("tocsin alerts: " + interval.error().message + "\n");
    return kExitUsage;
  }
  const std::string& server = arguments.Text("--server");
  if (arguments.Switch("--watch")) return Watch(server, *interval, context);
  const Result<Alerts> alerts = AskAlerts(context, server);
  if (!alerts.ok()) {
    context.err("tocsin alerts: " + alerts.error().message + "\n");
    return kExitUsage;
  }
  PrintNow(*alerts, context);
  const bool firing = std::ranges::any_of(
      *alerts, [](const auto& entry) { return entry.second.state == "firing"; });
  return firing ? kExitNo : kExitOk;
}

}  // namespace

const CommandSpec kAlertsCommand = {
    .name = "alerts",
    .summary = "Show the alerts of a running server; exit code 1 while one fires.",
    .flags = kFlags,
    .examples =
        "tocsin alerts\n"
        "tocsin alerts --watch\n"
        "tocsin alerts --server=http://prometheus.example:9090",
    .run = &RunAlerts,
};

}  // namespace tocsin::cli
