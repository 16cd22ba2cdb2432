#include "exporters/node/host_calls.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstring>

#include "base/thread_annotations.h"
#include "exporters/node/statvfs_helper.h"

namespace tocsin {
namespace {

// For a file server that is only slow.
constexpr Duration kPatience = std::chrono::milliseconds(500);

FilesystemUsage ToUsage(const struct statvfs& stats) {
  const auto block = static_cast<double>(stats.f_frsize);
  return {.size_bytes = static_cast<double>(stats.f_blocks) * block,
          .free_bytes = static_cast<double>(stats.f_bfree) * block,
          .avail_bytes = static_cast<double>(stats.f_bavail) * block,
          .files = static_cast<double>(stats.f_files),
          .files_free = static_cast<double>(stats.f_ffree),
          .readonly = (stats.f_flag & ST_RDONLY) != 0};
}

class RealHostCalls final : public HostCalls {
 public:
  Result<FilesystemUsage> Usage(const std::string& path) const override {
    struct statvfs stats {};
    if (::statvfs(path.c_str(), &stats) != 0) {
      return Unavailable("statvfs " + path + ": " + std::strerror(errno));
    }
    return ToUsage(stats);
  }

  Result<FilesystemUsage> NetworkUsage(const std::string& path) const override {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const struct statvfs stats, helpers_.Ask(path, kPatience));
    return ToUsage(stats);
  }

  Result<double> ModifiedAt(const std::string& path) const override {
    struct stat stats {};
    if (::stat(path.c_str(), &stats) != 0) {
      return Unavailable("stat " + path + ": " + std::strerror(errno));
    }
    return static_cast<double>(stats.st_mtim.tv_sec);
  }

  Result<SystemNames> Names() const override {
    struct utsname names {};
    if (::uname(&names) != 0) return Unavailable(std::string("uname: ") + std::strerror(errno));
    return SystemNames{.sysname = names.sysname,
                       .release = names.release,
                       .version = names.version,
                       .machine = names.machine,
                       .nodename = names.nodename,
                       .domainname = names.domainname};
  }

  Result<ClockDiscipline> Discipline() const override {
    struct timex t {};
    const int state = ::adjtimex(&t);
    if (state < 0) return Unavailable(std::string("adjtimex: ") + std::strerror(errno));
    const double unit = (t.status & STA_NANO) != 0 ? 1e9 : 1e6;
    constexpr double kMicro = 1e6;
    constexpr double kPpm16 = 65536.0 * 1e6;  // parts per million with a 16-bit fraction
    return ClockDiscipline{.offset_s = static_cast<double>(t.offset) / unit,
                           .frequency_ratio = 1 + static_cast<double>(t.freq) / kPpm16,
                           .max_error_s = static_cast<double>(t.maxerror) / kMicro,
                           .estimated_error_s = static_cast<double>(t.esterror) / kMicro,
                           .status = static_cast<double>(t.status),
                           .time_constant = static_cast<double>(t.constant),
                           .tick_s = static_cast<double>(t.tick) / kMicro,
                           .pps_frequency_hz = static_cast<double>(t.ppsfreq) / kPpm16,
                           .pps_jitter_s = static_cast<double>(t.jitter) / unit,
                           .pps_shift_s = static_cast<double>(1L << t.shift),
                           .pps_stability_hz = static_cast<double>(t.stabil) / kPpm16,
                           .pps_jitter_count = static_cast<double>(t.jitcnt),
                           .pps_calibration_count = static_cast<double>(t.calcnt),
                           .pps_error_count = static_cast<double>(t.errcnt),
                           .pps_stability_exceeded_count = static_cast<double>(t.stbcnt),
                           .tai_offset_s = static_cast<double>(t.tai),
                           .synchronized = state != TIME_ERROR};
  }

 private:
  // Waiting for a helper holds up those who ask for network file systems, and nobody else.
  mutable Mutex mutex_;
  mutable StatvfsHelpers helpers_ GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<HostCalls> MakeRealHostCalls() { return std::make_unique<RealHostCalls>(); }

}  // namespace tocsin
