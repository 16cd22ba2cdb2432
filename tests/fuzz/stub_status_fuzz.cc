// Any page is a status or an error.
#include "exporters/nginx/nginx_collector.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static_cast<void>(tocsin::ParseNginxStatus(tocsin::fuzz::TextOf(bytes, size)));
  return 0;
}
