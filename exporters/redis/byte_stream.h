// A connection that never blocks: TCP or a unix socket, plain or under TLS.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "exporters/redis/redis_address.h"

namespace tocsin {

// Asked now and then while somebody waits; true ends the waiting.
using CanceledCheck = std::function<bool()>;

// Not thread-safe, but for Shutdown.
class ByteStream {
 public:
  // What the socket must be ready for before the same call makes progress.
  enum class Wants { kNothing, kRead, kWrite };
  struct Progress {
    size_t bytes = 0;
    Wants wants = Wants::kNothing;  // with no bytes
  };

  virtual ~ByteStream() = default;
  // Errors: the peer has gone.
  virtual Result<Progress> Read(std::span<char> into) = 0;
  virtual Result<Progress> Write(std::string_view bytes) = 0;
  virtual int fd() const = 0;
  // Makes the peer, and this side, see the end. Any thread.
  virtual void Shutdown() = 0;
};

// TCP or unix, by the address. Looking up a name blocks as long as the resolver does.
Result<std::unique_ptr<ByteStream>> OpenSocket(const RedisAddress& address, const Clock& clock,
                                               SteadyTime deadline, const CanceledCheck& canceled);
// Speaks TLS over a connected socket, after the handshake. The peer's name and certificate are
// checked unless the options say otherwise.
Result<std::unique_ptr<ByteStream>> OpenTls(std::unique_ptr<ByteStream> socket,
                                            const RedisAddress& address, const Clock& clock,
                                            SteadyTime deadline, const CanceledCheck& canceled);

// Until the socket is ready: an error at the deadline (kTimeout) and when it is canceled.
Status WaitFor(int fd, ByteStream::Wants wants, const Clock& clock, SteadyTime deadline,
               const CanceledCheck& canceled);

}  // namespace tocsin
