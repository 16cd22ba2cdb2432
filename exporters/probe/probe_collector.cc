#include "exporters/probe/probe_collector.h"

#include <atomic>
#include <utility>

#include "exporters/probe/probe.h"

namespace tocsin {
namespace {

class ProbeCollector final : public Collector {
 public:
  ProbeCollector(ProbeConfig config, HttpClient& http) : config_(std::move(config)), http_(http) {}

  // Never fails: that the endpoint does not answer is the answer.
  Status Collect(CollectContext& context, MetricSink& sink) override {
    Probe(
        config_, http_, context, [this] { return canceled_.load(); }, sink);
    return Ok();
  }
  void Cancel() override { canceled_ = true; }

 private:
  const ProbeConfig config_;
  HttpClient& http_;
  std::atomic<bool> canceled_ = false;
};

std::vector<CollectorTarget> Targets(const Config& config, const std::string& /*own_instance*/) {
  std::vector<CollectorTarget> targets;
  for (const ProbeConfig& written : config.collectors.probe) {
    auto probe = std::make_shared<ProbeConfig>(written);
    const std::string shown = UrlWithoutSecrets(written.target);
    if (probe->job.empty()) probe->job = "probe";
    if (probe->instance.empty()) probe->instance = shown;
    targets.push_back({.config = std::move(probe), .url = "tocsin://probe/" + shown});
  }
  return targets;
}

std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  return std::make_unique<ProbeCollector>(static_cast<const ProbeConfig&>(config),
                                          dependencies.http);
}

}  // namespace

CollectorSpec ProbeCollectorSpec() {
  return {.name = "probe",
          .help = "Endpoints seen from outside: HTTP answers, TCP connects, TLS certificates.",
          .up = "",
          .families = kProbeFamilies,
          .targets = Targets,
          .make = Make,
          .equal = SameConfig<ProbeConfig>};
}

}  // namespace tocsin
