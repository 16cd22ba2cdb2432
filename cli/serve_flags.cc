#include "cli/serve_flags.h"

#include <algorithm>

#include "cli/features.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kFlags[] = {
    {.name = "--config.file",
     .value = "FILE",
     .help = "Prometheus' configuration, with the section `collectors:` beside it. Without: the "
             "host, tocsin itself, and what DATABASE_URL, REDIS_URL and CELERY_BROKER_URL name."},
    {.name = "--config.auto-reload",
     .help = "Reload when the configuration file or a rule file has changed."},
    {.name = "--config.auto-reload-interval",
     .value = "DURATION",
     .help = "Reload on changes, looking for them so often (default with --config.auto-reload: "
             "30s)."},
    {.name = "--web.listen-address",
     .value = "ADDRESS",
     .fallback = "127.0.0.1:9977",
     .help = "IPv4 address and port; port 0 is any free one."},
    {.name = "--web.external-url",
     .value = "URL",
     .help = "Where users reach the pages, for links in alerts (default: the listen address)."},
    {.name = "--web.enable-lifecycle", .help = "Allow POST /-/reload and /-/quit."},
    {.name = "--web.enable-remote-write-receiver",
     .help = "Take samples at POST /api/v1/write (remote write 1.0)."},
    {.name = "--storage.tsdb.path",
     .value = "FOLDER",
     .fallback = "data/",
     .help = "Where the state of alerts is kept over restarts."},
    {.name = "--storage.tsdb.retention.time",
     .value = "DURATION",
     .fallback = "15d",
     .help = "How long samples are kept."},
    {.name = "--storage.max-series",
     .value = "N",
     .fallback = "0",
     .help = "Take no more series than this; 0 is no limit."},
    {.name = "--query.lookback-delta",
     .value = "DURATION",
     .fallback = "5m",
     .help = "How old a sample an expression still sees."},
    {.name = "--query.timeout",
     .value = "DURATION",
     .fallback = "2m",
     .help = "How long a query may take."},
    {.name = "--query.max-concurrency",
     .value = "N",
     .fallback = "20",
     .help = "How many queries run at once."},
    {.name = "--query.max-samples",
     .value = "N",
     .fallback = "50000000",
     .help = "How many samples one query may hold in memory."},
    {.name = "--query.max-memory",
     .value = "BYTES",
     .fallback = "2147483648",
     .help = "How much memory the values of one query may take."},
    {.name = "--rules.alert.resend-delay",
     .value = "DURATION",
     .fallback = "1m",
     .help = "After which time a firing alert is sent again."},
    {.name = "--rules.alert.for-outage-tolerance",
     .value = "DURATION",
     .fallback = "1h",
     .help = "After a longer outage the state of alerts is not restored."},
    {.name = "--rules.alert.for-grace-period",
     .value = "DURATION",
     .fallback = "10m",
     .help =
         "Without a journal, only rules with at least this `for` get their state from the store."},
    {.name = "--rules.alert.restore-url",
     .value = "URL",
     .help = "A Prometheus-compatible server that is asked for the state of alerts when there is no "
             "journal."},
    {.name = "--rules.alert.resolved-retention",
     .value = "DURATION",
     .fallback = "15m",
     .help = "For how long the end of an alert is sent again."},
    {.name = "--rules.max-concurrent-evals",
     .value = "N",
     .fallback = "4",
     .help = "Threads that groups share, beside one each, for rules that do not depend on each "
             "other; 0 is one rule after the other."},
    {.name = "--rules.history",
     .value = "N",
     .fallback = "20",
     .help = "How many evaluations of each rule /api/v1/rules/history shows."},
    {.name = "--rules.without-rule-metrics",
     .help = "No figures of single rules (tocsin_rule_*), only of groups."},
    {.name = "--alertmanager.notification-queue-capacity",
     .value = "N",
     .fallback = "10000",
     .help = "How many alerts may wait for an Alertmanager."},
    {.name = "--alertmanager.notification-batch-size",
     .value = "N",
     .fallback = "256",
     .help = "How many alerts one request to an Alertmanager carries."},
    {.name = "--alertmanager.min-backoff",
     .value = "DURATION",
     .fallback = "1s",
     .help = "The pause after a request to an Alertmanager has failed; it doubles with each one."},
    {.name = "--alertmanager.max-backoff",
     .value = "DURATION",
     .fallback = "30s",
     .help = "The longest pause between two attempts."},
    {.name = "--alertmanager.drain-notification-queue-on-shutdown",
     .value = "BOOL",
     .fallback = "true",
     .help = "Whether to tell the Alertmanagers what still waits before the end, for 15s at most."},
    {.name = "--notify",
     .value = "WHERE",
     .fallback = "alertmanagers",
     .help = "Whom to tell of alerts: alertmanagers, off (nobody), print (their JSON to standard "
             "output)."},
    kEnableFeatureFlag,
    {.name = "--log.level",
     .value = "LEVEL",
     .fallback = "info",
     .help = "One of debug, info, warn, error."},
    {.name = "--log.format",
     .value = "FORMAT",
     .fallback = "logfmt",
     .help = "One of logfmt, json."},
};

