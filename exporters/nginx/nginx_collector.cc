#include "exporters/nginx/nginx_collector.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "base/file_tail.h"
#include "exporters/nginx/access_log.h"
#include "exporters/nginx/nginx_families.h"
#include "exporters/nginx/request_counts.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

// Lines of an access log that one collection reads, as a share of its time.
constexpr int kLogShare = 2;

class NginxCollector final : public Collector {
 public:
  NginxCollector(const NginxConfig& config, HttpClient& http)
      : config_(config), http_(http), reader_(AccessLogReader::Make(config.log_format)) {
    if (!config.access_log.empty()) tail_.emplace(config.access_log);
  }

  Status Collect(CollectContext& context, MetricSink& sink) override {
    if (tail_) RETURN_IF_ERROR(CollectLog(context, sink));
    if (config_.stub_status_url.empty()) return Ok();
    return CollectStubStatus(context, sink);
  }

  void Cancel() override { canceled_ = true; }

 private:
  Status CollectStubStatus(CollectContext& context, MetricSink& sink) {
    const SteadyTime start = context.clock.Steady();
    HttpRequest request;
    request.url = config_.stub_status_url;
    request.timeout = std::max(std::chrono::duration_cast<Duration>(context.deadline - start),
                               Duration(std::chrono::milliseconds(1)));
    request.max_body_bytes = 64 << 10;
    request.canceled = [this] { return canceled_.load(); };
    const std::string shown = UrlWithoutSecrets(config_.stub_status_url);
    ASSIGN_OR_RETURN(const HttpResponse response, http_.Fetch(request));
    context.Step("GET " + shown, start, 1);
    if (response.status != 200) {
      return Unavailable(shown + ": status " + std::to_string(response.status));
    }
    const Result<NginxStatus> status = ParseNginxStatus(response.body);
    if (!status.ok()) return Prefixed(shown + ": ", status.error());
    sink.Write(NginxFamily("nginx_connections_accepted"), status->accepted);
    sink.Write(NginxFamily("nginx_connections_active"), status->active);
    sink.Write(NginxFamily("nginx_connections_handled"), status->handled);
    sink.Write(NginxFamily("nginx_connections_reading"), status->reading);
    sink.Write(NginxFamily("nginx_connections_waiting"), status->waiting);
    sink.Write(NginxFamily("nginx_connections_writing"), status->writing);
    // A total and its parts in one family would make every sum of it twice as large.
    sink.Write(tail_ ? NginxFamily("nginx_stub_status_http_requests_total")
                     : NginxFamily("nginx_http_requests_total"),
               status->requests);
    return Ok();
  }

  // A log that cannot be read is a failure only where there is nothing else to tell of.
  Status CollectLog(CollectContext& context, MetricSink& sink) {
    const SteadyTime start = context.clock.Steady();
    const Status read = ReadLog(context);
    context.Step("read " + config_.access_log, start, static_cast<size_t>(lines_),
                 read.ok() ? "" : read.error().message);
    if (!read.ok()) {
      if (config_.stub_status_url.empty()) return read;
      context.problems.push_back(read.error().message);
    }
    counts_.Write(sink);
    sink.Write(NginxFamily("nginx_access_log_bytes_behind"), behind_);
    sink.Write(NginxFamily("nginx_access_log_lines_total"), lines_);
    sink.Write(NginxFamily("nginx_access_log_rotations_total"), rotations_);
    sink.Write(NginxFamily("nginx_access_log_unparsed_lines_total"), unparsed_);
    return Ok();
  }

  Status ReadLog(CollectContext& context) {
    if (!reader_.ok()) return reader_.error();
    const SteadyTime start = context.clock.Steady();
    const SteadyTime until = start + (context.deadline - start) / kLogShare;
    const FileTail::Limits limits = {
        .enough = [&] { return canceled_.load() || context.clock.Steady() >= until; }};
    ASSIGN_OR_RETURN(const FileTail::Progress progress,
                     tail_->Read(limits, [this](std::string_view line) {
                       const std::optional<LoggedRequest> request = reader_->Read(line);
                       if (request) {
                         counts_.Add(*request);
                       } else {
                         ++unparsed_;
                       }
                     }));
    lines_ += static_cast<double>(progress.lines);
    unparsed_ += static_cast<double>(progress.dropped_lines);
    rotations_ += static_cast<double>(progress.rotations);
    behind_ = static_cast<double>(progress.bytes_left);
    return Ok();
  }

  const NginxConfig config_;
  HttpClient& http_;
  Result<AccessLogReader> reader_;
  std::optional<FileTail> tail_;
  RequestCounts counts_;
  double lines_ = 0;
  double unparsed_ = 0;
  double rotations_ = 0;
  double behind_ = 0;
  std::atomic<bool> canceled_ = false;
};

// host:port of a URL.
std::string Host(const std::string& url) {
  const size_t begin = url.find("://");
  const std::string rest = begin == std::string::npos ? url : url.substr(begin + 3);
  const std::string authority = rest.substr(0, rest.find('/'));
  return authority.substr(authority.rfind('@') + 1);
}

std::vector<CollectorTarget> Targets(const Config& config, const std::string& /*own_instance*/) {
  std::vector<CollectorTarget> targets;
  for (const NginxConfig& written : config.collectors.nginx) {
    auto nginx = std::make_shared<NginxConfig>(written);
    const std::string host =
        written.stub_status_url.empty() ? "localhost" : Host(written.stub_status_url);
    if (nginx->job.empty()) nginx->job = "nginx";
    if (nginx->instance.empty()) nginx->instance = host;
    targets.push_back({.config = std::move(nginx), .url = "tocsin://nginx/" + host});
  }
  return targets;
}

std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  return std::make_unique<NginxCollector>(static_cast<const NginxConfig&>(config),
                                          dependencies.http);
}

}  // namespace

// Active connections: 1
// server accepts handled requests
//  5 5 7
// Reading: 0 Writing: 1 Waiting: 0
Result<NginxStatus> ParseNginxStatus(std::string_view page) {
  std::vector<std::vector<std::string_view>> lines;
  while (const auto line = TakeLine(page)) lines.push_back(Fields(*line));
  const bool fits = lines.size() >= 4 && lines[0].size() == 3 && lines[0][0] == "Active" &&
                    lines[2].size() >= 3 && lines[3].size() == 6 && lines[3][0] == "Reading:";
  if (!fits) return InvalidArgument("this is no stub_status page");
  return NginxStatus{.active = NumberOrZero(lines[0][2]),
                     .accepted = NumberOrZero(lines[2][0]),
                     .handled = NumberOrZero(lines[2][1]),
                     .requests = NumberOrZero(lines[2][2]),
                     .reading = NumberOrZero(lines[3][1]),
                     .writing = NumberOrZero(lines[3][3]),
                     .waiting = NumberOrZero(lines[3][5])};
}

CollectorSpec NginxCollectorSpec() {
  return {.name = "nginx",
          .help = "nginx: connections and requests, from its stub_status page and its access log.",
          .up = "nginx_up",
          .families = kNginxFamilies,
          .targets = Targets,
          .make = Make,
          .equal = SameConfig<NginxConfig>};
}

}  // namespace tocsin
