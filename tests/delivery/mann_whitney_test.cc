#include "delivery/gate/mann_whitney.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tocsin::delivery {
namespace {

using Values = std::vector<double>;

// What scipy.stats.mannwhitneyu(x, y, alternative="greater") of SciPy 1.10.1 says.
TEST(MannWhitneyTest, AgreesWithScipy) {
  struct Row {
    Values x;
    Values y;
    double u;
    double p;
  };
  const Row rows[] = {
      {{19, 22, 16, 29, 24}, {20, 11, 17, 12}, 17, 0.05555555555555555},
      {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}, 0, 0.9999999999999998},
      {{6, 7, 8, 9, 10}, {1, 2, 3, 4, 5}, 25, 0.003968253968253968},
      {{0.2, 0.2, 0.25, 0.3, 0.2, 0.21}, {0.2, 0.18, 0.2, 0.19, 0.2, 0.2}, 30, 0.02001436195398954},
      {{5, 5, 5, 5, 5}, {5, 5, 5, 6}, 7.5, 0.9101437525605001},
      {{0.31, 0.29, 0.35, 0.33, 0.3, 0.28, 0.36, 0.34, 0.32, 0.27},
       {0.3, 0.26, 0.25, 0.24, 0.31, 0.23, 0.22, 0.29, 0.21, 0.2},
       89.5,
       0.0015814109487985988},
      {{3, 6, 9, 12, 15, 18, 21, 24, 27, 30},
       {1, 4, 7, 10, 13, 16, 19, 22, 25, 28},
       55,
       0.3668649978481236},
  };
  for (const Row& row : rows) {
    const MannWhitney test = TestLarger(row.x, row.y);
    EXPECT_DOUBLE_EQ(test.u, row.u);
    EXPECT_NEAR(test.p, row.p, 1e-12) << row.u;
  }
}

TEST(MannWhitneyTest, ValuesThatAreAllTheSameShowNothing) {
  EXPECT_EQ(TestLarger(Values{2, 2, 2}, Values{2, 2, 2}).p, 1);
}

double NaiveU(const Values& x, const Values& y) {
  double u = 0;
  for (const double a : x) {
    for (const double b : y) u += a > b ? 1 : a == b ? 0.5 : 0;
  }
  return u;
}

// Every way to call n of the values x.
double NaiveP(const Values& x, const Values& y) {
  Values all = x;
  all.insert(all.end(), y.begin(), y.end());
  std::vector<int> of_x(all.size(), 0);
  std::fill(of_x.end() - static_cast<std::ptrdiff_t>(x.size()), of_x.end(), 1);
  const double u = NaiveU(x, y);
  double ways = 0;
  double tail = 0;
  do {
    Values a;
    Values b;
    for (size_t i = 0; i < all.size(); ++i) (of_x[i] == 1 ? a : b).push_back(all[i]);
    ways += 1;
    tail += NaiveU(a, b) >= u ? 1 : 0;
  } while (std::ranges::next_permutation(of_x).found);
  return tail / ways;
}

TEST(MannWhitneyTest, TheExactProbabilityIsThatOfAllOrders) {
  std::mt19937 random(1947);
  std::uniform_real_distribution<double> value(0, 1);
  for (int round = 0; round < 40; ++round) {
    Values x(1 + random() % 6);
    Values y(1 + random() % 6);
    for (double& one : x) one = value(random) + 0.2;
    for (double& one : y) one = value(random);
    EXPECT_DOUBLE_EQ(TestLarger(x, y).u, NaiveU(x, y));
    EXPECT_NEAR(TestLarger(x, y).p, NaiveP(x, y), 1e-12);
  }
}

// With both samples of the same distribution, alpha is how often the test is wrong.
TEST(MannWhitneyTest, IsWrongAsOftenAsAlphaSays) {
  std::mt19937 random(20);
  std::uniform_int_distribution<int> milliseconds(100, 140);  // with ties
  int rejected = 0;
  constexpr int kRounds = 4000;
  for (int round = 0; round < kRounds; ++round) {
    Values x(20);
    Values y(20);
    for (double& one : x) one = milliseconds(random);
    for (double& one : y) one = milliseconds(random);
    rejected += TestLarger(x, y).p < 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(rejected / static_cast<double>(kRounds), 0.05, 0.015);
}

}  // namespace
}  // namespace tocsin::delivery
