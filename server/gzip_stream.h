// gzip of streamed bodies, at zlib's fastest level: they are made once and read once. Whole bodies
// are compressed by engine/exposition/gzip.h.
#pragma once

#include <memory>
#include <string_view>

#include "server/http_message.h"

namespace tocsin::server {

// Compresses piece by piece. Not thread-safe.
class GzipStream {
 public:
  explicit GzipStream(BodyWriter out);
  ~GzipStream();

  // False when the client is gone or the compressor failed.
  bool Write(std::string_view piece);
  bool Finish();

 private:
  bool Deflate(std::string_view piece, int flush);

  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace tocsin::server
