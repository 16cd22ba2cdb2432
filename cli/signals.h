// SIGINT, SIGTERM and SIGHUP as values to wait for.
#pragma once

namespace tocsin::cli {

// While one exists, the signals wait to be taken instead of ending the process, and SIGPIPE is
// ignored. Make it before any thread: threads inherit what is blocked. At most one at a time.
class Signals {
 public:
  enum class Kind { kStop, kReload };

  Signals();
  // From here on a signal ends the process at once.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  Kind Wait();
  // Makes Wait return kStop, from any thread.
  void RequestStop();
};

}  // namespace tocsin::cli
