#include "cli/app.h"

#include <algorithm>
#include <atomic>

#include "alertmanager_client/client.h"
#include "base/metrics.h"
#include "base/published.h"
#include "base/thread_annotations.h"
#include "cli/build_info.h"
#include "cli/description.h"
#include "cli/file_watch.h"
#include "cli/housekeeping.h"
#include "cli/remote_states.h"
#include "cli/repeated_task.h"
#include "cli/rule_verdicts.h"
#include "discovery/discovery.h"
#include "engine/storage/head.h"
#include "exporters/target_manager.h"
#include "remote_write/remote_writer.h"
#include "rules/manager.h"
#include "server/process_view.h"
#include "server/router.h"

namespace tocsin::cli {
namespace {

// The path that a reverse proxy puts in front of every page: "/tocsin", or "".
std::string PathOf(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return slash == std::string::npos ? "" : url.substr(slash);
}

AppOptions Completed(AppOptions options) {
  if (options.external_url.empty()) options.external_url = "http://" + options.listen_address;
  while (options.external_url.ends_with('/')) options.external_url.pop_back();
  while (options.storage_path.ends_with('/')) options.storage_path.pop_back();
  return options;
}

// `instance` of the process's own series, as Prometheus has localhost:9090.
std::string OwnInstance(const std::string& listen_address) {
  const size_t colon = listen_address.rfind(':');
  const std::string host = listen_address.substr(0, colon);
  const bool local = host.empty() || host == "0.0.0.0" || host.starts_with("127.");
  return local && colon != std::string::npos ? "localhost" + listen_address.substr(colon)
                                             : listen_address;
}

std::vector<server::FamilyMetadata> Metadata(const TargetManager& targets) {
  std::vector<server::FamilyMetadata> metadata;
  for (FamilyText& family : targets.Families()) {
    metadata.push_back({.name = std::move(family.name),
                        .type = std::string(MetricTypeText(family.type)),
                        .help = std::move(family.help),
                        .unit = ""});
  }
  return metadata;
}

std::vector<DataSource> SourcesOf(const TargetManager& targets) {
  std::vector<DataSource> sources;
  for (TargetSnapshot& target : targets.Snapshot().active) {
    sources.push_back(
        {.name = target.scrape_pool + "/" + std::string(target.labels.Get("instance")),
         .labels = std::move(target.labels),
         .collections = target.collections,
         .failing = target.health == TargetHealth::kDown,
         .last_collection = target.last_scrape,
         .interval = target.interval});
  }
  return sources;
}

// Nobody is to be told, so nobody is looked for.
Config WithoutAlertmanagers(Config config) {
  config.alertmanagers.clear();
  return config;
}

bool IsAnyPending(const RulesSnapshot& snapshot) {
  const auto pending = [](const AlertSnapshot& alert) {
    return alert.phase == AlertPhase::kPending;
  };
  for (const RuleGroupSnapshot& group : snapshot.groups) {
    for (const RuleSnapshot& rule : group.rules) {
      if (std::ranges::any_of(rule.alerts, pending)) return true;
    }
  }
  return false;
}

struct ReloadState {
  bool ok = true;
  std::optional<Timestamp> at;
  std::string error;
};

}  // namespace

class App::Parts {
 public:
  Parts(AppOptions app_options, Dependencies app_dependencies);

  Result<std::shared_ptr<const Config>> Load() const;
  // Everything or, with an error, nothing.
  Status Apply(std::shared_ptr<const Config> next);
  // Other targets than before: they are watched, and told, from now on.
  void ApplyDiscovered();
  Status LoadAndApply();
  // Returns what has changed.
  Result<std::string> Reload();
  void KeepHouse();
  // Of the files that a reload reads.
  std::vector<std::string> WatchedPatterns() const;
  server::ProcessView MakeView();
  server::RuntimeInfo Runtime() const;

