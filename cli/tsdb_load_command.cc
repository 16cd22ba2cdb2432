// tsdb load and tsdb backfill: samples of files, and what recording rules make of history, into a
// server by remote write.
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>
#include <variant>

#include "cli/commands.h"
#include "cli/features.h"
#include "cli/findings_report.h"
#include "cli/history_source.h"
#include "cli/http_config_file.h"
#include "cli/progress.h"
#include "cli/server_client.h"
#include "engine/storage/remote_write.h"
#include "rules/rule_file.h"

namespace tocsin::cli {
namespace {

constexpr FlagSpec kLoadFlags[] = {
    {.name = "--server",
     .value = "URL",
     .fallback = "http://127.0.0.1:9977",
     .help = "Where the samples go; it needs --web.enable-remote-write-receiver."},
    kHttpConfigFileFlag,
    kReportFormatFlag,
};

constexpr FlagSpec kBackfillFlags[] = {
    {.name = "--server",
     .value = "URL",
     .fallback = "http://127.0.0.1:9977",
     .help = "What is asked, and where the results go; it needs "
             "--web.enable-remote-write-receiver."},
    {.name = "--from", .value = "TIME", .help = "RFC 3339, seconds or -24h (default: -1h)."},
    {.name = "--to", .value = "TIME", .help = "RFC 3339, seconds, -1h or now (default: now)."},
    {.name = "--step",
     .value = "DURATION",
     .help = "Between evaluations (default: the group's interval)."},
    {.name = "--interval",
     .value = "DURATION",
     .fallback = "1m",
     .help = "The interval of groups that say none."},
    kInputFlag,
    kHttpConfigFileFlag,
    kEnableFeatureFlag,
    kReportFormatFlag,
};

// Remote write in requests of a bounded size.
class Sender {
 public:
  Sender(std::string server, const HttpClientConfig& config, CommandContext& context)
      : url_(NormalServerUrl(std::move(server)) + "/api/v1/write"),
        config_(config),
        context_(context) {}

  Status Add(const LabelSet& labels, std::span<const std::pair<int64_t, double>> samples) {
    while (!samples.empty()) {
      const size_t fits = std::min(samples.size(), kBatch - pending_);
      batch_.push_back({.labels = labels, .samples = {samples.begin(), samples.begin() + fits}});
      samples = samples.subspan(fits);
      pending_ += fits;
      if (pending_ < kBatch) continue;
      RETURN_IF_ERROR(Flush());
    }
    return Ok();
  }

