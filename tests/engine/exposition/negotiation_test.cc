#include "engine/exposition/negotiation.h"

#include <gtest/gtest.h>

#include <vector>

namespace tocsin {
namespace {

constexpr auto kText = ExpositionFormat::kPrometheusText;
constexpr auto kOm = ExpositionFormat::kOpenMetrics;

TEST(NegotiationTest, TheAcceptHeaderChoosesTheFormat) {
  const std::vector<std::pair<std::string_view, ExpositionFormat>> cases = {
      {"", kText},
      {"*/*", kText},
      {"text/html", kText},
      {"application/openmetrics-text", kOm},
      {"Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", kOm},
      {"application/openmetrics-text;version=\"0.0.1\"", kOm},
      {"application/openmetrics-text;version=2.0.0,text/plain", kText},
      {"application/openmetrics-text;q=0", kText},
      {"application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.3", kText},
      {"text/plain;version=0.0.4;q=0.3, application/openmetrics-text;version=1.0.0;q=0.5", kOm},
      // What Prometheus 2.42 and 3 send.
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
       "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kOm},
      {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;"
       "version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
       kOm},
      {ScrapeAcceptHeader(), kOm},
      {";;,=,;q=,", kText},
  };
  for (const auto& [accept, format] : cases)
    EXPECT_EQ(NegotiateFormat(accept).format, format) << accept;
}

TEST(NegotiationTest, TheAnswerNamesVersionAndScheme) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"", "text/plain; version=0.0.4; charset=utf-8"},
      {"text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8"},
      {"text/plain;version=1.0.0;escaping=allow-utf-8",
       "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"},
      {"text/plain;version=0.0.4;q=0.5,text/plain;version=1.0.0;escaping=dots;q=0.4",
       "text/plain; version=0.0.4; charset=utf-8"},
      {"application/openmetrics-text;version=0.0.1",
       "application/openmetrics-text; version=0.0.1; charset=utf-8"},
      {"application/openmetrics-text;version=1.0.0;escaping=values",
       "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values"},
      {"application/openmetrics-text;version=1.0.0;escaping=nonsense",
       "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"}};
  for (const auto& [accept, type] : cases) {
    EXPECT_EQ(NegotiateFormat(accept).ContentType(), type) << accept;
  }
}

TEST(NegotiationTest, TheCodingIsOneThatIsAllowed) {
  using enum ContentCoding;
  const std::vector<std::pair<std::string_view, ContentCoding>> cases = {
      {"", kIdentity},
      {"gzip", kGzip},
      {"deflate, GZIP;q=0.5", kGzip},
      {"identity", kIdentity},
      {"gzip;q=0", kIdentity},
      {"*", kGzip},
      {"*;q=0", kIdentity},
      {"gzip;q=0, *", kIdentity},
      {"zstd", kZstd},
      {"gzip, deflate, br, zstd", kZstd},
      {"gzip, zstd;q=0.5", kGzip},
      {"zstd;q=0, gzip", kGzip}};
  for (const auto& [header, expected] : cases)
    EXPECT_EQ(NegotiateCoding(header), expected) << header;
}

// The examples of prometheus.io/docs/instrumenting/escaping_schemes and their like.
TEST(EscapingTest, NamesAreWrittenForReadersOfTheOldAlphabet) {
  struct Case {
    std::string_view name, underscores, dots, values;
  };
  const std::vector<Case> cases = {
      {"no_change", "no_change", "no__change", "no_change"},
      {"http.status", "http_status", "http_dot_status", "U__http_2e_status"},
      {"a.b_c", "a_b_c", "a_dot_b__c", "U__a_2e_b__c"},
      {"1a", "_a", "__a", "U___31_a"},
      {"h\xc3\xa4t", "h_t", "h__t", "U__h_e4_t"},
      {"\xff", "_", "__", "U___FFFD_"}};
  for (const Case& c : cases) {
    EXPECT_EQ(EscapeName(c.name, EscapingScheme::kUnderscores), c.underscores);
    EXPECT_EQ(EscapeName(c.name, EscapingScheme::kDots), c.dots);
    EXPECT_EQ(EscapeName(c.name, EscapingScheme::kValues), c.values);
    EXPECT_EQ(EscapeName(c.name, EscapingScheme::kAllowUtf8), c.name);
  }
}

TEST(NegotiationTest, TheContentTypeTellsTheFormat) {
  EXPECT_EQ(FormatOfContentType("text/plain; version=0.0.4"), kText);
  EXPECT_EQ(FormatOfContentType(""), kText);
  EXPECT_EQ(FormatOfContentType("text/html"), kText);
  EXPECT_EQ(FormatOfContentType(ContentTypeOf(kText)), kText);
  EXPECT_EQ(FormatOfContentType(ContentTypeOf(kOm)), kOm);
}

}  // namespace
}  // namespace tocsin
