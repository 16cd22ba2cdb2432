// Any page is read to its end or to an error with a place, in every format.
#include "engine/exposition/parser.h"
#include "tests/fuzz/fuzz_target.h"

using tocsin::ExpositionEvent;
using tocsin::ExpositionFormat;

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view body = tocsin::fuzz::TextOf(bytes, size);
  for (const ExpositionFormat format :
       {ExpositionFormat::kPrometheusText, ExpositionFormat::kOpenMetrics}) {
    tocsin::ExpositionParser parser(body, format);
    ExpositionEvent event = parser.Next();
    for (; event != ExpositionEvent::kEnd && event != ExpositionEvent::kError;
         event = parser.Next()) {
      if (event == ExpositionEvent::kSample) static_cast<void>(parser.ReadLabels());
      if (event == ExpositionEvent::kHelp) static_cast<void>(parser.ReadText());
    }
    const bool placed =
        event == ExpositionEvent::kEnd || parser.error().message.find("line ") != std::string::npos;
    tocsin::fuzz::Require(placed, "an error says where it is", body);
    tocsin::fuzz::Require(parser.Next() == event, "the parser stays where it ended", body);
  }
  return 0;
}