  Status Flush() {
    if (batch_.empty()) return Ok();
    HttpRequest request;
    request.method = "POST";
    request.url = url_;
    request.headers = {{"Content-Type", "application/x-protobuf"},
                       {"Content-Encoding", "snappy"},
                       {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
    request.body = EncodeRemoteWrite(batch_);
    ApplyHttpConfig(config_, request);
    ASSIGN_OR_RETURN(const HttpResponse response, context_.http.Fetch(request));
    if (response.status / 100 != 2) {
      std::string said = response.body.substr(0, response.body.find('\n'));
      return ExecutionError(
          fmt::format("{}: status {}: {}", UrlWithoutSecrets(url_), response.status, said));
    }
    sent_ += pending_;
    pending_ = 0;
    batch_.clear();
    return Ok();
  }

  size_t sent() const { return sent_; }  // samples

 private:
  static constexpr size_t kBatch = 10'000;

  const std::string url_;
  const HttpClientConfig& config_;
  CommandContext& context_;
  std::vector<WrittenSeries> batch_;
  size_t pending_ = 0;
  size_t sent_ = 0;
};

int Finish(const Status& status, std::string_view command, const Sender& sender,
           FindingsReport& report) {
  report.AddMember("samples", std::to_string(sender.sent()));
  if (!status.ok()) {
    const std::string& message = status.error().message;
    report.AddAs({.check = "tsdb/load",
                  .message = message,
                  .explanation = fmt::format("{} samples were sent before", sender.sent())},
                 fmt::format("tocsin {}: {}\n{} samples were sent before\n", command, message,
                             sender.sent()));
    return report.Finish();
  }
  report.Say(fmt::format("{} samples sent\n", sender.sent()));
  return report.Finish();
}

Status Load(const std::vector<std::string>& paths, Sender& sender, CommandContext& context) {
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::vector<WrittenSeries> series, ReadSampleFile(path, context));
    Progress progress(path, series.size(), context);
    for (const WrittenSeries& each : series) {
      RETURN_IF_ERROR(sender.Add(each.labels, each.samples));
      progress.Advance();
    }
  }
  return sender.Flush();
}

int RunTsdbLoad(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("tsdb load", arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<HttpClientConfig> config = ReadHttpConfigFile(arguments, context);
  if (!config.ok()) {
    context.err("tocsin tsdb load: " + config.error().message + "\n");
    return kExitUsage;
  }
  Sender sender(arguments.Text("--server"), *config, context);
  const Status loaded = Load(arguments.positional(), sender, context);
  return Finish(loaded, "tsdb load", sender, *report);
}

// What is evaluated, and over which times.
struct Backfill {
  promql::EngineOptions engine;
  std::vector<RuleGroupSpec> groups;
  History history;
  Timestamp from{};
  Timestamp to{};
  std::optional<Duration> step;
};

Result<Backfill> ReadBackfill(const Arguments& arguments, CommandContext& context) {
  Backfill backfill;
  ASSIGN_OR_RETURN(backfill.engine, ParseFeatures(arguments.All("--enable-feature")));
  RuleDefaults defaults{.parser = backfill.engine.parser};
  ASSIGN_OR_RETURN(defaults.interval, arguments.DurationOf("--interval"));
  for (const std::string& path : arguments.positional()) {
    ASSIGN_OR_RETURN(const std::string text, context.files.Read(path));
    ASSIGN_OR_RETURN(std::vector<RuleGroupSpec> groups, ParseRuleFile(path, text, defaults));
    std::ranges::move(groups, std::back_inserter(backfill.groups));
  }
  ASSIGN_OR_RETURN(backfill.history, OpenHistory(arguments, context));
  const auto time = [&](std::string_view flag, Timestamp fallback) -> Result<Timestamp> {
    if (!arguments.Given(flag)) return fallback;
    Result<Timestamp> at = ParseTimeArgument(arguments.Text(flag), context.clock.Now());
    return at.ok() ? at : Prefixed(std::string(flag) + ": ", at.error());
  };
  ASSIGN_OR_RETURN(backfill.from, time("--from", backfill.history.first));
  ASSIGN_OR_RETURN(backfill.to, time("--to", backfill.history.last));
  if (backfill.to < backfill.from) return InvalidArgument("--to lies before --from");
  if (arguments.Given("--step")) {
    ASSIGN_OR_RETURN(backfill.step, arguments.DurationOf("--step"));
    if (*backfill.step <= Duration::zero()) {
      return InvalidArgument("--step: it must be longer than nothing");
    }
  }
  return backfill;
}

// The results of one recording rule, at multiples of the step as promtool evaluates them.
Status Evaluate(const RuleSpec& rule, Duration step, const Backfill& backfill,
                const promql::Engine& engine, Sender& sender) {
  const int64_t step_ms = step.count();
  const int64_t first = ToMs(backfill.from) / step_ms * step_ms;
  ASSIGN_OR_RETURN(
      const promql::QueryResult result,
      engine.Range(*rule.query, *backfill.history.querier, first, ToMs(backfill.to), step_ms));
  const auto* matrix = std::get_if<promql::MatrixValue>(&result.value);
  if (matrix == nullptr) return ExecutionError("the rule gives no series");
  for (const promql::MatrixElement& series : *matrix) {
    LabelSet labels = series.labels;
    labels.Set(kMetricName, rule.name);
    for (const auto& [name, value] : rule.label_overrides) labels.Set(name, value);
    std::vector<std::pair<int64_t, double>> samples;
    for (const promql::Point& point : series.points) {
      if (point.histogram != nullptr) return ExecutionError("native histograms cannot be sent");
      samples.emplace_back(point.t_ms, point.value);
    }
    RETURN_IF_ERROR(sender.Add(labels, samples));
  }
  return Ok();
}

// Each rule once; what a rule writes is sent before the next one is evaluated, which may read it.
Status Run(const Backfill& backfill, Sender& sender, CommandContext& context) {
  const promql::Engine engine(backfill.engine, context.clock, nullptr);
  size_t rules = 0;
  for (const RuleGroupSpec& group : backfill.groups) rules += group.rules.size();
  Progress progress("backfill", rules, context);
  for (const RuleGroupSpec& group : backfill.groups) {
    for (const RuleSpec& rule : group.rules) {
      progress.Advance();
      if (rule.alerting) continue;
      const Status done =
          Evaluate(rule, backfill.step.value_or(group.interval), backfill, engine, sender);
      if (!done.ok()) {
        return Prefixed(fmt::format("{}:{}: {}: ", group.file, rule.line, rule.name), done.error());
      }
      RETURN_IF_ERROR(sender.Flush());
    }
  }
  return Ok();
}

int RunTsdbBackfill(const Arguments& arguments, CommandContext& context) {
  Result<FindingsReport> report = OpenReport("tsdb backfill", arguments, context);
  if (!report.ok()) return kExitUsage;
  const Result<HttpClientConfig> config = ReadHttpConfigFile(arguments, context);
  const Result<Backfill> backfill = ReadBackfill(arguments, context);
  if (!config.ok() || !backfill.ok()) {
    context.err("tocsin tsdb backfill: " +
                (config.ok() ? backfill.error() : config.error()).message + "\n");
    return kExitUsage;
  }
  Sender sender(arguments.Text("--server"), *config, context);
  const Status done = Run(*backfill, sender, context);
  return Finish(done, "tsdb backfill", sender, *report);
}

}  // namespace

const CommandSpec kTsdbLoadCommand = {
    .name = "tsdb load",
    .summary = "Send samples of OpenMetrics files to a server by remote write.",
    .positional = "FILE...",
    .flags = kLoadFlags,
    .examples =
        "tocsin tsdb load day.om\n"
        "tocsin tsdb load --server=http://prometheus:9090 day.om",
    .run = &RunTsdbLoad,
};

const CommandSpec kTsdbBackfillCommand = {
    .name = "tsdb backfill",
    .summary = "Evaluate recording rules over the past and send the results to a server.",
    .positional = "FILE...",
    .flags = kBackfillFlags,
    .examples =
        "tocsin tsdb backfill --from=-6h recording_rules.yml\n"
        "tocsin tsdb backfill --input=day.om --server=http://127.0.0.1:9977 recording_rules.yml",
    .run = &RunTsdbBackfill,
};

}  // namespace tocsin::cli
