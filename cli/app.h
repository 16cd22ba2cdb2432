// The composition root: everything that `tocsin serve` is made of, wired together.
//
// The app owns the store, the engine and the managers; the outside world (clock, threads, HTTP,
// files, log) comes in, so that tests run the whole process on a fake clock. It knows no sockets:
// serve_command.cc puts an HttpServer in front of Handle().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "alertmanager_client/alertmanager_snapshot.h"
#include "alertmanager_client/client.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/files.h"
#include "base/http_client.h"
#include "base/log.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "config/config.h"
#include "discovery/dns_resolver.h"
#include "engine/promql/engine.h"
#include "exporters/target_snapshot.h"
#include "rules/snapshot.h"
#include "server/http_message.h"

namespace tocsin::cli {

struct AppOptions {
  std::string config_file;                        // "": DefaultConfig from the environment
  std::string listen_address = "127.0.0.1:9977";  // where an HttpServer stands
  std::string external_url;                       // "": http://<listen_address>
  std::string storage_path = "data/";
  Duration retention = std::chrono::hours(24 * 15);
  size_t max_series = 0;  // 0: no limit
  bool lifecycle = false;
  bool remote_write_receiver = false;
  Duration resend_delay = std::chrono::minutes(1);
  Duration outage_tolerance = std::chrono::hours(1);
  Duration for_grace_period = std::chrono::minutes(10);
  // A Prometheus-compatible server that is asked for the state of alerts where neither the journal
  // nor the store has any; "": none.
  std::string restore_url;
  Duration resolved_retention = std::chrono::minutes(15);
  size_t max_concurrent_evals = 4;
  size_t rule_history = 20;  // evaluations of each rule that are remembered
  bool rule_metrics = true;
  Duration auto_reload_interval{};  // how often files are looked at; 0: never
  AlertmanagerClientOptions notifications;
  bool drain_notifications = true;  // at the end
  promql::EngineOptions engine;
  std::vector<std::pair<std::string, std::string>> flags;  // for /api/v1/status/flags
  std::string working_directory;                           // for /api/v1/status/runtimeinfo
};

// Thread safety: Handle, Reload and the snapshots may be called from any thread between Start and
// Stop; the others from one.
class App {
 public:
  // All outlive the app.
  struct Dependencies {
    const Clock& clock;
    Scheduler& scheduler;
    Executor& io;
    Executor& cpu;
    HttpClient& http;
    FileSystem& files;
    Logger& log;
    DnsResolver& dns;
    Environment environment;
    std::function<double()> jitter;  // random, in [0, 1)
    std::function<void()> quit;      // somebody asked for the end by POST /-/quit
    Executor* rules = nullptr;       // evaluates rules; null: cpu does
    // Told of the queries of the API; may be null.
    promql::QueryWatcher* query_watcher = nullptr;
  };

  App(AppOptions options, Dependencies dependencies);
  // Stops without a drain.
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Loads the configuration and sets everything going. A failure leaves nothing running.
  Status Start();
  // All or nothing: when anything of the new configuration is wrong, the old one stays in force
  // and the error says what is wrong where.
  Status Reload();
  // Stops evaluating and collecting, then tells the Alertmanagers what is still queued until
  // `drain` is over.
  void Stop(Duration drain = std::chrono::seconds(15));

  server::HttpServerResponse Handle(server::HttpServerRequest request) const;

  // What was found, for the screen at the start: addresses, targets, rules, Alertmanagers.
  std::string Describe() const;

  std::shared_ptr<const Config> config() const;
  TargetsSnapshot targets() const;
  std::shared_ptr<const RulesSnapshot> rules() const;
  AlertmanagersSnapshot alertmanagers() const;
  const Querier& querier() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tocsin::cli
