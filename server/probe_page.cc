// GET /probe?module=http&target=https://example.org/: one look at an endpoint, for a Prometheus
// whose configuration was written for blackbox_exporter. Off unless `collectors.probe_allow` has a
// pattern for the target: otherwise it would be a way into the network for everybody.
#include <algorithm>
#include <atomic>

#include "engine/exposition/negotiation.h"
#include "engine/exposition/writer.h"
#include "exporters/probe/probe.h"
#include "exporters/text_scan.h"
#include "server/api_handlers.h"

namespace tocsin::server {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(10);
// What Prometheus' own timeout leaves for the way back.
constexpr double kMarginSeconds = 0.5;
constexpr int kMaxInFlight = 8;

// Modules by the names that blackbox_exporter's example configuration uses, and by short ones; what
// a target without a scheme is taken for.
struct Module {
  std::string_view name;
  std::string_view scheme;
};
constexpr Module kModules[] = {
    {"http", "http://"},       {"http_2xx", "http://"}, {"https", "https://"},    {"tcp", "tcp://"},
    {"tcp_connect", "tcp://"}, {"tls", "tls://"},       {"tls_connect", "tls://"}};

// Writes samples as a page.
class PageSink final : public MetricSink {
 public:
  PageSink(ExpositionFormat format, std::string& page) : writer_(format, page) {}
  void Write(const FamilySpec& family, std::span<const LabelView> labels, double value) override {
    WriteSuffixed(family, {}, labels, value);
  }
  void WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                     std::span<const LabelView> labels, double value) override {
    if (family.name != family_) writer_.Family(family.name, family.type, family.help);
    family_ = family.name;
    writer_.Sample(std::string(family.name).append(suffix), labels, value);
  }
  void Finish() { writer_.Finish(); }

 private:
  ExpositionWriter writer_;
  std::string_view family_;
};

class InFlight {
 public:
  explicit InFlight(std::atomic<int>& count) : count_(count), number_(++count) {}
  ~InFlight() { --count_; }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  bool TooMany() const { return number_ > kMaxInFlight; }

 private:
  std::atomic<int>& count_;
  const int number_;
};

Duration TimeLimit(const HttpServerRequest& request) {
  const std::string header(request.Header("x-prometheus-scrape-timeout-seconds"));
  const std::optional<double> seconds = ReadNumber(header);
  if (!seconds || !(*seconds > 0)) return kTimeout;
  const double left = *seconds > 2 * kMarginSeconds ? *seconds - kMarginSeconds : *seconds / 2;
  return std::min(kTimeout, FromSeconds(left));
}

Result<ProbeConfig> ReadTarget(const HttpServerRequest& request) {
  ProbeConfig probe;
  probe.target = request.parameters.Get("target");
  if (probe.target.empty()) return InvalidArgument("parameter \"target\" is missing");
  const std::string_view name =
      request.parameters.Has("module") ? request.parameters.Get("module") : "http";
  const auto* module = std::ranges::find(kModules, name, &Module::name);
  if (module == std::end(kModules)) {
    std::string text = "unknown module \"" + std::string(name) + "\"; there are:";
    for (const Module& known : kModules) text += " " + std::string(known.name);
    return InvalidArgument(std::move(text));
  }
  if (probe.target.find("://") == std::string::npos) probe.target.insert(0, module->scheme);
  const bool known_scheme = std::ranges::any_of(
      kModules, [&](const Module& known) { return probe.target.starts_with(known.scheme); });
  if (!known_scheme) {
    return InvalidArgument("a target begins with http://, https://, tcp:// or tls://");
  }
  return probe;
}

}  // namespace

HttpServerResponse HandleProbe(const ProcessView& view, const HttpServerRequest& request) {
  static std::atomic<int> in_flight = 0;
  const std::shared_ptr<const Config> config = view.config();
  if (view.http == nullptr || config->collectors.probe_allow.empty()) {
    return PlainText(404,
                     "probing on request is off; list the targets that may be asked for in "
                     "collectors.probe_allow\n");
  }
  Result<ProbeConfig> probe = ReadTarget(request);
  if (!probe.ok()) return PlainText(400, probe.error().message + "\n");
  if (!MayProbe(probe->target, config->collectors.probe_allow)) {
    return PlainText(403, "no pattern of collectors.probe_allow fits this target\n");
  }
  // A redirect could lead to what the patterns keep out.
  probe->http.follow_redirects = false;
  const InFlight running(in_flight);
  if (running.TooMany()) return PlainText(429, "too many probes at the same time\n");
  CollectContext context{.clock = view.clock, .deadline = view.clock.Steady() + TimeLimit(request)};
  const NegotiatedFormat format = NegotiateFormat(request.Header("accept"));
  HttpServerResponse response;
  response.content_type = format.ContentType();
  PageSink sink(format.format, response.body);
  Probe(*probe, *view.http, context, request.canceled, sink);
  sink.Finish();
  return response;
}

}  // namespace tocsin::server
