#include "server/client_socket.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <charconv>
#include <filesystem>

namespace tocsin::server {
namespace {

constexpr uint32_t kCallsWithoutLook = 1;

bool IsPeer(int socket, in_addr_t address, uint16_t port) {
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  return ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
         peer.sin_family == AF_INET && peer.sin_addr.s_addr == address &&
         ntohs(peer.sin_port) == port;
}

}  // namespace

ClientSocket::ClientSocket(std::string address, uint16_t port)
    : address_(std::move(address)), port_(port) {}

void ClientSocket::Find() {
  const in_addr_t address = ::inet_addr(address_.c_str());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename().string();
    int socket = -1;
    std::from_chars(name.data(), name.data() + name.size(), socket);
    if (socket >= 0 && IsPeer(socket, address, port_)) socket_ = socket;
  }
}

bool ClientSocket::HungUp() {
  if (calls_.fetch_add(1, std::memory_order_relaxed) < kCallsWithoutLook) return false;
  std::call_once(found_, [this] { Find(); });
  if (socket_ < 0) return false;
  pollfd request{.fd = socket_, .events = POLLRDHUP, .revents = 0};
  return ::poll(&request, 1, 0) > 0 &&
         (request.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

}  // namespace tocsin::server
