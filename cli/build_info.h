// Which tocsin this is.
#pragma once

#include <string_view>

namespace tocsin::cli {

std::string_view BuildVersion();   // "0.1.0"
std::string_view BuildRevision();  // "6125ac8", "6125ac8-dirty", or "unknown" outside a repository

}  // namespace tocsin::cli
