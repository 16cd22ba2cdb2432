// Which format and encoding a scrape speaks: the HTTP headers on both sides.
#pragma once

#include <string>
#include <string_view>

#include "engine/exposition/escaping.h"
#include "engine/exposition/format.h"

namespace tocsin {

// Our side as server: what a reader asked for.
struct NegotiatedFormat {
  ExpositionFormat format = ExpositionFormat::kPrometheusText;
  std::string_view version = "0.0.4";
  EscapingScheme escaping = EscapingScheme::kUnderscores;
  bool names_escaping = false;  // the reader knows of schemes: the answer names its own

  std::string ContentType() const;
};
// What an Accept header prefers (q values counted; OpenMetrics where equal): OpenMetrics 1.0.0 or
// 0.0.1, text 1.0.0 or 0.0.4; text 0.0.4 when it names none of them.
NegotiatedFormat NegotiateFormat(std::string_view accept);

enum class ContentCoding { kIdentity, kGzip, kZstd };
// What an Accept-Encoding header prefers; zstd where it is named and not liked less than gzip.
ContentCoding NegotiateCoding(std::string_view accept_encoding);
// The Content-Type of a page in this format.
std::string_view ContentTypeOf(ExpositionFormat format);

// Our side as scraper. The Accept header we send.
std::string_view ScrapeAcceptHeader();
// The format of a page with this Content-Type; the text format for everything but
// application/openmetrics-text, as targets often send none or a wrong one.
ExpositionFormat FormatOfContentType(std::string_view content_type);

}  // namespace tocsin
