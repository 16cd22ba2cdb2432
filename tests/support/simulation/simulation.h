// The whole process on virtual time: App over a fake clock, with scrape targets that say what a
// test tells them to and an Alertmanager that records what it is told. A day takes seconds.
//
//   Simulation sim;
//   sim.files().Put("tocsin.yml", "…");
//   sim.Serve("app:8000", [&] { return "up_to_date 1\n"; });
//   ASSERT_TRUE(sim.Start().ok());
//   sim.Advance(std::chrono::minutes(5));
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/app.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_dns.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_http.h"
#include "tests/support/memory_files.h"

namespace tocsin::testing_support {

// One alert of one message to the Alertmanager.
struct ReceivedAlert {
  Timestamp at{};
  std::string name;
  LabelSet labels;
  LabelSet annotations;
  Timestamp starts_at{};
  Timestamp ends_at{};
  std::string generator_url;

  bool firing() const { return ends_at > at; }
};

// Everything runs on the calling thread, inside Advance.
class Simulation {
 public:
  // Where the Alertmanager listens: alertmanager:9093.
  static constexpr const char* kAlertmanager = "alertmanager:9093";

  // `options.config_file` is "tocsin.yml" when it is empty.
  explicit Simulation(cli::AppOptions options = {});
  ~Simulation();

  MemoryFiles& files() { return files_; }
  FakeHttp& http() { return http_; }
  FakeDns& dns() { return dns_; }
  FakeClock& clock() { return clock_; }
  cli::App& app() { return *app_; }
  std::string log() const { return log_.text(); }

  // Writes tocsin.yml: what `global` has, rules from rules.yml, alerts to that Alertmanager, and
  // `more` sections.
  void PutConfig(const std::string& global, const std::string& more);
  // http://address/metrics answers with what `page` says at the time.
  void Serve(const std::string& address, std::function<std::string()> page);
  // While it is down, it refuses connections.
  void SetAlertmanagerDown(bool down) { alertmanager_down_ = down; }

  Status Start();
  // The body of the process's answer.
  std::string Get(const std::string& path, std::string_view parameters = "") const;
  // A clean end, and a new process over the same files.
  Status Restart();
  void Advance(Duration time) { scheduler_.Advance(time); }
  // In steps of a second; whether `condition` came true within `at_most`.
  bool AdvanceUntil(const std::function<bool()>& condition, Duration at_most);

  // What the Alertmanager was told, oldest first.
  const std::vector<ReceivedAlert>& received() const { return received_; }
  void ClearReceived() { received_.clear(); }
  // The last of that alert; nothing when there was none.
  std::optional<ReceivedAlert> Last(const std::string& alert) const;

 private:
  void MakeApp();
  Result<HttpResponse> TakeAlerts(const HttpRequest& request);

  const cli::AppOptions options_;
  FakeClock clock_;
  FakeScheduler scheduler_{clock_};
  InlineExecutor executor_;
  FakeHttp http_;
  FakeDns dns_;
  MemoryFiles files_;
  CaptureLog log_;
  bool alertmanager_down_ = false;
  std::vector<ReceivedAlert> received_;
  std::unique_ptr<cli::App> app_;
};

}  // namespace tocsin::testing_support
