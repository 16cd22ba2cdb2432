// Digests that formats of Prometheus have fixed. Not for anything that has to be secure or fast.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

// Relabelling's hashmod.
std::array<uint8_t, 16> Md5(std::string_view bytes);
// In lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace tocsin
