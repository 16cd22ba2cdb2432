#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>

#include "base/elastic_pool.h"
#include "base/mapped_file.h"
#include "cli/allocator.h"
#include "cli/build_info.h"
#include "cli/commands.h"
#include "cli/serve_flags.h"
#include "cli/signals.h"
#include "server/active_query_log.h"
#include "server/http_server.h"

namespace tocsin::cli {
namespace {

// Collections and sending wait for others most of the time.
constexpr size_t kIoThreads = 12;
// A group whose query hangs keeps a thread until the query's timeout.
constexpr size_t kRuleThreads = 64;

std::string WorkingDirectory() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

// What others can reach: the host's name where the server listens on all addresses.
std::string ExternalUrl(const std::string& address) {
  constexpr std::string_view kAll = "0.0.0.0:";
  if (!address.starts_with(kAll)) return "http://" + address;
  char name[256] = "localhost";
  ::gethostname(name, sizeof(name) - 1);
  return "http://" + std::string(name) + ":" + address.substr(kAll.size());
}

// In [0, 1), from any thread.
std::function<double()> RandomJitter() {
  struct Source {
    std::mutex mutex;
    std::minstd_rand engine{std::random_device()()};
  };
  return [source = std::make_shared<Source>()] {
    const std::lock_guard lock(source->mutex);
    return std::generate_canonical<double, 32>(source->engine);
  };
}

// Whole lines, from any thread.
std::function<void(std::string_view)> Printer(CommandContext& context) {
  const auto mutex = std::make_shared<std::mutex>();
  return [&context, mutex](std::string_view line) {
    const std::lock_guard lock(*mutex);
    context.out(line);
  };
}

// Serves until a signal or a request ends it.
int ServeUntilStopped(App& app, Signals& signals, CommandContext& context, Logger& log) {
  context.out(app.Describe());
  log.Info("started", {{"version", BuildVersion()}, {"revision", BuildRevision()}});
  ReleaseStartupMemory();
  while (signals.Wait() == Signals::Kind::kReload) {
    // Why a reload failed stands in the log; the old configuration stays in force.
    (void)app.Reload();
  }
  log.Info("stopping");
  return kExitOk;
}

// Queries that run and queries that wait leave threads for everything else.
int ServerThreads(const promql::EngineOptions& engine) {
  constexpr size_t kForOthers = 12;
  constexpr size_t kMost = 1000;
  return static_cast<int>(std::min(2 * engine.max_concurrent + kForOthers, kMost));
}

// The queries that run, in a file beside the state of alerts.
struct ActiveQueries {
  std::unique_ptr<MappedFile> file;
  std::unique_ptr<server::ActiveQueryLog> log;
};

// Tells what an earlier run did not finish. Without the file queries run all the same.
ActiveQueries OpenActiveQueries(const AppOptions& options, CommandContext& context, Logger& log) {
  ActiveQueries active;
  const std::string path = options.storage_path + "/queries.active";
  const Result<std::string> before = context.files.Read(path);
  if (before.ok()) {
    for (const server::UnfinishedQuery& query : server::UnfinishedQueries(*before)) {
      log.Warn(
          "a query had not finished when the process ended",
          {{"query", query.query}, {"started", FormatRfc3339(FromMs(query.started_s * 1000))}});
    }
  }
  Result<std::unique_ptr<MappedFile>> file =
      MappedFile::Create(path, server::ActiveQueryLog::SizeFor(options.engine.max_concurrent));
  if (!file.ok()) {
    log.Warn("queries that run are not noted", {{"err", file.error().message}});
    return active;
  }
  active.file = *std::move(file);
  active.log = std::make_unique<server::ActiveQueryLog>(active.file->bytes(), context.clock);
  return active;
}

int Serve(ServeOptions options, CommandContext& context) {
  const std::unique_ptr<Logger> log = MakeStderrLogger(options.log_level, options.log_format);
  auto signals = std::make_unique<Signals>();
  ThreadScheduler scheduler;
  ThreadPool io("tocsin-io", kIoThreads);
  ThreadPool cpu("tocsin-cpu", std::max(2U, std::thread::hardware_concurrency()));
  ElasticPool rules("tocsin-rules", kRuleThreads);

  // The server stands first: a taken address ends the start, and the real port is known.
  std::atomic<const App*> running = nullptr;
  const auto handler = [&running](const server::HttpServerRequest& request) {
    const App* const app = running;
    if (app == nullptr) return server::PlainText(503, "tocsin is not ready yet.\n");
    return app->Handle(request);
  };
  Result<std::unique_ptr<server::HttpServer>> http_server = server::HttpServer::Start(
      {.listen_address = options.app.listen_address, .threads = ServerThreads(options.app.engine)},
      handler, *log);
  if (!http_server.ok()) {
    context.err("tocsin serve: " + http_server.error().message + "\n");
    return kExitNo;
  }
  options.app.listen_address = (*http_server)->address();
  if (options.app.external_url.empty()) {
    options.app.external_url = ExternalUrl(options.app.listen_address);
  }
  options.app.working_directory = WorkingDirectory();
  ActiveQueries active = OpenActiveQueries(options.app, context, *log);

  options.app.notifications.print = Printer(context);
  const std::unique_ptr<DnsResolver> dns = MakeSystemResolver();
  App app(std::move(options.app), {.clock = context.clock,
                                   .scheduler = scheduler,
                                   .io = io,
                                   .cpu = cpu,
                                   .http = context.http,
                                   .files = context.files,
                                   .log = *log,
                                   .dns = *dns,
                                   .environment = context.environment,
                                   .jitter = RandomJitter(),
                                   .quit = [&signals] { signals->RequestStop(); },
                                   .rules = &rules,
                                   .query_watcher = active.log.get()});
  const Status started = app.Start();
  int code = kExitNo;
  if (started.ok()) {
    running = &app;
    code = ServeUntilStopped(app, *signals, context, *log);
  } else {
    context.err("tocsin serve: " + started.error().message + "\n");
  }
  http_server->reset();
  signals.reset();  // a second Ctrl-C ends a long drain
  app.Stop();
  return code;
}

int RunServe(const Arguments& arguments, CommandContext& context) {
  Result<ServeOptions> options = ReadServeFlags(arguments);
  if (!options.ok()) {
    context.err("tocsin serve: " + options.error().message + "\n");
    return kExitUsage;
  }
  return Serve(*std::move(options), context);
}

}  // namespace

const CommandSpec kServeCommand = {
    .name = "serve",
    .summary = "Collect, store, judge by rules, tell Alertmanager; until SIGTERM.",
    .flags = ServeFlags(),
    .examples =
        "tocsin serve\n"
        "DATABASE_URL=postgresql://user:password@db/app tocsin serve\n"
        "tocsin serve --config.file=prometheus.yml --web.listen-address=:9977\n"
        "kill -HUP $(pidof tocsin)    # reload the configuration and the rules",
    .run = &RunServe,
};

}  // namespace tocsin::cli
