// The parts of the host collector, one row each; every part reads one kind of kernel table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "config/config.h"
#include "exporters/collector.h"
#include "exporters/node/host_calls.h"
#include "exporters/node/node_families.h"

namespace tocsin {

struct NodeContext {
  const NodeConfig& config;
  const FileSystem& files;
  const HostCalls& host;
  const Clock& clock;

  // "/proc/" + name, at the configured place.
  Result<std::string> ReadProc(std::string_view name) const {
    return files.Read(config.procfs + "/" + std::string(name), kMaxFileBytes);
  }
  Result<std::string> ReadSys(std::string_view name) const {
    return files.Read(config.sysfs + "/" + std::string(name), kMaxFileBytes);
  }
  static constexpr size_t kMaxFileBytes = 8 << 20;
};

struct NodePart {
  std::string_view name;
  Status (*collect)(const NodeContext&, MetricSink&);
  // Succeeds also where the kernel shows nothing.
  bool optional = false;
};

// Sorted by name.
std::span<const NodePart> NodeParts();

// A row of kNodeFamilies.
consteval const FamilySpec& NodeFamily(std::string_view name) {
  return *FamilyNamed(kNodeFamilies, name);
}

Status CollectArp(const NodeContext&, MetricSink&);
Status CollectCgroup(const NodeContext&, MetricSink&);
Status CollectConntrack(const NodeContext&, MetricSink&);
Status CollectDiskstats(const NodeContext&, MetricSink&);
Status CollectEntropy(const NodeContext&, MetricSink&);
Status CollectFilefd(const NodeContext&, MetricSink&);
Status CollectFilesystem(const NodeContext&, MetricSink&);
Status CollectKernelHung(const NodeContext&, MetricSink&);
Status CollectLoadavg(const NodeContext&, MetricSink&);
Status CollectMeminfo(const NodeContext&, MetricSink&);
Status CollectNetclass(const NodeContext&, MetricSink&);
Status CollectNetdev(const NodeContext&, MetricSink&);
Status CollectNetstat(const NodeContext&, MetricSink&);
Status CollectPressure(const NodeContext&, MetricSink&);
Status CollectSockstat(const NodeContext&, MetricSink&);
Status CollectSoftnet(const NodeContext&, MetricSink&);
Status CollectStat(const NodeContext&, MetricSink&);
Status CollectTime(const NodeContext&, MetricSink&);
Status CollectTimex(const NodeContext&, MetricSink&);
Status CollectUname(const NodeContext&, MetricSink&);
Status CollectVmstat(const NodeContext&, MetricSink&);
Status CollectCooling(const NodeContext&, MetricSink&);
Status CollectCpufreq(const NodeContext&, MetricSink&);
Status CollectPowerSupply(const NodeContext&, MetricSink&);
Status CollectSchedstat(const NodeContext&, MetricSink&);
Status CollectTextfile(const NodeContext&, MetricSink&);
Status CollectUdpQueues(const NodeContext&, MetricSink&);

}  // namespace tocsin
