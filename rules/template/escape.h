// Texts made safe for other languages, as Go's text/template and net/url do it.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::templates {

std::string EscapeHtml(std::string_view text);
std::string EscapeJs(std::string_view text);
// The form of query parameters: a space is +.
std::string EscapeQuery(std::string_view text);

// "/graph?g0.expr=…&g0.tab=1": where Prometheus and tocsin show an expression.
std::string TableLink(std::string_view expression);
std::string GraphLink(std::string_view expression);

}  // namespace tocsin::templates
