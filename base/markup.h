// Text inside HTML, SVG and XML.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

// Makes `text` safe as the text of an element and inside a quoted attribute: < > & " ' become
// references, and control characters that XML 1.0 cannot hold become spaces; tab and newline stay.
std::string EscapeMarkup(std::string_view text);

}  // namespace tocsin
