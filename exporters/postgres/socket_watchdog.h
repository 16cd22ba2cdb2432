// Cuts off a session whose library blocks: at its deadline, or when it brings too much.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/executor.h"
#include "base/scheduler.h"
#include "base/thread_annotations.h"

namespace tocsin {

// The socket of a session, as other threads may touch it.
//
// Thread safety: all methods may be called from any thread.
class WatchedSocket {
 public:
  enum class End { kNone, kTimedOut, kTooMuch, kCanceled };

  // -1: there is none any more.
  void Set(int fd);
  // Shuts the socket down, and those that follow when it is for good (kCanceled).
  void ShutDown(End why);
  // Shuts it down when the peer has sent `limit` bytes since the last Reset.
  void CheckReceived(uint64_t limit);
  // A new collection begins.
  void Reset();
  End end() const;

 private:
  uint64_t ReceivedLocked() const REQUIRES_LOCK(mutex_);

  mutable Mutex mutex_;
  int fd_ GUARDED_BY(mutex_) = -1;
  End end_ GUARDED_BY(mutex_) = End::kNone;
  uint64_t received_before_ GUARDED_BY(mutex_) = 0;
};

// Looks after a socket from Start until Stop: every 20 ms whether it brings too much, and at the
// deadline it ends it. On a thread of its own, which must not wait behind other work.
//
// Not thread-safe.
class SocketWatchdog {
 public:
  // All outlive the watchdog.
  SocketWatchdog(Scheduler& scheduler, const Clock& clock, WatchedSocket& socket);
  ~SocketWatchdog();
  SocketWatchdog(const SocketWatchdog&) = delete;
  SocketWatchdog& operator=(const SocketWatchdog&) = delete;
  void Start(SteadyTime deadline);
  void Stop();

 private:
  void Arm() REQUIRES_LOCK(mutex_);
  void Look(uint64_t round);

  Scheduler& scheduler_;
  const Clock& clock_;
  WatchedSocket& socket_;
  Mutex mutex_;
  // Counts Start and Stop: what an older round left under way does nothing.
  uint64_t round_ GUARDED_BY(mutex_) = 0;
  SteadyTime deadline_ GUARDED_BY(mutex_);
  std::optional<TimerId> timer_ GUARDED_BY(mutex_);
  ThreadPool thread_;  // last: its tasks use the rest
};

}  // namespace tocsin
