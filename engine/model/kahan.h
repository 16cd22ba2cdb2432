// Kahan–Neumaier summation, as every sum of PromQL has it.
#pragma once

#include <cmath>

namespace tocsin {

// Adding in the same order as Prometheus gives the same bits as Prometheus' util/kahansum. Needs
// -ffp-contract=off and no -ffast-math.
struct KahanSum {
  double sum = 0;
  double compensation = 0;

  void Add(double increment) {
    const double total = sum + increment;
    if (std::isinf(total)) {
      compensation = 0;
    } else if (std::fabs(sum) >= std::fabs(increment)) {
      compensation += (sum - total) + increment;
    } else {
      compensation += (increment - total) + sum;
    }
    sum = total;
  }
  // What the *_over_time functions and aggregations give: the compensation of an infinite sum
  // means nothing.
  double Total() const { return std::isinf(sum) ? sum : sum + compensation; }
};

// The mean of floats: their sum by their count, and from an overflow of the sum on the mean itself,
// step by step. Prometheus' avg and avg_over_time.
struct KahanMean {
  KahanSum sum;  // the mean when `incremental`
  double count = 0;
  bool incremental = false;

  void Add(double v) {
    ++count;
    if (count == 1) {
      sum.sum = v;
      return;
    }
    if (!incremental) {
      KahanSum next = sum;
      next.Add(v);
      if (!std::isinf(next.sum)) {
        sum = next;
        return;
      }
      incremental = true;
      sum.sum /= count - 1;
      sum.compensation /= count - 1;
    }
    if (std::isinf(sum.sum)) {
      // An infinite mean stays, unless the opposite infinity or a NaN comes.
      if (std::isinf(v) && (sum.sum > 0) == (v > 0)) return;
      if (!std::isinf(v) && !std::isnan(v)) return;
    }
    const double part = (count - 1) / count;
    sum.sum *= part;
    sum.compensation *= part;
    sum.Add(v / count);
  }
  double Value() const {
    if (incremental) return sum.sum + sum.compensation;
    return sum.sum / count + sum.compensation / count;
  }
};

}  // namespace tocsin
