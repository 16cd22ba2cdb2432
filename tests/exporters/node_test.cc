#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/files.h"
#include "exporters/node/node_collector.h"
#include "exporters/node/parts.h"
#include "tests/exporters/table_sink.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_files.h"
#include "tests/support/shared_files.h"

namespace tocsin {
namespace {

using testing_support::FakeClock;
using testing_support::MemoryFiles;
using testing_support::TableSink;

class FakeHost final : public HostCalls {
 public:
  Result<FilesystemUsage> Usage(const std::string& path) const override {
    if (path == "/host/broken") return Unavailable("statvfs " + path + ": Input/output error");
    return FilesystemUsage{
        .size_bytes = 1000, .free_bytes = 500, .avail_bytes = 400, .files = 10, .files_free = 5};
  }
  Result<SystemNames> Names() const override {
    return SystemNames{.sysname = "Linux",
                       .release = "6.1",
                       .version = "#1",
                       .machine = "x86_64",
                       .nodename = "web-1",
                       .domainname = "(none)"};
  }
  Result<ClockDiscipline> Discipline() const override {
    return ClockDiscipline{.offset_s = 0.25, .synchronized = true};
  }
};

struct Row {
  std::string file;
  std::string content;
  Status (*collect)(const NodeContext&, MetricSink&);
  std::map<std::string, double> want;
};

TEST(NodeTest, EachPartReadsItsKernelTable) {
  const Row kRows[] = {
      {"/proc/stat",
       "cpu  3 0 3 100\ncpu0 100 20 30 4000 50 6 7 8 9 10\ncpu1 1 2 3\nintr 77 1 2\nctxt 88\n"
       "btime 1700000000\nprocesses 9\nprocs_running 2\nprocs_blocked 1\n",
       CollectStat,
       {{R"(node_cpu_seconds_total{cpu="0", mode="user"})", 1},
        {R"(node_cpu_seconds_total{cpu="0", mode="idle"})", 40},
        {R"(node_cpu_seconds_total{cpu="0", mode="steal"})", 0.08},
        {R"(node_cpu_seconds_total{cpu="1", mode="system"})", 0.03},
        {R"(node_cpu_guest_seconds_total{cpu="0", mode="nice"})", 0.1},
        {"node_intr_total", 77},
        {"node_context_switches_total", 88},
        {"node_boot_time_seconds", 1.7e9},
        {"node_forks_total", 9},
        {"node_procs_running", 2},
        {"node_procs_blocked", 1}}},
      {"/proc/loadavg",
       "0.15 2.29 2.14 1/123 4567\n",
       CollectLoadavg,
       {{"node_load1", 0.15}, {"node_load5", 2.29}, {"node_load15", 2.14}}},
      {"/proc/meminfo",
       "MemTotal:       16 kB\nActive(anon):  2 kB\nHugePages_Total:   3\n",
       CollectMeminfo,
       {{"node_memory_MemTotal_bytes", 16384},
        {"node_memory_Active_anon_bytes", 2048},
        {"node_memory_HugePages_Total", 3}}},
      {"/proc/schedstat",
       "version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 2000000000 500000000 77\ndomain0 3 1\n",
       CollectSchedstat,
       {{R"(node_schedstat_running_seconds_total{cpu="0"})", 2},
        {R"(node_schedstat_waiting_seconds_total{cpu="0"})", 0.5},
        {R"(node_schedstat_timeslices_total{cpu="0"})", 77}}},
      {"/proc/net/udp",
       "  sl  local_address rem_address st tx_queue rx_queue\n"
       " 1: 00000000:0035 00000000:0000 07 00000010:00000200 00:00000000\n"
       " 2: 00000000:0043 00000000:0000 07 00000001:00000000 00:00000000\n",
       CollectUdpQueues,
       {{R"(node_udp_queues{ip="v4", queue="tx"})", 17},
        {R"(node_udp_queues{ip="v4", queue="rx"})", 512}}},
      {"/proc/vmstat",
       "nr_free_pages 1\npgmajfault 5\noom_kill 2\n",
       CollectVmstat,
       {{"node_vmstat_pgmajfault", 5}, {"node_vmstat_oom_kill", 2}}},
      {"/proc/diskstats",
       "   8       0 sda 10 1 100 500 20 2 200 600 3 700 1100 4 5 6 7 8 9\n"
       "   8       1 sda1 1 1 1 1 1 1 1 1 1 1 1\n",
       CollectDiskstats,
       {{R"(node_disk_reads_completed_total{device="sda"})", 10},
        {R"(node_disk_read_bytes_total{device="sda"})", 51200},
        {R"(node_disk_write_time_seconds_total{device="sda"})", 0.6},
        {R"(node_disk_io_now{device="sda"})", 3},
        {R"(node_disk_io_time_weighted_seconds_total{device="sda"})", 1.1},
        {R"(node_disk_flush_requests_time_seconds_total{device="sda"})", 0.009}}},
      {"/proc/net/dev",
       "Inter-|   Receive  | Transmit\n face |bytes packets\n"
       "  eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
       CollectNetdev,
       {{R"(node_network_receive_bytes_total{device="eth0"})", 1},
        {R"(node_network_receive_multicast_total{device="eth0"})", 8},
        {R"(node_network_transmit_compressed_total{device="eth0"})", 16}}},
      {"/proc/net/sockstat",
       "sockets: used 5\nTCP: inuse 4 mem 2\n",
       CollectSockstat,
       {{"node_sockstat_sockets_used", 5},
        {"node_sockstat_TCP_inuse", 4},
        {"node_sockstat_TCP_mem_bytes", 8192}}},
      {"/proc/net/softnet_stat",
       "0000000a 00000001 00000002 0 0 0 0 0 0 00000003 00000004 0 00000007 0\n",
       CollectSoftnet,
       {{R"(node_softnet_processed_total{cpu="7"})", 10},
        {R"(node_softnet_received_rps_total{cpu="7"})", 3}}},
      {"/proc/net/arp",
       "IP address HW type Flags HW address Mask Device\n10.0.0.1 0x1 0x2 aa:bb * eth0\n",
       CollectArp,
       {{R"(node_arp_entries{device="eth0"})", 1}}},
      {"/proc/sys/fs/file-nr",
       "1632\t0\t2466193\n",
       CollectFilefd,
       {{"node_filefd_allocated", 1632}, {"node_filefd_maximum", 2466193}}},
      {"/proc/sys/kernel/hung_task_detect_count",
       "3\n",
       CollectKernelHung,
       {{"node_kernel_hung_tasks_total", 3}, {"node_kernel_hung_tasks", 3}}},
  };
  const FakeHost host;
  const FakeClock clock;
  const NodeConfig config;
  for (const Row& row : kRows) {
    const MemoryFiles files{{row.file, row.content}};
    TableSink sink(kNodeFamilies);
    const Status status = row.collect({config, files, host, clock}, sink);
    EXPECT_TRUE(status.ok()) << row.file << ": " << status.error().message;
    for (const auto& [series, value] : row.want) {
      EXPECT_DOUBLE_EQ(sink.Value(series), value) << row.file << ": " << series;
    }
    TableSink empty(kNodeFamilies);
    EXPECT_FALSE(row.collect({config, MemoryFiles(), host, clock}, empty).ok()) << row.file;
  }
}

TEST(NodeTest, FileSystemsAreThoseOfTheHostsRoot) {
  const MemoryFiles files{{"/host/proc/1/mountinfo",
                           "1 0 8:1 / /host rw,relatime - ext4 /dev/sda1 rw\n"
                           "2 1 8:2 / /host/my\\040data ro - xfs /dev/sdb rw\n"
                           "3 1 8:3 / /host/broken rw - ext4 /dev/sdc rw\n"
                           "4 1 0:5 / /host/proc rw - proc proc rw\n"
                           "5 0 0:6 / /elsewhere rw - ext4 /dev/sdd rw\n"}};
  NodeConfig config;
  config.procfs = "/host/proc";
  config.rootfs = "/host";
  const FakeHost host;
  const FakeClock clock;
  TableSink sink(kNodeFamilies);
  ASSERT_TRUE(CollectFilesystem({config, files, host, clock}, sink).ok());
  const auto of = [](const std::string& name, const std::string& device, const std::string& type,
                     const std::string& mount) {
    return name + "{device=\"" + device + "\", fstype=\"" + type + "\", mountpoint=\"" + mount +
           "\"}";
  };
  EXPECT_EQ(sink.Value(of("node_filesystem_avail_bytes", "/dev/sda1", "ext4", "/")), 400);
  EXPECT_EQ(sink.Value(of("node_filesystem_readonly", "/dev/sdb", "xfs", "/my data")), 1);
  EXPECT_EQ(sink.Value(of("node_filesystem_device_error", "/dev/sdc", "ext4", "/broken")), 1);
  EXPECT_FALSE(sink.Has(of("node_filesystem_size_bytes", "/dev/sdc", "ext4", "/broken")));
  EXPECT_EQ(sink.values().size(), 3u * 2 + 2 * 5);
}

TEST(NodeTest, TheControlGroupsLimitsAreRead) {
  const FakeHost host;
  const FakeClock clock;
  const NodeConfig config;
  TableSink two(kNodeFamilies);
  const MemoryFiles v2{{"/proc/self/cgroup", "0::/app\n"},
                       {"/sys/fs/cgroup/cgroup.controllers", "cpu memory\n"},
                       {"/sys/fs/cgroup/memory.max", "1048576\n"},
                       {"/sys/fs/cgroup/app/memory.current", "4096\n"},
                       {"/sys/fs/cgroup/cpu.max", "50000 100000\n"},
                       {"/sys/fs/cgroup/cpu.stat", "usage_usec 1500000\nuser_usec 1\n"}};
  ASSERT_TRUE(CollectCgroup({config, v2, host, clock}, two).ok());
  EXPECT_EQ(two.Value("node_cgroup_memory_limit_bytes"), 1048576);
  EXPECT_EQ(two.Value("node_cgroup_memory_usage_bytes"), 4096);
  EXPECT_EQ(two.Value("node_cgroup_cpu_limit_cores"), 0.5);
  EXPECT_EQ(two.Value("node_cgroup_cpu_seconds_total"), 1.5);
  TableSink one(kNodeFamilies);
  const MemoryFiles v1{{"/proc/self/cgroup", "4:memory:/a\n3:cpu,cpuacct:/b\n0::/\n"},
                       {"/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n"},
                       {"/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "8192\n"},
                       {"/sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", "-1\n"},
                       {"/sys/fs/cgroup/cpu/b/cpu.cfs_period_us", "100000\n"},
                       {"/sys/fs/cgroup/cpuacct/b/cpuacct.usage", "2000000000\n"}};
  ASSERT_TRUE(CollectCgroup({config, v1, host, clock}, one).ok());
  EXPECT_EQ(one.values(), (std::map<std::string, double>{{"node_cgroup_memory_usage_bytes", 8192},
                                                         {"node_cgroup_cpu_seconds_total", 2}}));
}

TEST(NodeTest, WithoutAnyKernelTableTheHostIsDown) {
  const MemoryFiles none;
  class NoHost final : public HostCalls {
    Result<FilesystemUsage> Usage(const std::string&) const override { return NotFound("no"); }
    Result<SystemNames> Names() const override { return NotFound("no"); }
    Result<ClockDiscipline> Discipline() const override { return NotFound("no"); }
  };
  NodeCollector collector({}, none, std::make_unique<NoHost>());
  const FakeClock clock;
  CollectContext context{.clock = clock};
  TableSink sink(kNodeFamilies);
  EXPECT_FALSE(collector.Collect(context, sink).ok());
  EXPECT_EQ(sink.Value(R"(node_scrape_collector_success{collector="cpu"})"), 0);
}

TEST(NodeTest, TheRealHostIsRead) {
  const RealFileSystem files;
  NodeCollector collector({}, files, MakeRealHostCalls());
  const SystemClock clock;
  CollectContext context{.clock = clock};
  TableSink sink(kNodeFamilies);
  ASSERT_TRUE(collector.Collect(context, sink).ok());
  EXPECT_GT(sink.Value("node_memory_MemTotal_bytes"), 0);
  EXPECT_GT(sink.Value(R"(node_cpu_seconds_total{cpu="0", mode="idle"})"), 0);
  EXPECT_EQ(sink.Value("node_textfile_scrape_error"), 0);
  EXPECT_TRUE(sink.families().contains("node_filesystem_avail_bytes"));
}

// Takes whatever name a file brings; the table has no row for those.
class AnySink final : public MetricSink {
 public:
  void Write(const FamilySpec& family, std::span<const LabelView> labels, double value) override {
    WriteSuffixed(family, "", labels, value);
  }
  void WriteSuffixed(const FamilySpec& family, std::string_view suffix,
                     std::span<const LabelView> labels, double value) override {
    LabelSet set;
    for (const auto& [name, text] : labels) set.Set(name, text);
    set.Set(kMetricName, std::string(family.name) + std::string(suffix));
    values[set.ToString()] = value;
    types[std::string(family.name)] = family.type;
  }
  std::map<std::string, double> values;
  std::map<std::string, MetricType> types;
};

TEST(NodeTest, FilesOfOtherProgramsAreShown) {
  MemoryFiles files{{"/text/backup.prom",
                     "# TYPE backup_seconds histogram\nbackup_seconds_bucket{le=\"+Inf\"} 2\n"
                     "backup_seconds_sum 7\nbackup_seconds_count 2\nbackup_last{db=\"a\"} 5\n"},
                    {"/text/broken.prom", "a 1\nb {\n"},
                    {"/text/late.prom", "c 1 1700000000000\n"},
                    {"/text/other.txt", "d 1\n"}};
  NodeConfig config;
  config.textfile_directory = "/text";
  const FakeHost host;
  const FakeClock clock;
  AnySink sink;
  const Status status =
      CollectTextfile({.config = config, .files = files, .host = host, .clock = clock}, sink);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, testing::HasSubstr("/text/broken.prom: line 2"));
  EXPECT_THAT(status.error().message, testing::HasSubstr("/text/late.prom: line 1: timestamps"));
  EXPECT_EQ(sink.values["backup_seconds_sum"], 7);
  EXPECT_EQ(sink.values[R"(backup_last{db="a"})"], 5);
  EXPECT_EQ(sink.types["backup_seconds"], MetricType::kHistogram);
  EXPECT_EQ(sink.values["node_textfile_scrape_error"], 1);
  EXPECT_FALSE(sink.values.contains("a"));
  EXPECT_FALSE(sink.values.contains("c"));
  EXPECT_FALSE(sink.values.contains("d"));
}

TEST(NodeTest, ANetworkFileSystemThatHangsIsBrokenAndTheOthersAreTold) {
  class Host final : public HostCalls {
   public:
    Result<FilesystemUsage> Usage(const std::string& /*path*/) const override {
      return FilesystemUsage{.size_bytes = 1000};
    }
    Result<FilesystemUsage> NetworkUsage(const std::string& path) const override {
      return TimedOut("statvfs " + path + ": no answer");
    }
    Result<SystemNames> Names() const override { return NotFound("no"); }
    Result<ClockDiscipline> Discipline() const override { return NotFound("no"); }
  };
  const MemoryFiles files{{"/proc/1/mountinfo",
                           "22 1 0:21 / /data rw - ext4 /dev/sda rw\n"
                           "23 1 0:22 / /home rw - nfs4 files:/home rw\n"}};
  const NodeConfig config;
  const Host host;
  const FakeClock clock;
  TableSink sink(kNodeFamilies);
  ASSERT_TRUE(
      CollectFilesystem({.config = config, .files = files, .host = host, .clock = clock}, sink)
          .ok());
  const std::string nfs = R"({device="files:/home", fstype="nfs4", mountpoint="/home"})";
  EXPECT_EQ(sink.Value("node_filesystem_device_error" + nfs), 1);
  EXPECT_FALSE(sink.Has("node_filesystem_size_bytes" + nfs));
  EXPECT_EQ(sink.Value(R"(node_filesystem_size_bytes{device="/dev/sda", fstype="ext4", )"
                       R"(mountpoint="/data"})"),
            1000);
}

}  // namespace
}  // namespace tocsin
