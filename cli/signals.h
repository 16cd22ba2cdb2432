// SIGINT, SIGTERM and SIGHUP as values to wait for.
#pragma once

namespace tocsin::cli {

// While one exists, the signals wait to be taken instead of ending the process, and SIGPIPE is
// ignored. Make it before any thread: threads inherit what is blocked. At most one at a time.
class Signals {
 public:
  enum class Kind { kStop, kReload };

  Signals();
  // From here on SIGINT, which an impatient user sends, ends the process at once. The others go on
  // waiting: who stops services may well say it twice, and means no harm by it.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  Kind Wait();
  // Makes Wait return kStop, from any thread.
  void RequestStop();
};

}  // namespace tocsin::cli
