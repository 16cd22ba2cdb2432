#include "exporters/nginx/nginx_collector.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "exporters/family_index.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

// Sorted by name.
constexpr FamilySpec kNginxFamilies[] = {
    {.name = "nginx_connections_accepted",
     .type = MetricType::kCounter,
     .help = "Accepted client connections.",
     .source = "stub_status"},
    {.name = "nginx_connections_active",
     .type = MetricType::kGauge,
     .help = "Active client connections.",
     .source = "stub_status"},
    {.name = "nginx_connections_handled",
     .type = MetricType::kCounter,
     .help = "Handled client connections.",
     .source = "stub_status"},
    {.name = "nginx_connections_reading",
     .type = MetricType::kGauge,
     .help = "Connections where nginx is reading the request header.",
     .source = "stub_status"},
    {.name = "nginx_connections_waiting",
     .type = MetricType::kGauge,
     .help = "Idle client connections.",
     .source = "stub_status"},
    {.name = "nginx_connections_writing",
     .type = MetricType::kGauge,
     .help = "Connections where nginx is writing the response back to the client.",
     .source = "stub_status"},
    {.name = "nginx_http_requests_total",
     .type = MetricType::kCounter,
     .help = "Total http requests.",
     .source = "stub_status"},
    {.name = "nginx_up",
     .type = MetricType::kGauge,
     .help = "Whether the last collection reached the server.",
     .source = "stub_status"},
};

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kNginxFamilies, name); }

class NginxCollector final : public Collector {
 public:
  NginxCollector(std::string url, HttpClient& http) : url_(std::move(url)), http_(http) {}

  Status Collect(CollectContext& context, MetricSink& sink) override {
    const auto left =
        std::chrono::duration_cast<Duration>(context.deadline - context.clock.Steady());
    HttpRequest request;
    request.url = url_;
    request.timeout = std::max(left, Duration(1));
    request.max_body_bytes = 64 << 10;
    request.canceled = [this] { return canceled_.load(); };
    ASSIGN_OR_RETURN(const HttpResponse response, http_.Fetch(request));
    if (response.status != 200) {
      return Unavailable(UrlWithoutSecrets(url_) + ": status " + std::to_string(response.status));
    }
    ASSIGN_OR_RETURN(const NginxStatus status, ParseNginxStatus(response.body));
    sink.Write(Family("nginx_connections_accepted"), status.accepted);
    sink.Write(Family("nginx_connections_active"), status.active);
    sink.Write(Family("nginx_connections_handled"), status.handled);
    sink.Write(Family("nginx_connections_reading"), status.reading);
    sink.Write(Family("nginx_connections_waiting"), status.waiting);
    sink.Write(Family("nginx_connections_writing"), status.writing);
    sink.Write(Family("nginx_http_requests_total"), status.requests);
    return Ok();
  }

  void Cancel() override { canceled_ = true; }

 private:
  const std::string url_;
  HttpClient& http_;
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
    const std::string host = Host(written.stub_status_url);
    if (nginx->job.empty()) nginx->job = "nginx";
    if (nginx->instance.empty()) nginx->instance = host;
    targets.push_back({.config = std::move(nginx), .url = "tocsin://nginx/" + host});
  }
  return targets;
}

std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  return std::make_unique<NginxCollector>(static_cast<const NginxConfig&>(config).stub_status_url,
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
          .help = "nginx: connections and requests, from its stub_status page.",
          .up = "nginx_up",
          .families = kNginxFamilies,
          .targets = Targets,
          .make = Make,
          .equal = SameConfig<NginxConfig>};
}

}  // namespace tocsin
