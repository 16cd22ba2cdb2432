#include "tests/support/simulation/simulation.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace tocsin::testing_support {
namespace {

cli::AppOptions Completed(cli::AppOptions options) {
  if (options.config_file.empty()) options.config_file = "tocsin.yml";
  return options;
}

LabelSet ReadLabels(const JsonValue* object) {
  LabelSet labels;
  if (object == nullptr || object->AsObject() == nullptr) return labels;
  for (const auto& [name, value] : *object->AsObject()) labels.Set(name, value.TextOrEmpty());
  return labels;
}

Timestamp ReadTime(const JsonValue& alert, std::string_view key) {
  const JsonValue* const text = alert.Find(key);
  const Result<Timestamp> time = ParseRfc3339(text == nullptr ? "" : text->TextOrEmpty());
  EXPECT_TRUE(time.ok()) << "an alert without " << key;
  return time.ok() ? *time : Timestamp();
}

ReceivedAlert ReadAlert(const JsonValue& json, Timestamp now) {
  ReceivedAlert alert{.at = now,
                      .labels = ReadLabels(json.Find("labels")),
                      .annotations = ReadLabels(json.Find("annotations")),
                      .starts_at = ReadTime(json, "startsAt"),
                      .ends_at = ReadTime(json, "endsAt")};
  alert.name = alert.labels.Get("alertname");
  const JsonValue* const url = json.Find("generatorURL");
  if (url != nullptr) alert.generator_url = url->TextOrEmpty();
  return alert;
}

}  // namespace

Simulation::Simulation(cli::AppOptions options) : options_(Completed(std::move(options))) {
  http_.Handle(std::string("http://") + kAlertmanager + "/api/v2/alerts",
               [this](const HttpRequest& request) { return TakeAlerts(request); });
  MakeApp();
}

Simulation::~Simulation() { app_->Stop(Duration::zero()); }

void Simulation::MakeApp() {
  app_ = std::make_unique<cli::App>(
      options_,
      cli::App::Dependencies{.clock = clock_,
                             .scheduler = scheduler_,
                             .io = executor_,
                             .cpu = executor_,
                             .http = http_,
                             .files = files_,
                             .log = log_,
                             .dns = dns_,
                             .environment = [](const std::string&) { return std::nullopt; },
                             .jitter = [] { return 0.5; },
                             .quit = [] {}});
}

void Simulation::PutConfig(const std::string& global, const std::string& more) {
  files_.Put("tocsin.yml", "global: {" + global + "}\nrule_files: [rules.yml]\nalerting:\n" +
                               "  alertmanagers: [{static_configs: [{targets: ['" + kAlertmanager +
                               "']}]}]\n" + more);
}

std::string Simulation::Get(const std::string& path, std::string_view parameters) const {
  server::HttpServerRequest request;
  request.path = path;
  request.parameters.AddEncoded(parameters);
  return server::BodyOf(app_->Handle(std::move(request)));
}

void Simulation::Serve(const std::string& address, std::function<std::string()> page) {
  http_.Handle("http://" + address + "/metrics",
               [page = std::move(page)](const HttpRequest&) -> Result<HttpResponse> {
                 HttpResponse response;
                 response.status = 200;
                 response.headers = {{"content-type", "text/plain; version=0.0.4"}};
                 response.body = page();
                 response.wire_bytes = response.body.size();
                 return response;
               });
}

Result<HttpResponse> Simulation::TakeAlerts(const HttpRequest& request) {
  if (alertmanager_down_) return Unavailable("connection refused");
  const Result<JsonValue> alerts = JsonValue::Parse(request.body);
  EXPECT_TRUE(alerts.ok() && alerts->AsArray() != nullptr) << request.body;
  if (alerts.ok() && alerts->AsArray() != nullptr) {
    for (const JsonValue& alert : *alerts->AsArray()) {
      received_.push_back(ReadAlert(alert, clock_.Now()));
    }
  }
  HttpResponse response;
  response.status = 200;
  return response;
}

Status Simulation::Start() { return app_->Start(); }

Status Simulation::Restart() {
  app_->Stop(Duration::zero());
  MakeApp();
  return app_->Start();
}

bool Simulation::AdvanceUntil(const std::function<bool()>& condition, Duration at_most) {
  for (Duration passed{}; passed <= at_most; passed += std::chrono::seconds(1)) {
    if (condition()) return true;
    Advance(std::chrono::seconds(1));
  }
  return condition();
}

std::optional<ReceivedAlert> Simulation::Last(const std::string& alert) const {
  for (auto it = received_.rbegin(); it != received_.rend(); ++it) {
    if (it->name == alert) return *it;
  }
  return std::nullopt;
}

}  // namespace tocsin::testing_support
