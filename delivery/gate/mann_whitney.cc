#include "delivery/gate/mann_whitney.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace tocsin::delivery {
namespace {

struct Ranked {
  double value = 0;
  bool of_x = false;
};

std::vector<Ranked> Sorted(std::span<const double> x, std::span<const double> y) {
  std::vector<Ranked> all;
  all.reserve(x.size() + y.size());
  for (const double value : x) all.push_back({value, true});
  for (const double value : y) all.push_back({value, false});
  std::ranges::sort(all, {}, &Ranked::value);
  return all;
}

struct Ranks {
  double sum_of_x = 0;  // equal values share the mean of their ranks
  double ties = 0;      // the sum of t³ - t over groups of t equal values
};

Ranks RanksOf(const std::vector<Ranked>& all) {
  Ranks ranks;
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin + 1;
    while (end < all.size() && all[end].value == all[begin].value) ++end;
    const auto same = static_cast<double>(end - begin);
    const double rank = static_cast<double>(begin + 1 + end) / 2;
    for (size_t i = begin; i < end; ++i) ranks.sum_of_x += all[i].of_x ? rank : 0;
    ranks.ties += same * same * same - same;
    begin = end;
  }
  return ranks;
}

// The share of the orders of n and m distinct values in which u is at least `u`: the orders with a
// given u are counted by whether the largest value is one of the n (then u has grown by m) or not.
double ExactTail(size_t n, size_t m, double u) {
  // orders[j][k]: with i values of the one and j of the other sample, those with u = k.
  std::vector<std::vector<double>> orders(m + 1, std::vector<double>(n * m + 1, 0));
  for (size_t j = 0; j <= m; ++j) orders[j][0] = 1;
  for (size_t i = 1; i <= n; ++i) {
    for (size_t j = 1; j <= m; ++j) {
      // orders[j] still has those of i - 1; orders[j - 1] those of i.
      std::vector<double> next = orders[j - 1];
      for (size_t k = j; k <= n * m; ++k) next[k] += orders[j][k - j];
      orders[j] = std::move(next);
    }
  }
  double all = 0;
  double tail = 0;
  for (size_t k = 0; k <= n * m; ++k) {
    all += orders[m][k];
    if (static_cast<double>(k) >= u) tail += orders[m][k];
  }
  return tail / all;
}

double NormalTail(double n, double m, double u, double ties) {
  const double total = n + m;
  const double variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)));
  if (!(variance > 0)) return 1;  // all values are the same
  const double z = (u - n * m / 2 - 0.5) / std::sqrt(variance);
  return std::min(1.0, std::erfc(z / std::numbers::sqrt2) / 2);
}

}  // namespace

MannWhitney TestLarger(std::span<const double> x, std::span<const double> y) {
  const Ranks ranks = RanksOf(Sorted(x, y));
  const auto n = static_cast<double>(x.size());
  const auto m = static_cast<double>(y.size());
  MannWhitney result{.u = ranks.sum_of_x - n * (n + 1) / 2};
  const bool exact = ranks.ties == 0 && std::min(x.size(), y.size()) <= kExactSize;
  result.p =
      exact ? ExactTail(x.size(), y.size(), result.u) : NormalTail(n, m, result.u, ranks.ties);
  return result;
}

}  // namespace tocsin::delivery
