// What a peer said, fit to be shown: it may send anything.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

// Bytes that are no UTF-8 become '?'. For label values.
std::string ValidUtf8(std::string_view text);
// The same in one line of at most `most` bytes. For messages.
std::string PeerMessage(std::string_view text, size_t most = 500);

}  // namespace tocsin
