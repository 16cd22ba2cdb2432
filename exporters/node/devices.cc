// What the kernel tells of single processors and of devices around them: scheduling, clock
// frequency, cooling, power, and the queues of UDP sockets.
#include <fmt/format.h>

#include "exporters/node/parts.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

// The folders below `folder` of /sys whose names begin with `prefix`.
std::vector<std::string> SysFolders(const NodeContext& context, std::string_view folder,
                                    std::string_view prefix) {
  std::vector<std::string> found;
  const auto names = context.files.List(context.config.sysfs + "/" + std::string(folder));
  if (!names.ok()) return found;
  for (const std::string& name : *names) {
    if (name.starts_with(prefix)) found.push_back(name);
  }
  return found;
}

std::string SysText(const NodeContext& context, const std::string& file) {
  const Result<std::string> text = context.ReadSys(file);
  return text.ok() ? std::string(Trimmed(*text)) : "";
}

struct FrequencyFile {
  std::string_view file;
  const FamilySpec& family;
};
constexpr FrequencyFile kFrequencyFiles[] = {
    {"scaling_cur_freq", NodeFamily("node_cpu_scaling_frequency_hertz")},
    {"scaling_max_freq", NodeFamily("node_cpu_scaling_frequency_max_hertz")},
    {"scaling_min_freq", NodeFamily("node_cpu_scaling_frequency_min_hertz")},
};

struct CoolingFile {
  std::string_view file;
  const FamilySpec& family;
};
constexpr CoolingFile kCoolingFiles[] = {
    {"cur_state", NodeFamily("node_cooling_device_cur_state")},
    {"max_state", NodeFamily("node_cooling_device_max_state")},
};

}  // namespace

// "cpu0 0 0 0 0 0 0 running_ns waiting_ns timeslices"; Documentation/scheduler/sched-stats.rst.
Status CollectSchedstat(const NodeContext& context, MetricSink& sink) {
  ASSIGN_OR_RETURN(const std::string text, context.ReadProc("schedstat"));
  std::vector<std::vector<std::string_view>> cpus;
  std::string_view rest = text;
  while (const auto line = TakeLine(rest)) {
    std::vector<std::string_view> fields = Fields(*line);
    if (fields.size() >= 10 && fields[0].starts_with("cpu")) cpus.push_back(std::move(fields));
  }
  const auto write = [&](const FamilySpec& family, size_t column, double divisor) {
    for (const auto& fields : cpus) {
      sink.Write(family, {{"cpu", fields[0].substr(3)}}, NumberOrZero(fields[column]) / divisor);
    }
  };
  write(NodeFamily("node_schedstat_running_seconds_total"), 7, 1e9);
  write(NodeFamily("node_schedstat_timeslices_total"), 9, 1);
  write(NodeFamily("node_schedstat_waiting_seconds_total"), 8, 1e9);
  return Ok();
}

// Kilohertz in files; absent on most virtual machines.
Status CollectCpufreq(const NodeContext& context, MetricSink& sink) {
  const std::vector<std::string> cpus = SysFolders(context, "devices/system/cpu", "cpu");
  for (const FrequencyFile& each : kFrequencyFiles) {
    for (const std::string& cpu : cpus) {
      const auto number = ReadNumber(cpu.substr(3));
      if (!number) continue;  // "cpufreq", "cpuidle"
      const std::string text =
          SysText(context, fmt::format("devices/system/cpu/{}/cpufreq/{}", cpu, each.file));
      if (const auto kilohertz = ReadNumber(text)) {
        sink.Write(each.family, {{"cpu", cpu.substr(3)}}, *kilohertz * 1000);
      }
    }
  }
  return Ok();
}

Status CollectCooling(const NodeContext& context, MetricSink& sink) {
  const std::vector<std::string> devices = SysFolders(context, "class/thermal", "cooling_device");
  for (const CoolingFile& each : kCoolingFiles) {
    for (const std::string& device : devices) {
      const std::string folder = "class/thermal/" + device + "/";
      const auto state = ReadNumber(SysText(context, folder + std::string(each.file)));
      if (!state) continue;
      sink.Write(each.family,
                 {{"name", device.substr(14)}, {"type", SysText(context, folder + "type")}},
                 *state);
    }
  }
  return Ok();
}

Status CollectPowerSupply(const NodeContext& context, MetricSink& sink) {
  for (const std::string& supply : SysFolders(context, "class/power_supply", "")) {
    const auto online = ReadNumber(SysText(context, "class/power_supply/" + supply + "/online"));
    if (!online) continue;  // a battery
    sink.Write(NodeFamily("node_power_supply_online"), {{"power_supply", supply}}, *online);
  }
  return Ok();
}

// Column 5 of /proc/net/udp: tx_queue:rx_queue in hexadecimal bytes.
Status CollectUdpQueues(const NodeContext& context, MetricSink& sink) {
  struct Version {
    std::string_view file, label;
  };
  static constexpr Version kVersions[] = {{"net/udp", "v4"}, {"net/udp6", "v6"}};
  Status first;
  for (const auto& [file, label] : kVersions) {
    const Result<std::string> text = context.ReadProc(file);
    if (!text.ok()) {
      if (label == "v4") first = text.error();  // a kernel without IPv6 is no failure
      continue;
    }
    double sent = 0;
    double received = 0;
    std::string_view rest = *text;
    (void)TakeLine(rest);  // the headings
    while (const auto line = TakeLine(rest)) {
      const std::vector<std::string_view> fields = Fields(*line);
      if (fields.size() < 5) continue;
      const size_t colon = std::min(fields[4].find(':'), fields[4].size());
      sent += static_cast<double>(ReadHex(fields[4].substr(0, colon)).value_or(0));
      received += static_cast<double>(
          ReadHex(fields[4].substr(std::min(colon + 1, fields[4].size()))).value_or(0));
    }
    sink.Write(NodeFamily("node_udp_queues"), {{"ip", label}, {"queue", "tx"}}, sent);
    sink.Write(NodeFamily("node_udp_queues"), {{"ip", label}, {"queue", "rx"}}, received);
  }
  return first;
}

}  // namespace tocsin
