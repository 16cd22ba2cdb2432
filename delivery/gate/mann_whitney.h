// The Mann-Whitney U test: are the values of one sample larger than those of another?
#pragma once

#include <span>

namespace tocsin::delivery {

struct MannWhitney {
  // Pairs (x, y) with x > y; a tie counts half.
  double u = 0;
  // The probability of such a u, or a larger one, when both samples are of the same distribution.
  double p = 1;
};

// One-sided: the alternative is that x tends to be larger than y. With neither a tie nor more than
// kExactSize values in the smaller sample p is exact, by counting rank orders (Mann and Whitney,
// Ann. Math. Statist. 18(1), 1947, recurrence (2)); else it is that of the normal distribution with
// the correction for ties (Lehmann, Nonparametrics, 1975, 1.2) and for continuity.
// Neither may be empty; values are finite.
MannWhitney TestLarger(std::span<const double> x, std::span<const double> y);

inline constexpr size_t kExactSize = 8;

}  // namespace tocsin::delivery
