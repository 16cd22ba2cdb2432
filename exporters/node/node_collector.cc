#include "exporters/node/node_collector.h"

#include <utility>

#include "exporters/node/parts.h"

namespace tocsin {
namespace {

constexpr NodePart kNodeParts[] = {
    {"arp", CollectArp},
    {"cgroup", CollectCgroup},
    {"conntrack", CollectConntrack},
    {"cooling", CollectCooling, true},
    {"cpu", CollectStat},
    {"cpufreq", CollectCpufreq, true},
    {"diskstats", CollectDiskstats},
    {"entropy", CollectEntropy},
    {"filefd", CollectFilefd},
    {"filesystem", CollectFilesystem},
    {"kernel_hung", CollectKernelHung},
    {"loadavg", CollectLoadavg},
    {"meminfo", CollectMeminfo},
    {"netclass", CollectNetclass},
    {"netdev", CollectNetdev},
    {"netstat", CollectNetstat},
    {"powersupplyclass", CollectPowerSupply, true},
    {"pressure", CollectPressure},
    {"schedstat", CollectSchedstat},
    {"sockstat", CollectSockstat},
    {"softnet", CollectSoftnet},
    {"textfile", CollectTextfile, true},
    {"time", CollectTime, true},
    {"timex", CollectTimex},
    {"udp_queues", CollectUdpQueues},
    {"uname", CollectUname},
    {"vmstat", CollectVmstat},
};

struct PartOutcome {
  bool success = false;
  double seconds = 0;
};

}  // namespace

std::span<const NodePart> NodeParts() { return kNodeParts; }

NodeCollector::NodeCollector(NodeConfig config, const FileSystem& files,
                             std::unique_ptr<HostCalls> host)
    : config_(std::move(config)), files_(files), host_(std::move(host)) {}

Status NodeCollector::Collect(CollectContext& context, MetricSink& sink) {
  const NodeContext node{config_, files_, *host_, context.clock};
  std::vector<PartOutcome> outcomes;
  Status first_failure;
  bool any = false;
  for (const NodePart& part : kNodeParts) {
    const SteadyTime start = context.clock.Steady();
    const Status status = part.collect(node, sink);
    const std::chrono::duration<double> took = context.clock.Steady() - start;
    outcomes.push_back({.success = status.ok(), .seconds = took.count()});
    context.Step(std::string(part.name), start, 0, status.ok() ? "" : status.error().message);
    any = any || (status.ok() && !part.optional);
    if (!status.ok() && first_failure.ok()) first_failure = status;
  }
  for (size_t i = 0; i < outcomes.size(); ++i) {
    sink.Write(NodeFamily("node_scrape_collector_duration_seconds"),
               {{"collector", kNodeParts[i].name}}, outcomes[i].seconds);
  }
  for (size_t i = 0; i < outcomes.size(); ++i) {
    sink.Write(NodeFamily("node_scrape_collector_success"), {{"collector", kNodeParts[i].name}},
               outcomes[i].success ? 1 : 0);
  }
  return any ? Ok() : first_failure;
}

namespace {

std::vector<CollectorTarget> Targets(const Config& config, const std::string& own_instance) {
  if (!config.collectors.node.has_value()) return {};
  auto node = std::make_shared<NodeConfig>(*config.collectors.node);
  if (node->job.empty()) node->job = "node";
  if (node->instance.empty()) node->instance = own_instance.substr(0, own_instance.rfind(':'));
  return {{.config = std::move(node), .url = "tocsin://node"}};
}

std::unique_ptr<Collector> Make(const CollectorConfig& config,
                                const CollectorDependencies& dependencies) {
  return std::make_unique<NodeCollector>(static_cast<const NodeConfig&>(config), dependencies.files,
                                         MakeRealHostCalls());
}

}  // namespace

CollectorSpec NodeCollectorSpec() {
  return {.name = "node",
          .help = "The host: processors, memory, disks, network, clock.",
          .up = "",
          .families = kNodeFamilies,
          .targets = Targets,
          .make = Make,
          .equal = SameConfig<NodeConfig>};
}

}  // namespace tocsin
