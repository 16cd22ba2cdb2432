// Any body is stored or refused, within bounded memory. The first byte says whether the rest is
// compressed already.
#include <snappy.h>

#include "base/clock.h"
#include "engine/storage/head.h"
#include "engine/storage/remote_write.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  static const tocsin::SystemClock clock;
  const std::string_view rest = tocsin::fuzz::TextOf(bytes + 1, size - 1);
  std::string body(rest);
  if (bytes[0] % 2 == 0) {
    body.clear();
    snappy::Compress(rest.data(), rest.size(), &body);
  }
  tocsin::Head head({.retention = tocsin::Duration(0), .max_series = 1000}, clock);
  const auto report = tocsin::ReceiveRemoteWrite(
      body, head, {.max_uncompressed_bytes = 1 << 20, .max_series = 1000, .max_buckets = 1000});
  if (!report.ok()) {
    tocsin::fuzz::Require(!report.error().message.empty(), "an error says what is wrong", rest);
  }
  return 0;
}