  const AppOptions options;
  const Dependencies dependencies;
  const Timestamp start_time;
  Metrics metrics;
  Head head;
  RemoteWriter remote;  // the way into the store
  const promql::Engine engine;
  TargetManager targets;
  AlertmanagerClient alertmanagers;
  RuleManager rules;
  Discovery discovery;
  Published<Config> config;
  RuleVerdicts verdicts;
  Published<ReloadState> last_reload;
  const std::shared_ptr<Gauge> reload_ok;
  const std::shared_ptr<Gauge> reload_time;
  const std::shared_ptr<Gauge> build_info;
  std::optional<Housekeeping> housekeeping;
  std::optional<RepeatedTask> burst;
  std::optional<FileWatch> watch;
  const server::ProcessView view;
  const std::string path_prefix;
  // Held over a whole reload: reloads come from signals and requests, and one must see what the
  // other has left.
  Mutex lifecycle_mutex;
  bool running GUARDED_BY(lifecycle_mutex) = false;
};

App::Parts::Parts(AppOptions app_options, Dependencies app_dependencies)
    : options(Completed(std::move(app_options))),
      dependencies(std::move(app_dependencies)),
      start_time(dependencies.clock.Now()),
      head({.retention = options.retention, .max_series = options.max_series}, dependencies.clock),
      remote({.clock = dependencies.clock,
              .scheduler = dependencies.scheduler,
              .io = dependencies.io,
              .http = dependencies.http,
              .log = dependencies.log,
              .metrics = metrics,
              .store = head}),
      engine(options.engine, dependencies.clock, &dependencies.cpu, dependencies.query_watcher),
      targets({.clock = dependencies.clock,
               .scheduler = dependencies.scheduler,
               .io = dependencies.io,
               .http = dependencies.http,
               .files = dependencies.files,
               .log = dependencies.log,
               .sink = remote,
               .metrics = metrics,
               .own_instance = OwnInstance(options.listen_address),
               .state_folder = options.storage_path}),
      alertmanagers(options.notifications, {.clock = dependencies.clock,
                                            .scheduler = dependencies.scheduler,
                                            .io = dependencies.io,
                                            .http = dependencies.http,
                                            .log = dependencies.log,
                                            .metrics = metrics,
                                            .jitter = dependencies.jitter}),
      rules({.external_url = options.external_url,
             .resend_delay = options.resend_delay,
             .resolved_retention = options.resolved_retention,
             .journal_path = options.storage_path + "/alerts.json",
             .outage_tolerance = options.outage_tolerance,
             .for_grace_period = options.for_grace_period,
             .max_concurrent_evals = options.max_concurrent_evals,
             .history = options.rule_history,
             .rule_metrics = options.rule_metrics},
            {.clock = dependencies.clock,
             .scheduler = dependencies.scheduler,
             .cpu = dependencies.rules == nullptr ? dependencies.cpu : *dependencies.rules,
             .engine = engine,
             .querier = head,
             .sink = remote,
             .notifier = alertmanagers,
             .files = dependencies.files,
             .log = dependencies.log,
             .metrics = metrics,
             .sources = [this] { return SourcesOf(targets); },
             .remote_states =
                 AskForStates(dependencies.http, dependencies.clock, options.restore_url)}),
      discovery({.scheduler = dependencies.scheduler,
                 .io = dependencies.io,
                 .files = dependencies.files,
                 .http = dependencies.http,
                 .dns = dependencies.dns,
                 .log = dependencies.log,
                 .metrics = metrics,
                 .changed = [this] { ApplyDiscovered(); }}),
      verdicts(dependencies.log, metrics),
      last_reload(std::make_shared<const ReloadState>()),
      reload_ok(metrics.MakeGauge("prometheus_config_last_reload_successful",
                                  "Whether the last configuration reload attempt was successful.")),
      reload_time(metrics.MakeGauge("prometheus_config_last_reload_success_timestamp_seconds",
                                    "Timestamp of the last successful configuration reload.")),
      build_info(metrics.MakeGauge(
          "tocsin_build_info", "Always 1; the labels say which build.",
          {{"version", std::string(BuildVersion())}, {"revision", std::string(BuildRevision())}})),
      view(MakeView()),
      path_prefix(PathOf(options.external_url)) {
  build_info->Set(1);
}

server::ProcessView App::Parts::MakeView() {
  return {
      .clock = dependencies.clock,
      .engine = engine,
      .querier = head,
      .exposition = targets.exposition(),
      .build = {.version = std::string(BuildVersion()), .revision = std::string(BuildRevision())},
      .flags = options.flags,
      .external_url = options.external_url,
      .lifecycle = options.lifecycle,
      .remote_write = options.remote_write_receiver ? &remote : nullptr,
      .http = &dependencies.http,
      .ready = [] { return true; },
      .config = [this] { return config.Get(); },
      .targets = [this] { return targets.Snapshot(); },
      .rules = [this] { return rules.Snapshot(); },
      .alertmanagers = [this] { return alertmanagers.Snapshot(); },
      .verdicts = [this] { return verdicts.Get(); },
      .runtime = [this] { return Runtime(); },
      .store = [this] { return head.Stats(); },
      .metadata = [this] { return Metadata(targets); },
      .reload = [this] { return Reload(); },
      .quit = dependencies.quit};
}

server::RuntimeInfo App::Parts::Runtime() const {
  const std::shared_ptr<const ReloadState> reload = last_reload.Get();
  return {.start_time = start_time,
          .working_directory = options.working_directory,
          .last_reload_ok = reload->ok,
          .last_reload = reload->at,
          .last_reload_error = reload->error,
          .series = head.Stats().series,
          .retention = FormatPrometheusDuration(options.retention)};
}

Result<std::shared_ptr<const Config>> App::Parts::Load() const {
  Result<Config> loaded =
      options.config_file.empty()
          ? DefaultConfig(dependencies.files, dependencies.environment)
          : LoadConfig(dependencies.files, dependencies.environment, options.config_file);
  if (!loaded.ok()) return loaded.error();
  return std::make_shared<const Config>(*std::move(loaded));
}

Status App::Parts::Apply(std::shared_ptr<const Config> next) {
  RETURN_IF_ERROR(targets.Check(*next));
  RETURN_IF_ERROR(rules.Apply(*next));
  // From here on nothing fails: the targets have been checked.
  remote.Apply(*next);
  discovery.Apply(options.notifications.mode == NotifyMode::kAlertmanagers
                      ? *next
                      : WithoutAlertmanagers(*next));
  const std::shared_ptr<const Config> complete = discovery.Complete(next);
  alertmanagers.Apply(*complete);
  if (Status status = targets.Apply(*complete); !status.ok()) {
    // What discovery has found is no reason to refuse what is written down.
    dependencies.log.Error("targets that were found cannot be used",
                           {{"err", status.error().message}});
    RETURN_IF_ERROR(targets.Apply(*next));
  }
  for (const std::string& warning : next->warnings) {
    dependencies.log.Warn("configuration", {{"warning", warning}});
  }
  verdicts.Judge(dependencies.files, *next, options.engine.parser);
  config.Set(std::move(next));
  return Ok();
}

void App::Parts::ApplyDiscovered() {
  const MutexLock lock(lifecycle_mutex);
  if (!running) return;
  const std::shared_ptr<const Config> complete = discovery.Complete(config.Get());
  alertmanagers.Apply(*complete);
  const Status status = targets.Apply(*complete);
  if (status.ok()) return;
  dependencies.log.Error("targets that were found cannot be used; the former ones stay",
                         {{"err", status.error().message}});
}

Status App::Parts::LoadAndApply() {
  const MutexLock lock(lifecycle_mutex);
  if (!running) return Canceled("the server is stopping");
  Result<std::shared_ptr<const Config>> next = Load();
  Status status = next.ok() ? Apply(*std::move(next)) : Status(next.error());
  const Timestamp now = dependencies.clock.Now();
  ReloadState state{.ok = status.ok(), .at = now};
  reload_ok->Set(status.ok() ? 1 : 0);
  if (status.ok()) {
    reload_time->Set(ToSeconds(now));
  } else {
    state.error = status.error().message;
  }
  last_reload.Set(std::make_shared<const ReloadState>(std::move(state)));
  return status;
}

void App::Parts::KeepHouse() {
  housekeeping.emplace(Housekeeping::Dependencies{.clock = dependencies.clock,
                                                  .scheduler = dependencies.scheduler,
                                                  .executor = dependencies.cpu,
                                                  .head = head,
                                                  .metrics = metrics});
  burst.emplace(std::chrono::seconds(1), dependencies.scheduler, dependencies.cpu, [this] {
    if (IsAnyPending(*rules.Snapshot())) targets.Burst();
  });
  if (options.auto_reload_interval <= Duration::zero()) return;
  watch.emplace(options.auto_reload_interval,
                FileWatch::Dependencies{.scheduler = dependencies.scheduler,
                                        .executor = dependencies.io,
                                        .files = dependencies.files,
                                        .patterns = [this] { return WatchedPatterns(); },
                                        .changed = [this] { (void)Reload(); }});
}

std::vector<std::string> App::Parts::WatchedPatterns() const {
  std::vector<std::string> patterns;
  if (!options.config_file.empty()) patterns.push_back(options.config_file);
  const std::shared_ptr<const Config> current = config.Get();
  for (const std::string& pattern : current->rule_files) {
    patterns.push_back(ResolvePath(current->path, pattern));
  }
  for (const JourneyConfig& journey : current->collectors.journey) patterns.push_back(journey.file);
  return patterns;
}

Result<std::string> App::Parts::Reload() {
  const Status status = LoadAndApply();
  if (!status.ok()) {
    dependencies.log.Error("configuration not reloaded; the old one stays in force",
                           {{"err", status.error().message}});
    return status.error();
  }
  std::string changes = ToString(rules.last_reload());
  dependencies.log.Info("configuration reloaded",
                        {{"file", options.config_file}, {"changes", changes}});
  return changes;
}

App::App(AppOptions options, Dependencies dependencies)
    : parts_(std::make_unique<Parts>(std::move(options), std::move(dependencies))) {}

App::~App() { Stop(Duration::zero()); }

Status App::Start() {
  {
    const MutexLock lock(parts_->lifecycle_mutex);
    parts_->running = true;
  }
  Status status = parts_->LoadAndApply();
  if (!status.ok()) {
    Stop(Duration::zero());
    return status;
  }
  parts_->KeepHouse();
  return Ok();
}

Status App::Reload() {
  const Result<std::string> changes = parts_->Reload();
  if (!changes.ok()) return changes.error();
  return Ok();
}

void App::Stop(Duration drain) {
  {
    const MutexLock lock(parts_->lifecycle_mutex);
    if (!parts_->running) return;
    parts_->running = false;
  }
  parts_->watch.reset();
  parts_->burst.reset();
  parts_->housekeeping.reset();
  parts_->discovery.Stop();
  parts_->rules.Stop();
  parts_->targets.Stop();
  constexpr Duration kLongestFlush = std::chrono::seconds(5);
  parts_->remote.Stop(std::min(drain, kLongestFlush));
  const bool drains = parts_->options.drain_notifications;
  parts_->alertmanagers.Drain(drains ? drain : Duration::zero());
}

server::HttpServerResponse App::Handle(server::HttpServerRequest request) const {
  const std::string& prefix = parts_->path_prefix;
  // Both as a proxy that keeps its prefix asks and as one that strips it does.
  if (!prefix.empty() && (request.path == prefix || request.path.starts_with(prefix + "/"))) {
    request.path.erase(0, prefix.size());
    if (request.path.empty()) request.path = "/";
  }
  return server::Dispatch(parts_->view, std::move(request));
}

std::string App::Describe() const {
  const std::shared_ptr<const Config> config = parts_->config.Get();
  const std::shared_ptr<const RulesSnapshot> rules = parts_->rules.Snapshot();
  return DescribeFindings({.url = parts_->options.external_url,
                           .config = *config,
                           .targets = parts_->targets.Snapshot(),
                           .rules = *rules,
                           .alertmanagers = parts_->alertmanagers.Snapshot(),
                           .retention = parts_->options.retention});
}

std::shared_ptr<const Config> App::config() const { return parts_->config.Get(); }
TargetsSnapshot App::targets() const { return parts_->targets.Snapshot(); }
const Querier& App::querier() const { return parts_->head; }
std::shared_ptr<const RulesSnapshot> App::rules() const { return parts_->rules.Snapshot(); }
AlertmanagersSnapshot App::alertmanagers() const { return parts_->alertmanagers.Snapshot(); }

}  // namespace tocsin::cli
