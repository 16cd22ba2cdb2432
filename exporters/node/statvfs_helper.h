// statvfs(2) of a network file system, which hangs without end while its server is gone.
//
// Nothing can end such a call from outside, so it is made by a child process: one for each mount,
// kept, which does nothing but answer. While a call hangs, that mount is told as broken without
// waiting for it again; nothing else waits at all. The child ends with its parent.
#pragma once

#include <sys/statvfs.h>

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace tocsin {

class StatvfsHelper {
 public:
  using Call = int (*)(const char* path, struct statvfs* stats);
  // `call` is statvfs but in tests; it must be safe after fork(2).
  explicit StatvfsHelper(std::string path, Call call = &::statvfs);
  // Ends the child without waiting for a call that hangs.
  ~StatvfsHelper();
  StatvfsHelper(const StatvfsHelper&) = delete;
  StatvfsHelper& operator=(const StatvfsHelper&) = delete;

  // kTimeout when there is no answer within `patience`, and at once as long as the call before
  // still hangs.
  Result<struct statvfs> Ask(Duration patience);

 private:
  Status Start();
  void End();

  const std::string path_;
  const Call call_;
  int socket_ = -1;
  int child_ = -1;
  bool waiting_ = false;  // for an answer
};

// A helper for each mount that was ever asked about, up to a number.
//
// Not thread-safe.
class StatvfsHelpers {
 public:
  Result<struct statvfs> Ask(const std::string& path, Duration patience);

 private:
  std::map<std::string, std::unique_ptr<StatvfsHelper>> helpers_;
};

}  // namespace tocsin
