// gzip bodies of answers.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tocsin::server {

// At zlib's fastest level: answers are made once and read once.
Result<std::string> Gzip(std::string_view text);

}  // namespace tocsin::server