Result<int64_t> Positive(std::string_view flag, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t number, arguments.IntegerOf(flag));
  if (number == 0) return InvalidArgument(std::string(flag) + ": must be more than 0");
  return number;
}

Result<Duration> PositiveDuration(std::string_view flag, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const Duration duration, arguments.DurationOf(flag));
  if (duration <= Duration::zero()) {
    return InvalidArgument(std::string(flag) + ": must be more than 0");
  }
  return duration;
}

// How often to look for changes: 0 for never.
Result<Duration> ReadAutoReload(const Arguments& arguments) {
  if (!arguments.Text("--config.auto-reload-interval").empty()) {
    return PositiveDuration("--config.auto-reload-interval", arguments);
  }
  const bool asked = arguments.Switch("--config.auto-reload") ||
                     HasFeature(arguments.All("--enable-feature"), "auto-reload-config");
  return asked ? std::chrono::seconds(30) : Duration::zero();
}

Result<promql::EngineOptions> ReadEngineFlags(const Arguments& arguments) {
  ASSIGN_OR_RETURN(promql::EngineOptions engine, ParseFeatures(arguments.All("--enable-feature")));
  ASSIGN_OR_RETURN(const Duration lookback, PositiveDuration("--query.lookback-delta", arguments));
  engine.lookback_ms = lookback.count();
  ASSIGN_OR_RETURN(engine.timeout, PositiveDuration("--query.timeout", arguments));
  ASSIGN_OR_RETURN(const int64_t concurrency, Positive("--query.max-concurrency", arguments));
  engine.max_concurrent = static_cast<size_t>(concurrency);
  ASSIGN_OR_RETURN(const int64_t samples, Positive("--query.max-samples", arguments));
  engine.max_samples = static_cast<size_t>(samples);
  ASSIGN_OR_RETURN(const int64_t memory, Positive("--query.max-memory", arguments));
  engine.max_memory_bytes = static_cast<size_t>(memory);
  return engine;
}

struct NotifyWord {
  std::string_view word;
  NotifyMode mode;
};
constexpr NotifyWord kNotifyWords[] = {
    {"alertmanagers", NotifyMode::kAlertmanagers},
    {"off", NotifyMode::kOff},
    {"print", NotifyMode::kPrint},
};

Status ReadNotificationFlags(const Arguments& arguments, AppOptions& app) {
  constexpr std::string_view kDrain = "--alertmanager.drain-notification-queue-on-shutdown";
  ASSIGN_OR_RETURN(const int64_t capacity,
                   Positive("--alertmanager.notification-queue-capacity", arguments));
  app.notifications.queue_capacity = static_cast<size_t>(capacity);
  ASSIGN_OR_RETURN(const int64_t batch,
                   Positive("--alertmanager.notification-batch-size", arguments));
  app.notifications.batch_size = static_cast<size_t>(batch);
  ASSIGN_OR_RETURN(app.notifications.min_backoff,
                   PositiveDuration("--alertmanager.min-backoff", arguments));
  ASSIGN_OR_RETURN(app.notifications.max_backoff,
                   PositiveDuration("--alertmanager.max-backoff", arguments));
  const std::string& drain = arguments.Text(kDrain);
  if (drain != "true" && drain != "false") {
    return InvalidArgument(std::string(kDrain) + ": \"" + drain + "\" is neither true nor false");
  }
  app.drain_notifications = drain == "true";
  const std::string& where = arguments.Text("--notify");
  const auto* const row = std::ranges::find(kNotifyWords, where, &NotifyWord::word);
  if (row == std::end(kNotifyWords)) {
    return InvalidArgument("--notify: \"" + where + "\" is none of alertmanagers, off, print");
  }
  app.notifications.mode = row->mode;
  return Ok();
}

