// Text as it stands between the quotes of a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

// Escapes as JsonWriter does: `<`, `>` and `&` too, bytes that are not UTF-8 become U+FFFD.
void AppendJsonText(std::string& out, std::string_view text);

}  // namespace tocsin
