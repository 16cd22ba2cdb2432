// Numbers as decimal text without an exponent, fast.
//
// Source: R. Giulietti, "The Schubfach way to render doubles" (2020). In the interval of what
// rounds to the double there is at most one multiple of a certain power of ten, or it holds some of
// the next larger one, so that three products of 64 by 128 bits decide. For what is neither very
// large nor small that power is exact in 128 bits, and nothing but one branch on the size of a
// number is left. std::to_chars, its naive twin, gives the same text and takes four times as long.
#pragma once

#include <cstdint>

namespace tocsin {

// The bounds of PutFixed, the second exclusive.
constexpr double kLeastFixed = 1e-5;
constexpr double kMostFixed = 1e15;

// Writes the shortest decimal number that reads back as `value`, the nearest one of several, to
// `to` and returns its end: 0.1, 12.5. `value` lies within the bounds and is not a whole number.
// There is room for kFixedRoom characters, of which those behind the end may be overwritten. May be
// called from any thread.
constexpr int kFixedRoom = 40;
char* PutFixed(char* to, double value);

// Writes the digits of a whole number; there is room for kDigitsRoom characters, likewise.
constexpr int kDigitsRoom = 24;
char* PutDigits(char* to, uint64_t number);

}  // namespace tocsin
