#include "rules/template/escape.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/http_client.h"

namespace tocsin::templates {
namespace {

using Replacement = std::pair<char, std::string_view>;

std::string Replace(std::string_view text, std::span<const Replacement> table) {
  std::string out;
  for (const char c : text) {
    const auto row = std::ranges::find(table, c, &Replacement::first);
    if (row != table.end()) {
      out += row->second;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  constexpr Replacement kTable[] = {{'\0', "\uFFFD"}, {'"', "&#34;"}, {'\'', "&#39;"},
                                    {'&', "&amp;"},   {'<', "&lt;"},  {'>', "&gt;"}};
  return Replace(text, kTable);
}

std::string EscapeJs(std::string_view text) {
  constexpr Replacement kTable[] = {{'\\', "\\\\"},   {'\'', "\\'"},    {'"', "\\\""},
                                    {'<', "\\u003C"}, {'>', "\\u003E"}, {'&', "\\u0026"},
                                    {'=', "\\u003D"}};
  std::string out;
  for (const char c : Replace(text, kTable)) {
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04X}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string EscapeQuery(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == ' ' ? "+" : UrlEncode({&c, 1});
  }
  return out;
}

std::string GraphLink(std::string_view expression) {
  return fmt::format("/graph?g0.expr={}&g0.tab=0", EscapeQuery(expression));
}
std::string TableLink(std::string_view expression) {
  return fmt::format("/graph?g0.expr={}&g0.tab=1", EscapeQuery(expression));
}

}  // namespace tocsin::templates
