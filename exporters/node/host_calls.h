// What the host collector asks of the kernel beside files, as an argument.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/result.h"

namespace tocsin {

struct FilesystemUsage {
  double size_bytes = 0;
  double free_bytes = 0;
  double avail_bytes = 0;  // to others than root
  double files = 0;
  double files_free = 0;
  bool readonly = false;
};

struct SystemNames {
  std::string sysname, release, version, machine, nodename, domainname;
};

// adjtimex(2), converted to seconds.
struct ClockDiscipline {
  double offset_s = 0;
  double frequency_ratio = 0;  // 1 is the nominal frequency
  double max_error_s = 0;
  double estimated_error_s = 0;
  double status = 0;
  double time_constant = 0;
  double tick_s = 0;
  double pps_frequency_hz = 0;
  double pps_jitter_s = 0;
  double pps_shift_s = 0;
  double pps_stability_hz = 0;
  double pps_jitter_count = 0;
  double pps_calibration_count = 0;
  double pps_error_count = 0;
  double pps_stability_exceeded_count = 0;
  double tai_offset_s = 0;
  bool synchronized = false;
};

// Thread safety: all methods may be called from any thread.
class HostCalls {
 public:
  virtual ~HostCalls() = default;
  virtual Result<FilesystemUsage> Usage(const std::string& path) const = 0;
  // The same, of a file system whose server may be gone: an error when it does not answer soon.
  virtual Result<FilesystemUsage> NetworkUsage(const std::string& path) const {
    return Usage(path);
  }
  // Seconds since the epoch.
  virtual Result<double> ModifiedAt(const std::string& path) const {
    return NotFound("stat " + path);
  }
  virtual Result<SystemNames> Names() const = 0;
  virtual Result<ClockDiscipline> Discipline() const = 0;
};

std::unique_ptr<HostCalls> MakeRealHostCalls();

}  // namespace tocsin
