#include "server/gzip_stream.h"

#include <zlib.h>

#include <array>

namespace tocsin::server {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 KiB window, gzip header
constexpr int kMemoryLevel = 8;       // zlib's default

}  // namespace

struct GzipStream::State {
  BodyWriter out;
  z_stream stream{};
  bool broken = false;
  std::array<char, 32 << 10> buffer;
};

GzipStream::GzipStream(BodyWriter out) : state_(std::make_unique<State>()) {
  state_->out = std::move(out);
  state_->broken = deflateInit2(&state_->stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow,
                                kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK;
}

GzipStream::~GzipStream() { deflateEnd(&state_->stream); }

bool GzipStream::Write(std::string_view piece) { return Deflate(piece, Z_NO_FLUSH); }

bool GzipStream::Finish() { return Deflate({}, Z_FINISH); }

bool GzipStream::Deflate(std::string_view piece, int flush) {
  z_stream& stream = state_->stream;
  // zlib does not write to its input, but says so only with ZLIB_CONST.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  stream.avail_in = static_cast<uInt>(piece.size());
  do {
    if (state_->broken) return false;
    stream.next_out = reinterpret_cast<Bytef*>(state_->buffer.data());
    stream.avail_out = static_cast<uInt>(state_->buffer.size());
    const int outcome = deflate(&stream, flush);
    const size_t made = state_->buffer.size() - stream.avail_out;
    state_->broken =
        outcome == Z_STREAM_ERROR || (made > 0 && !state_->out({state_->buffer.data(), made}));
  } while (stream.avail_out == 0);
  return !state_->broken;
}

}  // namespace tocsin::server
