// Any template is parsed or refused, and runs within its bounds.
#include <memory>

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
  tocsin::templates::AlertFields fields;
  fields.labels = std::make_shared<const tocsin::LabelSet>(
      tocsin::LabelSet{{"instance", "a:1"}, {"job", "app"}});
  fields.external_labels = std::make_shared<const tocsin::LabelSet>();
  const auto expanded = parsed->Expand(fields, {});
  if (expanded.ok()) {
    tocsin::fuzz::Require(expanded->size() <= (1 << 20) + text.size(), "the output is bounded",
                          text);
  }
  return 0;
}