// As /api/v1/status/flags shows them: without dashes, sorted; a switch is true or false.
std::vector<std::pair<std::string, std::string>> FlagValues(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const FlagSpec& flag : kFlags) {
    std::string value;
    if (flag.repeated) {
      for (const std::string& one : arguments.All(flag.name)) {
        value += (value.empty() ? "" : ",") + one;
      }
    } else if (flag.value.empty()) {
      value = arguments.Switch(flag.name) ? "true" : "false";
    } else {
      value = arguments.Text(flag.name);
    }
    values.emplace_back(flag.name.substr(2), std::move(value));
  }
  std::ranges::sort(values);
  return values;
}

Status CheckExternalUrl(const std::string& url) {
  if (url.empty() || url.starts_with("http://") || url.starts_with("https://")) return Ok();
  return InvalidArgument("--web.external-url: \"" + UrlWithoutSecrets(url) +
                         "\" must begin with http:// or https://");
}

}  // namespace

std::span<const FlagSpec> ServeFlags() { return kFlags; }

Result<ServeOptions> ReadServeFlags(const Arguments& arguments) {
  ServeOptions options;
  AppOptions& app = options.app;
  app.config_file = arguments.Text("--config.file");
  ASSIGN_OR_RETURN(app.auto_reload_interval, ReadAutoReload(arguments));
  app.listen_address = arguments.Text("--web.listen-address");
  app.external_url = arguments.Text("--web.external-url");
  RETURN_IF_ERROR(CheckExternalUrl(app.external_url));
  app.storage_path = arguments.Text("--storage.tsdb.path");
  app.lifecycle = arguments.Switch("--web.enable-lifecycle");
  app.remote_write_receiver = arguments.Switch("--web.enable-remote-write-receiver");
  ASSIGN_OR_RETURN(app.retention, PositiveDuration("--storage.tsdb.retention.time", arguments));
  ASSIGN_OR_RETURN(const int64_t max_series, arguments.IntegerOf("--storage.max-series"));
  app.max_series = static_cast<size_t>(max_series);
  ASSIGN_OR_RETURN(app.resend_delay, arguments.DurationOf("--rules.alert.resend-delay"));
  ASSIGN_OR_RETURN(app.outage_tolerance,
                   arguments.DurationOf("--rules.alert.for-outage-tolerance"));
  ASSIGN_OR_RETURN(app.for_grace_period, arguments.DurationOf("--rules.alert.for-grace-period"));
  app.restore_url = arguments.Text("--rules.alert.restore-url");
  if (app.restore_url.ends_with('/')) app.restore_url.pop_back();
  ASSIGN_OR_RETURN(app.resolved_retention,
                   arguments.DurationOf("--rules.alert.resolved-retention"));
  ASSIGN_OR_RETURN(const int64_t evals, arguments.IntegerOf("--rules.max-concurrent-evals"));
  app.max_concurrent_evals = static_cast<size_t>(evals);
  ASSIGN_OR_RETURN(const int64_t history, arguments.IntegerOf("--rules.history"));
  app.rule_history = static_cast<size_t>(history);
  app.rule_metrics = !arguments.Switch("--rules.without-rule-metrics");
  RETURN_IF_ERROR(ReadNotificationFlags(arguments, app));
  ASSIGN_OR_RETURN(app.engine, ReadEngineFlags(arguments));
  ASSIGN_OR_RETURN(options.log_level, ParseLogLevel(arguments.Text("--log.level")));
  ASSIGN_OR_RETURN(options.log_format, ParseLogFormat(arguments.Text("--log.format")));
  app.flags = FlagValues(arguments);
  return options;
}

}  // namespace tocsin::cli
