// The shortest decimal number that reads back as a double, the nearest one of several.
//
// Source: R. Giulietti, "The Schubfach way to render doubles" (2020). In the interval of what
// rounds to the double there is at most one multiple of a certain power of ten, or it holds some of
// the next smaller one, so that three products of 64 by 128 bits decide. std::to_chars, its naive
// twin, gives the same digits and takes twice as long.
#pragma once

#include <cstdint>

namespace tocsin {

// digits · 10^exponent, without zeros at the end of the digits, of which there are at most 17.
struct ShortestDecimal {
  uint64_t digits = 0;
  int exponent = 0;
};

// `value` is finite and above 0. May be called from any thread.
ShortestDecimal ShortestDecimalOf(double value);

// Writes the digits of a whole number to `to` and returns their end. There is room for
// kDigitsRoom characters, of which those behind the end may be overwritten.
constexpr int kDigitsRoom = 24;
char* PutDigits(char* to, uint64_t number);

}  // namespace tocsin
