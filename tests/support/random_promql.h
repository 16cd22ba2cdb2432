// Random expressions of PromQL over random data, for comparisons of evaluators.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/naive_promql.h"

namespace tocsin::testing_support {

using RandomSource = std::mt19937_64;

// What random data and expressions are about.
struct RandomWorld {
  int64_t start_ms = 1'000'000'000;  // of the data, which last for half an hour
  // Only what Prometheus 2.42 answers like Prometheus 3, as far as it can be told from the
  // expression and the data: no newer functions; no sample at the edge of a range, which is part of
  // it in one and not in the other, so no subquery in a subquery either; no counter near 0, or
  // fallen, under rate and increase, whose extrapolation has changed; no NaN and infinity under
  // stddev and stdvar, where Prometheus 2 takes a first one for 0; no range fixed by @ under
  // predict_linear and quantile_over_time, which Prometheus 2 lets move on with the steps, and no
  // selector so fixed under timestamp, for which it finds nothing. And
  // nothing that magnifies what differs in the last bit between two libraries. Queries then have to
  // be at RandomTime.
  bool as_prometheus_2 = false;
};
constexpr int64_t kRandomDataLengthMs = 30 * 60'000;

// Gauges g and h, the counters c_total and r_total, of which the second falls, and the buckets
// d_bucket, with gaps, staleness markers, NaN and infinities. No two series of g or h have the same
// value at the same time, so that the order of elements never depends on the evaluator. Not as
// Prometheus 2 also the native histograms n, and the counter u with the info metrics that belong to
// it.
std::vector<NaiveSeries> RandomSeries(RandomSource& random, const RandomWorld& world);

// A scalar or an instant vector of the data above, in the language of the naive evaluator.
std::string RandomExpression(RandomSource& random, const RandomWorld& world);

// A time within the data.
int64_t RandomTime(RandomSource& random, const RandomWorld& world);

}  // namespace tocsin::testing_support
