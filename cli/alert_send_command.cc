// tocsin alert send: a test alert, to see that somebody is paged.
#include <fmt/core.h>

#include "alertmanager_client/client.h"
#include "alertmanager_client/payload.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/findings_report.h"
#include "cli/http_config_file.h"
#include "cli/server_client.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--config.file",
     .value = "FILE",
     .fallback = "prometheus.yml",
     .help = "The configuration whose Alertmanagers, external labels and relabelling are used."},
    {.name = "--alertmanager.url",
     .value = "URL",
     .help = "Send there instead, without a configuration.",
     .repeated = true},
    {.name = "--annotation", .value = "NAME=VALUE", .help = "Of the alert.", .repeated = true},
    {.name = "--for",
     .value = "DURATION",
     .fallback = "5m",
     .help = "After this time the Alertmanager takes the alert for over."},
    {.name = "--resolve", .help = "Tell that the alert is over, instead of that it fires."},
    kHttpConfigFileFlag,
    kReportFormatFlag,
};

struct Destination {
  std::string url;
  HttpClientConfig http;
  std::vector<RelabelRule> relabel;
};

struct Plan {
  std::vector<Destination> destinations;
  LabelSet external_labels;
  std::vector<RelabelRule> relabel;
};

Result<Plan> PlanFor(const Arguments& arguments, CommandContext& context) {
  Plan plan;
  ASSIGN_OR_RETURN(const HttpClientConfig http, ReadHttpConfigFile(arguments, context));
  for (const std::string& url : arguments.All("--alertmanager.url")) {
    plan.destinations.push_back({NormalServerUrl(url) + "/api/v2/alerts", http, {}});
  }
  if (!plan.destinations.empty()) return plan;
  ASSIGN_OR_RETURN(const Config config,
                   LoadConfig(context.files, context.environment, arguments.Text("--config.file")));
  plan.external_labels = config.global.external_labels;
  plan.relabel = config.alert_relabel_configs;
  for (const AlertmanagerConfig& cluster : config.alertmanagers) {
    for (const std::string& url : DiscoverStatic(cluster).urls) {
      plan.destinations.push_back({url, cluster.http, cluster.alert_relabel_configs});
    }
  }
  if (plan.destinations.empty()) {
    return NotFound(config.path +
                    ": no Alertmanager is configured; name one with "
                    "--alertmanager.url");
  }
  return plan;
}

Result<LabelSet> PairsOf(const std::vector<std::string>& words) {
  LabelSet pairs;
  for (const std::string& word : words) {
    const size_t equal = word.find('=');
    if (equal == std::string::npos || equal == 0) {
      return InvalidArgument(fmt::format("\"{}\" is not NAME=VALUE", word));
    }
    pairs.Set(word.substr(0, equal), word.substr(equal + 1));
  }
  return pairs;
}

Result<Notification> AlertFor(const Arguments& arguments, const Clock& clock) {
  Notification alert;
  ASSIGN_OR_RETURN(alert.labels, PairsOf(arguments.positional()));
  ASSIGN_OR_RETURN(alert.annotations, PairsOf(arguments.All("--annotation")));
  ASSIGN_OR_RETURN(const Duration hold, arguments.DurationOf("--for"));
  if (!alert.labels.Has("alertname")) alert.labels.Set("alertname", "TestAlert");
  if (alert.annotations.empty()) {
    alert.annotations.Set("summary", "A test, sent by hand: nothing is wrong.");
  }
  const Timestamp now = clock.Now();
  alert.starts_at = arguments.Switch("--resolve") ? now - hold : now;
  alert.ends_at = arguments.Switch("--resolve") ? now : now + hold;
  return alert;
}

// The labels that the Alertmanager has taken.
Result<LabelSet> Send(const Destination& to, const Plan& plan, Notification alert,
                      CommandContext& context) {
  const std::string url = UrlWithoutSecrets(to.url);
  for (const auto& [name, value] : plan.external_labels) {
    if (!alert.labels.Has(name)) alert.labels.Set(name, value);
  }
  for (const std::vector<RelabelRule>* rules : {&plan.relabel, &to.relabel}) {
    std::optional<LabelSet> labels = Relabel(alert.labels, *rules);
    if (!labels) return InvalidArgument(url + ": alert_relabel_configs drop this alert");
    alert.labels = *std::move(labels);
  }
  HttpRequest request;
  request.method = "POST";
  request.url = to.url;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = "[" + RenderAlert(alert) + "]";
  ApplyHttpConfig(to.http, request);
  ASSIGN_OR_RETURN(const HttpResponse response, context.http.Fetch(request));
  if (response.status / 100 == 2) return alert.labels;
  return ExecutionError(fmt::format("{}: status {}: {}", url, response.status, response.body));
}

int RunAlertSend(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("alert send", arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<Notification> alert = AlertFor(arguments, context.clock);
  if (!alert.ok()) {
    context.err("tocsin alert send: " + alert.error().message + "\n");
    return kExitUsage;
  }
  const Result<Plan> plan = PlanFor(arguments, context);
  if (!plan.ok()) {
    context.err("tocsin alert send: " + plan.error().message + "\n");
    return kExitNo;
  }
  JsonWriter json;
  json.BeginArray();
  for (const Destination& to : plan->destinations) {
    const Result<LabelSet> taken = Send(to, *plan, *alert, context);
    if (!taken.ok()) {
      report->AddAs({.check = "alert/send", .message = taken.error().message},
                    taken.error().message + "\n");
      continue;
    }
    const std::string url = UrlWithoutSecrets(to.url);
    report->Say(fmt::format("{}: took {}\n", url, taken->ToString()));
    json.BeginObject().Field("url", url).Key("labels").BeginObject();
    for (const auto& [name, value] : *taken) json.Field(name, value);
    json.EndObject().EndObject();
  }
  json.EndArray();
  report->AddMember("taken", json.Take());
  return report->Finish();
}

}  // namespace

const CommandSpec kAlertSendCommand = {
    .name = "alert send",
    .summary = "Send a test alert to the configured Alertmanagers.",
    .positional = "[LABEL=VALUE]...",
    .flags = kFlags,
    .examples =
        "tocsin alert send severity=critical\n"
        "tocsin alert send --resolve severity=critical\n"
        "tocsin alert send --alertmanager.url=http://localhost:9093 alertname=Test team=db",
    .run = &RunAlertSend,
};

}  // namespace tocsin::cli
