#include "engine/exposition/negotiation.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>

namespace tocsin {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts the part before `separator` off the front of `rest`.
std::string_view TakeUntil(char separator, std::string_view& rest) {
  const size_t found = rest.find(separator);
  const std::string_view part = rest.substr(0, found);
  rest.remove_prefix(found == std::string_view::npos ? rest.size() : found + 1);
  return Trim(part);
}

std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

// One element of an Accept or Accept-Encoding header: token; version=1.0.0; q=0.5
struct Offer {
  std::string token;
  std::string version;
  std::string escaping;
  double quality = 1;
};

Offer ReadOffer(std::string_view element) {
  Offer offer{.token = AsciiLower(TakeUntil(';', element))};
  while (!element.empty()) {
    std::string_view parameter = TakeUntil(';', element);
    const std::string key = AsciiLower(TakeUntil('=', parameter));
    std::string_view value = Trim(parameter);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (key == "version") offer.version = value;
    if (key == "escaping") offer.escaping = AsciiLower(value);
    if (key == "q") {
      double quality = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), quality);
      if (error == std::errc()) offer.quality = std::clamp(quality, 0.0, 1.0);
    }
  }
  return offer;
}

// The best quality among the offers that fit; negative when none fits.
template <typename Fits>
double BestQuality(std::string_view header, Fits fits) {
  double best = -1;
  while (!header.empty()) {
    const Offer offer = ReadOffer(TakeUntil(',', header));
    if (fits(offer)) best = std::max(best, offer.quality);
  }
  return best;
}

// What this side can write, the best first where a reader wants two of them equally.
struct Offered {
  std::string_view token;
  std::string_view version;
  ExpositionFormat format;
};
constexpr Offered kOffered[] = {
    {"application/openmetrics-text", "1.0.0", ExpositionFormat::kOpenMetrics},
    {"application/openmetrics-text", "0.0.1", ExpositionFormat::kOpenMetrics},
    {"text/plain", "1.0.0", ExpositionFormat::kPrometheusText},
    {"text/plain", "0.0.4", ExpositionFormat::kPrometheusText},
};

// An offer without a version takes the version that everybody knew first.
bool Fits(const Offer& wanted, const Offered& offered) {
  if (wanted.token != offered.token) return false;
  if (!wanted.version.empty()) return wanted.version == offered.version;
  return offered.version == "1.0.0" ? offered.format == ExpositionFormat::kOpenMetrics
                                    : offered.version == "0.0.4";
}

std::optional<EscapingScheme> SchemeNamed(std::string_view text) {
  for (const EscapingScheme scheme : {EscapingScheme::kAllowUtf8, EscapingScheme::kUnderscores,
                                      EscapingScheme::kDots, EscapingScheme::kValues}) {
    if (EscapingSchemeText(scheme) == text) return scheme;
  }
  return std::nullopt;
}

}  // namespace

NegotiatedFormat NegotiateFormat(std::string_view accept) {
  NegotiatedFormat chosen;
  double best = 0;
  for (size_t rank = 0; rank < std::size(kOffered); ++rank) {
    const Offered& offered = kOffered[rank];
    std::string_view rest = accept;
    while (!rest.empty()) {
      const Offer wanted = ReadOffer(TakeUntil(',', rest));
      if (!Fits(wanted, offered) || wanted.quality <= best) continue;
      best = wanted.quality;
      const std::optional<EscapingScheme> scheme = SchemeNamed(wanted.escaping);
      chosen = {.format = offered.format,
                .version = offered.version,
                .escaping = scheme.value_or(EscapingScheme::kUnderscores),
                .names_escaping = !wanted.escaping.empty()};
    }
  }
  return chosen;
}

std::string NegotiatedFormat::ContentType() const {
  std::string text =
      format == ExpositionFormat::kOpenMetrics ? "application/openmetrics-text" : "text/plain";
  text.append("; version=").append(version).append("; charset=utf-8");
  if (names_escaping) text.append("; escaping=").append(EscapingSchemeText(escaping));
  return text;
}

ContentCoding NegotiateCoding(std::string_view accept_encoding) {
  const auto named = [&](std::string_view token, std::string_view other) {
    return BestQuality(accept_encoding,
                       [&](const Offer& o) { return o.token == token || o.token == other; });
  };
  const double zstd = named("zstd", "zstd");
  double gzip = named("gzip", "x-gzip");
  if (gzip < 0) gzip = named("*", "*");
  if (zstd > 0 && zstd >= gzip) return ContentCoding::kZstd;
  return gzip > 0 ? ContentCoding::kGzip : ContentCoding::kIdentity;
}

std::string_view ContentTypeOf(ExpositionFormat format) {
  return format == ExpositionFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

std::string_view ScrapeAcceptHeader() {
  return "application/openmetrics-text;version=1.0.0;q=0.5,"
         "application/openmetrics-text;version=0.0.1;q=0.4,"
         "text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
}

ExpositionFormat FormatOfContentType(std::string_view content_type) {
  return AsciiLower(TakeUntil(';', content_type)) == "application/openmetrics-text"
             ? ExpositionFormat::kOpenMetrics
             : ExpositionFormat::kPrometheusText;
}

}  // namespace tocsin
