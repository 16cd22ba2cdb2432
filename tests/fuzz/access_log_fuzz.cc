// The first line is a log_format, the others are log lines: each is a request or is none.
#include "exporters/nginx/access_log.h"
#include "exporters/text_scan.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text = tocsin::fuzz::TextOf(bytes, size);
  const auto format = tocsin::TakeLine(text);
  if (!format) return 0;
  auto reader = tocsin::AccessLogReader::Make(*format);
  auto json = tocsin::AccessLogReader::Make("json");
  while (const auto line = tocsin::TakeLine(text)) {
    for (auto* each : {&reader, &json}) {
      if (!each->ok()) continue;
      const auto request = (*each)->Read(*line);
      if (!request) continue;
      const bool sound = request->status >= 0 && request->status <= 999 &&
                         request->seconds.value_or(0) >= 0 && request->method.size() <= size;
      tocsin::fuzz::Require(sound, "a request has a status and no negative time", *line);
    }
  }
  return 0;
}
