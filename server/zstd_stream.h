// zstd of streamed bodies, at its fastest ordinary level: they are made once and read once.
#pragma once

#include <memory>
#include <string_view>

#include "server/http_message.h"

namespace tocsin::server {

// Compresses piece by piece. Not thread-safe.
class ZstdStream {
 public:
  explicit ZstdStream(BodyWriter out);
  ~ZstdStream();

  // False when the client is gone or the compressor failed.
  bool Write(std::string_view piece);
  bool Finish();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace tocsin::server
