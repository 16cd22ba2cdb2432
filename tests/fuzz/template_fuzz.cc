// Any template is parsed or refused, and runs within its bounds.
#include "rules/alert_template.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text = tocsin::fuzz::TextOf(bytes, size);
  const auto parsed = tocsin::AlertTemplate::Parse("Fuzz", text);
  if (!parsed.ok()) {
    tocsin::fuzz::Require(!parsed.error().message.empty(), "an error says what is wrong", text);
    return 0;
  }
  tocsin::fuzz::Require(parsed->text() == text, "the text stays as it was written", text);
  const auto expanded = parsed->Expand({}, {});
  if (expanded.ok()) {
    tocsin::fuzz::Require(expanded->size() <= (1 << 20) + text.size(), "the output is bounded",
                          text);
  }
  return 0;
}
