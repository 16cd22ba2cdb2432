// The answer of /api/v1/rules/explain as a tree on the terminal.
#pragma once

#include <string>

#include "base/json.h"

namespace tocsin::cli {

// One rule of the answer.
std::string RenderExplanation(const JsonValue& rule, bool colors);

}  // namespace tocsin::cli
