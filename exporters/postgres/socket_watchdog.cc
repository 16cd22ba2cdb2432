#include "exporters/postgres/socket_watchdog.h"

#include <linux/tcp.h>  // glibc's <netinet/tcp.h> has no tcpi_bytes_received
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

namespace tocsin {
namespace {

constexpr Duration kLookEvery = std::chrono::milliseconds(20);
// What a collection may bring: ten times what ten thousand tables need.
constexpr uint64_t kMaxBytes = 32 << 20;

// What the kernel received on a TCP connection so far; 0 for other sockets.
uint64_t BytesReceived(int fd) {
  struct tcp_info figures {};
  socklen_t size = sizeof(figures);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &figures, &size) != 0) return 0;
  return size >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t)
             ? figures.tcpi_bytes_received
             : 0;
}

}  // namespace

void WatchedSocket::Set(int fd) {
  const MutexLock lock(mutex_);
  fd_ = fd;
  received_before_ = 0;
  if (fd_ >= 0 && end_ == End::kCanceled) ::shutdown(fd_, SHUT_RDWR);
}

void WatchedSocket::ShutDown(End why) {
  const MutexLock lock(mutex_);
  if (end_ != End::kCanceled) end_ = why;
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

void WatchedSocket::CheckReceived(uint64_t limit) {
  const MutexLock lock(mutex_);
  if (fd_ < 0 || end_ != End::kNone || ReceivedLocked() - received_before_ < limit) return;
  end_ = End::kTooMuch;
  ::shutdown(fd_, SHUT_RDWR);
}

void WatchedSocket::Reset() {
  const MutexLock lock(mutex_);
  if (end_ != End::kCanceled) end_ = End::kNone;
  received_before_ = fd_ >= 0 ? ReceivedLocked() : 0;
}

WatchedSocket::End WatchedSocket::end() const {
  const MutexLock lock(mutex_);
  return end_;
}

uint64_t WatchedSocket::ReceivedLocked() const { return BytesReceived(fd_); }

SocketWatchdog::SocketWatchdog(Scheduler& scheduler, const Clock& clock, WatchedSocket& socket)
    : scheduler_(scheduler), clock_(clock), socket_(socket), thread_("pg-watchdog", 1) {}

SocketWatchdog::~SocketWatchdog() { Stop(); }

void SocketWatchdog::Start(SteadyTime deadline) {
  Stop();
  socket_.Reset();
  const MutexLock lock(mutex_);
  deadline_ = deadline;
  Arm();
}

void SocketWatchdog::Stop() {
  const MutexLock lock(mutex_);
  ++round_;
  if (timer_) scheduler_.Cancel(*timer_);
  timer_.reset();
}

void SocketWatchdog::Arm() {
  const auto left = std::chrono::duration_cast<Duration>(deadline_ - clock_.Steady());
  timer_ = scheduler_.After(std::clamp(left, Duration(1), kLookEvery), thread_,
                            [this, round = round_] { Look(round); });
}

void SocketWatchdog::Look(uint64_t round) {
  const MutexLock lock(mutex_);
  if (round != round_) return;
  timer_.reset();
  if (clock_.Steady() >= deadline_) return socket_.ShutDown(WatchedSocket::End::kTimedOut);
  socket_.CheckReceived(kMaxBytes);
  Arm();
}

}  // namespace tocsin
