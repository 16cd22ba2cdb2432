// Whether the client of a request has hung up.
//
// The HTTP library keeps its sockets to itself. That of a request is found among the open files of
// the process by the address of its other end.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace tocsin::server {

// Thread safety: all methods may be called from any thread, as long as the library holds the
// socket.
class ClientSocket {
 public:
  // Of the IPv4 client at that address and port.
  ClientSocket(std::string address, uint16_t port);

  // True once the client has closed its end. The first calls say false without a look: a short
  // request is not worth the search.
  bool HungUp();

 private:
  void Find();

  const std::string address_;
  const uint16_t port_;
  std::atomic<uint32_t> calls_ = 0;
  std::once_flag found_;
  int socket_ = -1;  // after found_
};

}  // namespace tocsin::server
