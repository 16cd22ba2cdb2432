#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "exporters/redis/byte_stream.h"

namespace tocsin {
namespace {

// How soon a waiting call notices that it was canceled.
constexpr Duration kLookEvery = std::chrono::milliseconds(50);
// A peer that is gone without a word is noticed after 15 + 3 × 5 s, if no deadline comes first.
constexpr int kKeepAliveIdle = 15;
constexpr int kKeepAliveInterval = 5;
constexpr int kKeepAliveCount = 3;

std::string ErrorText(int error) {
  char buffer[128] = "";
  return ::strerror_r(error, buffer, sizeof(buffer));
}

class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(int fd) : fd_(fd) {}
  ~SocketStream() override { ::close(fd_); }
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  Result<Progress> Read(std::span<char> into) override {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
    if (got == 0) return Unavailable("the server closed the connection");
    return Took(got, Wants::kRead);
  }
  Result<Progress> Write(std::string_view bytes) override {
    return Took(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), Wants::kWrite);
  }
  int fd() const override { return fd_; }
  void Shutdown() override { ::shutdown(fd_, SHUT_RDWR); }

 private:
  static Result<Progress> Took(ssize_t bytes, Wants wants) {
    if (bytes >= 0) return Progress{.bytes = static_cast<size_t>(bytes)};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Progress{.wants = wants};
    return Unavailable(ErrorText(errno));
  }

  const int fd_;
};

void SetOption(int fd, int level, int option, int value) {
  (void)::setsockopt(fd, level, option, &value, sizeof(value));
}

Result<std::unique_ptr<ByteStream>> ConnectTo(const sockaddr* peer, socklen_t size,
                                              const Clock& clock, SteadyTime deadline,
                                              const CanceledCheck& canceled) {
  const int fd = ::socket(peer->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Unavailable("socket: " + ErrorText(errno));
  auto stream = std::make_unique<SocketStream>(fd);
  if (peer->sa_family != AF_UNIX) {
    SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdle);
    SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveInterval);
    SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveCount);
  }
  if (::connect(fd, peer, size) != 0) {
    if (errno != EINPROGRESS) return Unavailable("connect: " + ErrorText(errno));
    RETURN_IF_ERROR(WaitFor(fd, ByteStream::Wants::kWrite, clock, deadline, canceled));
    int error = 0;
    socklen_t error_size = sizeof(error);
    (void)::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
    if (error != 0) return Unavailable("connect: " + ErrorText(error));
  }
  return std::unique_ptr<ByteStream>(std::move(stream));
}

Result<std::unique_ptr<ByteStream>> ConnectToPath(const std::string& path, const Clock& clock,
                                                  SteadyTime deadline,
                                                  const CanceledCheck& canceled) {
  sockaddr_un peer{};
  peer.sun_family = AF_UNIX;
  if (path.size() >= sizeof(peer.sun_path)) return InvalidArgument("the socket's path is too long");
  std::ranges::copy(path, peer.sun_path);
  return ConnectTo(reinterpret_cast<const sockaddr*>(&peer), sizeof(peer), clock, deadline,
                   canceled);
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

Status WaitFor(int fd, ByteStream::Wants wants, const Clock& clock, SteadyTime deadline,
               const CanceledCheck& canceled) {
  pollfd what = {.fd = fd, .events = 0, .revents = 0};
  what.events = wants == ByteStream::Wants::kWrite ? POLLOUT : POLLIN;
  while (true) {
    if (canceled && canceled()) return Canceled("canceled");
    const auto left = std::chrono::duration_cast<Duration>(deadline - clock.Steady());
    if (left <= Duration::zero()) return TimedOut("timed out");
    const int ready = ::poll(&what, 1, static_cast<int>(std::min(left, kLookEvery).count()));
    if (ready > 0) return Ok();
  }
}

Result<std::unique_ptr<ByteStream>> OpenSocket(const RedisAddress& address, const Clock& clock,
                                               SteadyTime deadline, const CanceledCheck& canceled) {
  if (!address.unix_path.empty()) {
    return ConnectToPath(address.unix_path, clock, deadline, canceled);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const std::string port = std::to_string(address.port);
  const int failed = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &raw);
  if (failed != 0) return Unavailable("host name: " + std::string(::gai_strerror(failed)));
  const std::unique_ptr<addrinfo, FreeAddresses> list(raw);
  Error last = Unavailable("the host has no address");
  for (const addrinfo* peer = list.get(); peer != nullptr; peer = peer->ai_next) {
    Result<std::unique_ptr<ByteStream>> stream =
        ConnectTo(peer->ai_addr, peer->ai_addrlen, clock, deadline, canceled);
    if (stream.ok() || stream.error().code != ErrorCode::kUnavailable) return stream;
    last = stream.error();
  }
  return last;
}

}  // namespace tocsin
