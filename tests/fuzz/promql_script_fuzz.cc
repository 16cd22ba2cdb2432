// Any text is a script, or refused; scripts of moderate size are run.
#include "engine/promqltest/script_runner.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text = tocsin::fuzz::TextOf(bytes, size);
  tocsin::promql::EngineOptions options = tocsin::promqltest::ScriptEngineOptions();
  options.timeout = std::chrono::seconds(1);
  options.max_memory_bytes = 64 << 20;
  const auto report = tocsin::promqltest::RunScript("fuzz", text, options);
  tocsin::fuzz::Require(report.failed == report.failures.size(), "each failure is told", text);
  return 0;
}
