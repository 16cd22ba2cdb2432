#include "server/html.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/markup.h"

namespace tocsin::server {
namespace {

constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'";

// The path under which the outside sees this server, without a trailing slash.
std::string OutsidePath(std::string_view external_url) {
  const size_t scheme = external_url.find("://");
  if (scheme == std::string_view::npos) return {};
  const size_t slash = external_url.find('/', scheme + 3);
  return slash == std::string_view::npos ? "" : std::string(external_url.substr(slash));
}

}  // namespace

HttpServerResponse HtmlPage(const ProcessView& view, std::string_view title,
                            std::string_view main) {
  const std::string path = EscapeMarkup(OutsidePath(view.external_url));
  HttpServerResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {{"Content-Security-Policy", std::string(kPolicy)},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cache-Control", "no-store"}};
  response.body = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{0}</title>\n"
      "<link rel=\"stylesheet\" href=\"{1}/style.css\">\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#main\">Skip to content</a>\n"
      "<header><p class=\"brand\"><a href=\"{1}/\">tocsin</a></p>\n<nav aria-label=\"Pages\">"
      "<a href=\"{1}/\">Status</a> <a href=\"{1}/graph\">Query</a> "
      "<a href=\"{1}/metrics\">Metrics</a></nav></header>\n"
      "<main id=\"main\">\n{2}</main>\n"
      "<footer><p>tocsin {3}, {4}</p></footer>\n</body>\n</html>\n",
      EscapeMarkup(title), path, main, EscapeMarkup(view.build.version),
      FormatRfc3339(view.clock.Now()));
  return response;
}

std::string Ago(const ProcessView& view, std::optional<Timestamp> then) {
  if (!then) return "never";
  const Duration age = std::max(view.clock.Now() - *then, Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age);
  if (seconds.count() == 0) return "just now";
  return FormatPrometheusDuration(seconds) + " ago";
}

}  // namespace tocsin::server
