#include "exporters/self/self_collector.h"

#include <unistd.h>

#include <utility>

#include "base/metrics.h"
#include "exporters/family_index.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

// Sorted by name. Rows with "*" stand for what the parts of tocsin count (base/metrics.h).
constexpr FamilySpec kSelfFamilies[] = {
    {.name = "process_cpu_seconds_total",
     .type = MetricType::kCounter,
     .help = "Total user and system CPU time spent in seconds.",
     .source = "/proc/self/stat"},
    {.name = "process_max_fds",
     .type = MetricType::kGauge,
     .help = "Maximum number of open file descriptors.",
     .source = "/proc/self/limits"},
    {.name = "process_open_fds",
     .type = MetricType::kGauge,
     .help = "Number of open file descriptors.",
     .source = "/proc/self/fd"},
    {.name = "process_resident_memory_bytes",
     .type = MetricType::kGauge,
     .help = "Resident memory size in bytes.",
     .source = "/proc/self/stat"},
    {.name = "process_start_time_seconds",
     .type = MetricType::kGauge,
     .help = "Start time of the process since unix epoch in seconds.",
     .source = "/proc/self/stat"},
    {.name = "process_virtual_memory_bytes",
     .type = MetricType::kGauge,
     .help = "Virtual memory size in bytes.",
     .source = "/proc/self/stat"},
    {.name = "prometheus_*",
     .type = MetricType::kUntyped,
     .help = "Figures that Prometheus keeps of itself, under its names."},
    {.name = "tocsin_*", .type = MetricType::kUntyped, .help = "Figures of tocsin alone."},
};

const FamilySpec& Family(std::string_view name) { return *FamilyNamed(kSelfFamilies, name); }

MetricType TypeOf(std::string_view text) {
  if (text == "counter") return MetricType::kCounter;
  if (text == "gauge") return MetricType::kGauge;
  if (text == "histogram") return MetricType::kHistogram;
  if (text == "summary") return MetricType::kSummary;
  return MetricType::kUntyped;
}

class SelfCollector final : public Collector {
 public:
  SelfCollector(const FileSystem& files, const Metrics& metrics)
      : files_(files), metrics_(metrics) {}

  Status Collect(CollectContext& context, MetricSink& sink) override {
    for (const MetricFamilySnapshot& family : metrics_.Collect()) WriteFamily(family, sink);
    if (const Status process = WriteProcess(sink); !process.ok()) {
      context.problems.push_back(process.error().message);
    }
    return Ok();
  }

 private:
  static void WriteFamily(const MetricFamilySnapshot& family, MetricSink& sink) {
    const FamilySpec spec{.name = family.name, .type = TypeOf(family.type), .help = family.help};
    for (const MetricFamilySnapshot::Sample& sample : family.samples) {
      const std::vector<MetricSink::LabelView> labels(sample.labels.begin(), sample.labels.end());
      sink.WriteSuffixed(spec, sample.suffix, labels, sample.value);
    }
  }

  // proc(5): the fields of stat after the name in parentheses, which may hold blanks.
  Status WriteProcess(MetricSink& sink) const {
    ASSIGN_OR_RETURN(const std::string stat, files_.Read("/proc/self/stat", kMaxBytes));
    const std::vector<std::string_view> fields =
        Fields(std::string_view(stat).substr(stat.rfind(')') + 1));
    if (fields.size() < 22) return ExecutionError("/proc/self/stat is too short");
    const auto number = [&](size_t field) { return NumberOrZero(fields[field - 3]); };
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    sink.Write(Family("process_cpu_seconds_total"), (number(14) + number(15)) / ticks);
    sink.Write(Family("process_virtual_memory_bytes"), number(23));
    sink.Write(Family("process_resident_memory_bytes"),
               number(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    ASSIGN_OR_RETURN(const double boot, BootTime());
    sink.Write(Family("process_start_time_seconds"), boot + number(22) / ticks);
    return WriteDescriptors(sink);
  }

  Result<double> BootTime() const {
    ASSIGN_OR_RETURN(const std::string stat, files_.Read("/proc/stat", kMaxBytes));
    for (std::string_view rest = stat; const auto line = TakeLine(rest);) {
      if (line->starts_with("btime ")) return NumberOrZero(line->substr(6));
    }
    return ExecutionError("/proc/stat has no btime");
  }

  Status WriteDescriptors(MetricSink& sink) const {
    ASSIGN_OR_RETURN(const std::vector<std::string> open, files_.List("/proc/self/fd"));
    sink.Write(Family("process_open_fds"), static_cast<double>(open.size()));
    sink.Write(Family("process_max_fds"), static_cast<double>(::sysconf(_SC_OPEN_MAX)));
    return Ok();
  }

  static constexpr size_t kMaxBytes = 1 << 20;
  const FileSystem& files_;
  const Metrics& metrics_;
};

std::vector<CollectorTarget> Targets(const Config& /*config*/, const std::string& own_instance) {
  if (own_instance.empty()) return {};
  auto self = std::make_shared<CollectorConfig>();
  self->job = "tocsin";
  self->instance = own_instance;
  return {{.config = std::move(self), .url = "tocsin://self"}};
}

std::unique_ptr<Collector> Make(const CollectorConfig& /*config*/,
                                const CollectorDependencies& dependencies) {
  return std::make_unique<SelfCollector>(dependencies.files, dependencies.metrics);
}

}  // namespace

CollectorSpec SelfCollectorSpec() {
  return {.name = "self",
          .help = "tocsin itself: collections, rules, notifications, memory and processor time.",
          .up = "",
          .families = kSelfFamilies,
          .targets = Targets,
          .make = Make,
          .equal = SameConfig<CollectorConfig>};
}

}  // namespace tocsin
