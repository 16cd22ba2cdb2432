// Reads RESP2, the protocol of Redis, from bytes that may be anything.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exporters/redis/redis_reply.h"

namespace tocsin {

struct RespLimits {
  // Of one reply. A server that announces more, or nests more than seven arrays, breaks off.
  size_t max_bytes = 64 << 20;
  size_t max_elements = 1 << 18;
};

// hiredis does the parsing; replies are built here, so that memory follows what has arrived and not
// what was announced.
//
// Not thread-safe.
class RespReader {
 public:
  explicit RespReader(RespLimits limits = {});
  ~RespReader();
  RespReader(const RespReader&) = delete;
  RespReader& operator=(const RespReader&) = delete;

  // Bytes in the order in which they arrive.
  Status Feed(std::string_view bytes);
  // The next complete reply; nothing when more bytes are needed. After an error, of this or of
  // Feed, nothing more can be read.
  Result<std::optional<RedisReply>> Next();

 private:
  struct Parser;
  const std::unique_ptr<Parser> parser_;
};

// A command in the form in which it is sent.
std::string RespCommand(const std::vector<std::string>& command);

}  // namespace tocsin
