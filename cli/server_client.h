// The HTTP API of a running tocsin or Prometheus, as the commands ask it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/command.h"

namespace tocsin::cli {

constexpr FlagSpec kServerFlag = {.name = "--server",
                                  .value = "URL",
                                  .fallback = "http://127.0.0.1:9977",
                                  .help = "The server that is asked."};

// "localhost:9977/" -> "http://localhost:9977".
std::string NormalServerUrl(std::string url);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// Posts the parameters as a form, or gets when there are none. The member `data` of the answer; an
// answer with status "error" is an Error with its text.
Result<JsonValue> AskApi(HttpClient& http, const std::string& server, std::string_view path,
                         const QueryParameters& parameters = {});

}  // namespace tocsin::cli
