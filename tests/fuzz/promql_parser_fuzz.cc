// Any text is parsed or refused, and what was parsed prints as a text that gives the same tree.
#include "engine/promql/matcher_edit.h"
#include "engine/promql/parser.h"
#include "tests/fuzz/fuzz_target.h"

using tocsin::promql::ParserOptions;

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text = tocsin::fuzz::TextOf(bytes, size);
  const ParserOptions options{.experimental_functions = true,
                              .extended_range_selectors = true,
                              .binop_fill_modifiers = true};
  static_cast<void>(tocsin::promql::ParseSelector(text, options));
  static_cast<void>(tocsin::promql::ParseMetric(text));
  const auto query = tocsin::promql::ParseQuery(text, options);
  if (!query.ok()) {
    tocsin::fuzz::Require(!query.error().message.empty(), "an error says what is wrong", text);
    return 0;
  }
  // Printing puts matchers in order, so that trees are compared by what they print.
  const std::string line = tocsin::promql::Print((*query)->root());
  for (const std::string& printed : {line, tocsin::promql::PrettyPrint((*query)->root())}) {
    const auto again = tocsin::promql::ParseQuery(printed, options);
    tocsin::fuzz::Require(again.ok(), "what was printed can be parsed", printed);
    tocsin::fuzz::Require(tocsin::promql::Print((*again)->root()) == line, "it gives the same tree",
                          printed);
  }
  const auto edited = tocsin::promql::PrettyPrintEdited(
      text, options, tocsin::promql::SettingMatcher(tocsin::Matcher::Equal("a", "b")));
  tocsin::fuzz::Require(edited.ok(), "matchers can be set", text);
  return 0;
}
