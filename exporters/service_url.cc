#include "exporters/service_url.h"

#include <charconv>
#include <optional>

namespace tocsin {
namespace {

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::string Decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const std::optional<int> high = HexDigit(text[i + 1]);
      const std::optional<int> low = HexDigit(text[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

// "host:port", "[::1]:port", "host"
Status ReadHost(std::string_view text, ServiceUrl& url) {
  size_t end = text.find(':');
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return InvalidArgument("a URL's \"[\" has no \"]\"");
    url.host = text.substr(1, close - 1);
    end = close + 1 < text.size() ? close + 1 : std::string_view::npos;
  } else {
    url.host = text.substr(0, end);
  }
  if (end == std::string_view::npos) return Ok();
  const std::string_view port = text.substr(end + 1);
  const auto [last, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc() || last != port.data() + port.size() || url.port < 1 ||
      url.port > 65'535) {
    return InvalidArgument("a URL's port is no number from 1 to 65535");
  }
  return Ok();
}

}  // namespace

Result<ServiceUrl> ParseServiceUrl(std::string_view text) {
  ServiceUrl url;
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    return InvalidArgument("a URL must begin with a scheme such as redis://");
  }
  url.scheme = text.substr(0, scheme_end);
  std::string_view rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('?'));
  const size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) url.path = Decoded(rest.substr(slash + 1));
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    const size_t colon = user.find(':');
    url.user = Decoded(user.substr(0, colon));
    if (colon != std::string_view::npos) url.password = Decoded(user.substr(colon + 1));
    authority.remove_prefix(at + 1);
  }
  RETURN_IF_ERROR(ReadHost(authority, url));
  return url;
}

}  // namespace tocsin
