// Block devices and mounted file systems.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/regex.h"
#include "exporters/node/parts.h"
#include "exporters/text_scan.h"

namespace tocsin {
namespace {

constexpr double kSectorBytes = 512;
constexpr double kMillis = 1000;

// Columns of /proc/diskstats behind the name: Documentation/admin-guide/iostats.rst.
struct DiskColumn {
  size_t column;
  double divisor;
  const FamilySpec& family;
};
constexpr DiskColumn kDiskColumns[] = {
    {0, 1, NodeFamily("node_disk_reads_completed_total")},
    {1, 1, NodeFamily("node_disk_reads_merged_total")},
    {2, 1 / kSectorBytes, NodeFamily("node_disk_read_bytes_total")},
    {3, kMillis, NodeFamily("node_disk_read_time_seconds_total")},
    {4, 1, NodeFamily("node_disk_writes_completed_total")},
    {5, 1, NodeFamily("node_disk_writes_merged_total")},
    {6, 1 / kSectorBytes, NodeFamily("node_disk_written_bytes_total")},
    {7, kMillis, NodeFamily("node_disk_write_time_seconds_total")},
    {8, 1, NodeFamily("node_disk_io_now")},
    {9, kMillis, NodeFamily("node_disk_io_time_seconds_total")},
    {10, kMillis, NodeFamily("node_disk_io_time_weighted_seconds_total")},
    {11, 1, NodeFamily("node_disk_discards_completed_total")},
    {12, 1, NodeFamily("node_disk_discards_merged_total")},
    {13, 1, NodeFamily("node_disk_discarded_sectors_total")},
    {14, kMillis, NodeFamily("node_disk_discard_time_seconds_total")},
    {15, 1, NodeFamily("node_disk_flush_requests_total")},
    {16, kMillis, NodeFamily("node_disk_flush_requests_time_seconds_total")},
};

// What node_exporter leaves out by default: no disks of their own, partitions counted twice.
constexpr std::string_view kIgnoredDevices = "(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+";
constexpr std::string_view kIgnoredMounts =
    "/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/).*";
constexpr std::string_view kIgnoredTypes =
    "autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|"
    "mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|"
    "tracefs";

// File systems whose calls wait for another machine, or for a process that serves them.
constexpr std::string_view kNetworkTypes[] = {"9p",        "afs",    "ceph",  "cifs",
                                              "glusterfs", "lustre", "ncpfs", "nfs",
                                              "nfs4",      "smb3",   "smbfs", "virtiofs"};

bool IsNetwork(std::string_view type) {
  return type.starts_with("fuse") ||
         std::ranges::find(kNetworkTypes, type) != std::end(kNetworkTypes);
}

struct Mount {
  std::string device, mountpoint, type;
  bool readonly = false;
  std::optional<FilesystemUsage> usage;
};

// "\040" is a blank: the kernel escapes blanks, tabs, newlines and backslashes in octal.
std::string Unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// A path as seen from inside the root that is watched; nothing when it lies outside.
std::optional<std::string> WithoutRoot(const std::string& path, const std::string& root) {
  if (root.empty() || root == "/") return path;
  if (path == root) return "/";
  if (!path.starts_with(root + "/")) return std::nullopt;
  return path.substr(root.size());
}

// "22 27 0:21 / /proc rw,relatime shared:1 - proc proc rw"; proc(5).
std::optional<Mount> ReadMount(std::string_view line, const std::string& root) {
  const size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  const std::vector<std::string_view> left = Fields(line.substr(0, dash));
  const std::vector<std::string_view> right = Fields(line.substr(dash + 3));
  if (left.size() < 6 || right.size() < 2) return std::nullopt;
  const auto mountpoint = WithoutRoot(Unescaped(left[4]), root);
  if (!mountpoint.has_value()) return std::nullopt;
  const std::string_view options = left[5];
  return Mount{.device = Unescaped(right[1]),
               .mountpoint = *mountpoint,
               .type = std::string(right[0]),
               .readonly = options == "ro" || options.starts_with("ro,")};
}

Result<std::vector<Mount>> ReadMounts(const NodeContext& context) {
  // The mounts of init are the host's; our own may be a container's.
  Result<std::string> text = context.ReadProc("1/mountinfo");
  if (!text.ok()) text = context.ReadProc("self/mountinfo");
  if (!text.ok()) return text.error();
  ASSIGN_OR_RETURN(const Regex ignored_mounts, Regex::CompileAnchored(kIgnoredMounts));
  ASSIGN_OR_RETURN(const Regex ignored_types, Regex::CompileAnchored(kIgnoredTypes));
  std::vector<Mount> mounts;
  std::set<std::string> seen;
  std::string_view rest = *text;
  while (const auto line = TakeLine(rest)) {
    std::optional<Mount> mount = ReadMount(*line, context.config.rootfs);
    if (!mount.has_value() || ignored_types.Matches(mount->type) ||
        ignored_mounts.Matches(mount->mountpoint) || !seen.insert(mount->mountpoint).second) {
      continue;
    }
    mounts.push_back(*std::move(mount));
  }
  return mounts;
}

struct FilesystemFamily {
  const FamilySpec& family;
  double (*read)(const FilesystemUsage&);
};
constexpr FilesystemFamily kFilesystemFamilies[] = {
    {NodeFamily("node_filesystem_avail_bytes"),
     [](const FilesystemUsage& usage) { return usage.avail_bytes; }},
    {NodeFamily("node_filesystem_files"), [](const FilesystemUsage& usage) { return usage.files; }},
    {NodeFamily("node_filesystem_files_free"),
     [](const FilesystemUsage& usage) { return usage.files_free; }},
    {NodeFamily("node_filesystem_free_bytes"),
     [](const FilesystemUsage& usage) { return usage.free_bytes; }},
    {NodeFamily("node_filesystem_size_bytes"),
     [](const FilesystemUsage& usage) { return usage.size_bytes; }},
};

void WriteMount(const FamilySpec& family, const Mount& mount, double value, MetricSink& sink) {
  sink.Write(family,
             {{"device", mount.device}, {"fstype", mount.type}, {"mountpoint", mount.mountpoint}},
             value);
}

}  // namespace

Status CollectDiskstats(const NodeContext& context, MetricSink& sink) {
  ASSIGN_OR_RETURN(const std::string text, context.ReadProc("diskstats"));
  ASSIGN_OR_RETURN(const Regex ignored, Regex::CompileAnchored(kIgnoredDevices));
  std::vector<std::vector<std::string_view>> devices;
  std::string_view rest = text;
  while (const auto line = TakeLine(rest)) {
    std::vector<std::string_view> fields = Fields(*line);
    if (fields.size() >= 14 && !ignored.Matches(fields[2])) devices.push_back(std::move(fields));
  }
  for (const DiskColumn& column : kDiskColumns) {
    for (const auto& fields : devices) {
      if (column.column + 3 >= fields.size()) continue;
      sink.Write(column.family, {{"device", fields[2]}},
                 NumberOrZero(fields[column.column + 3]) / column.divisor);
    }
  }
  return Ok();
}

Status CollectFilesystem(const NodeContext& context, MetricSink& sink) {
  ASSIGN_OR_RETURN(std::vector<Mount> mounts, ReadMounts(context));
  const std::string root = context.config.rootfs == "/" ? "" : context.config.rootfs;
  for (Mount& mount : mounts) {
    const std::string path = root + mount.mountpoint;
    const Result<FilesystemUsage> usage =
        IsNetwork(mount.type) ? context.host.NetworkUsage(path) : context.host.Usage(path);
    if (usage.ok()) mount.usage = *usage;
  }
  // An error has no text in the labels: node_exporter's `device_error` names the errno, which
  // would make another series of the same file system.
  for (const Mount& mount : mounts) {
    WriteMount(NodeFamily("node_filesystem_device_error"), mount, mount.usage ? 0 : 1, sink);
  }
  for (const Mount& mount : mounts) {
    WriteMount(NodeFamily("node_filesystem_readonly"), mount, mount.readonly ? 1 : 0, sink);
  }
  for (const FilesystemFamily& each : kFilesystemFamilies) {
    for (const Mount& mount : mounts) {
      if (mount.usage) WriteMount(each.family, mount, each.read(*mount.usage), sink);
    }
  }
  return Ok();
}

}  // namespace tocsin
