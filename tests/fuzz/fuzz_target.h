// What every fuzz target defines: it takes any bytes, and aborts when something that must hold does
// not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

namespace tocsin::fuzz {

inline std::string_view TextOf(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

inline void Require(bool holds, std::string_view what, std::string_view input) {
  if (holds) return;
  std::cerr << "does not hold: " << what << "\n" << input << "\n";
  std::abort();
}

}  // namespace tocsin::fuzz
