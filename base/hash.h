// 64-bit hashes (XXH3; the same on every machine and in every run).
#pragma once

#include <cstdint>
#include <string_view>

namespace tocsin {

uint64_t Hash64(std::string_view bytes, uint64_t seed = 0);

}  // namespace tocsin
