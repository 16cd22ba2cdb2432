#include "server/zstd_stream.h"

#include <zstd.h>

#include <array>

namespace tocsin::server {
namespace {

constexpr int kLevel = 1;
// Readers of HTTP must take windows up to 8 MiB (RFC 9659); a page needs less, and less memory.
constexpr int kWindowLog = 17;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

struct ZstdStream::State {
  BodyWriter out;
  std::unique_ptr<ZSTD_CCtx, FreeContext> context{ZSTD_createCCtx()};
  bool broken = false;
  std::array<char, 32 << 10> buffer;

  bool Pack(std::string_view piece, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in = {.src = piece.data(), .size = piece.size(), .pos = 0};
    for (;;) {
      if (broken) return false;
      ZSTD_outBuffer made = {.dst = buffer.data(), .size = buffer.size(), .pos = 0};
      const size_t left = ZSTD_compressStream2(context.get(), &made, &in, directive);
      broken = ZSTD_isError(left) != 0 || (made.pos > 0 && !out({buffer.data(), made.pos}));
      const bool done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
      if (done) return !broken;
    }
  }
};

ZstdStream::ZstdStream(BodyWriter out) : state_(std::make_unique<State>()) {
  state_->out = std::move(out);
  state_->broken = state_->context == nullptr;
  if (state_->broken) return;
  ZSTD_CCtx_setParameter(state_->context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(state_->context.get(), ZSTD_c_windowLog, kWindowLog);
}

ZstdStream::~ZstdStream() = default;

bool ZstdStream::Write(std::string_view piece) { return state_->Pack(piece, ZSTD_e_continue); }

bool ZstdStream::Finish() { return state_->Pack({}, ZSTD_e_end); }

}  // namespace tocsin::server
