#include "server/gzip.h"

#include <zlib.h>

namespace tocsin::server {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 KiB window, gzip header
constexpr int kMemoryLevel = 8;       // zlib's default

}  // namespace

Result<std::string> Gzip(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return InternalError("gzip: cannot start the compressor");
  }
  std::string out(deflateBound(&stream, text.size()), '\0');
  // zlib does not write to its input, but says so only with ZLIB_CONST.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int outcome = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (outcome != Z_STREAM_END) return InternalError("gzip: the compressor gave up");
  return out;
}

}  // namespace tocsin::server
