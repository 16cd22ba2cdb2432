// HTML pages without scripts: the frame that all pages share.
#pragma once

#include <string>
#include <string_view>

#include "server/http_message.h"
#include "server/process_view.h"

namespace tocsin::server {

// A whole page: `main` is HTML. The headers forbid scripts, frames and anything foreign.
HttpServerResponse HtmlPage(const ProcessView& view, std::string_view title, std::string_view main);

// "3m 20s ago"; "never" for nothing.
std::string Ago(const ProcessView& view, std::optional<Timestamp> then);

}  // namespace tocsin::server
