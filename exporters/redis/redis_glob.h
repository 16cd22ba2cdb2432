// Redis' patterns of keys.
#pragma once

#include <string_view>

namespace tocsin {

// As KEYS and SCAN MATCH do: * ? [abc] [^a-z] and \ before a character that stands for itself. In
// time proportional to both lengths multiplied, whatever the pattern.
bool MatchesRedisPattern(std::string_view pattern, std::string_view key);
// Whether the pattern can match anything but itself.
bool IsRedisPattern(std::string_view text);

}  // namespace tocsin
