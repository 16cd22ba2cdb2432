// The color's figures against the baseline's as two samples, not as two numbers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/quantity.h"
#include "delivery/gate/gate_run.h"
#include "delivery/gate/mann_whitney.h"

namespace tocsin::delivery {
namespace {

// With fewer no difference could be called significant at the usual alpha of 1%.
constexpr size_t kFewest = 5;

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

// The values of a figure in the window, or the reason why there are none.
struct GateRun::Measurements {
  std::vector<double> values;
  GateVerdict verdict = GateVerdict::kInconclusive;
  std::string why;
  std::string query;
};

// A rate covers one step, so that no request is in two measurements: the test takes them for
// independent.
GateRun::Measurements GateRun::Measure(std::string_view query, const std::string& color) {
  const Duration step = inputs_.spec.compare->step;
  const Timestamp now = world_.load.journey.clock.Now();
  const MetricSteps steps{.from = now - inputs_.spec.window + step, .to = now, .step = step};
  Measurements measured{.why = color + " has no data"};
  for (const std::string& expr : Expressions(query, color, step)) {
    const Result<std::vector<MetricSeries>> series = world_.metrics.QueryRange(expr, steps);
    measured.query = expr;
    if (!series.ok()) {
      const ErrorCode code = series.error().code;
      const bool unreachable = code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout;
      measured.verdict = unreachable ? GateVerdict::kUnreachable : GateVerdict::kError;
      measured.why = series.error().message;
      return measured;
    }
    if (series->size() > 1) {
      measured.verdict = GateVerdict::kError;
      measured.why = fmt::format("{} series where one is meant; aggregate them", series->size());
      return measured;
    }
    if (series->empty()) continue;
    for (const MetricPoint& point : series->front().points) {
      if (std::isfinite(point.value)) measured.values.push_back(point.value);
    }
    if (!measured.values.empty()) break;
  }
  if (measured.values.empty()) return measured;
  if (measured.values.size() < kFewest) {
    measured.why =
        fmt::format("{} has {} measurements in {}, fewer than {}", color, measured.values.size(),
                    FormatPrometheusDuration(inputs_.spec.window), kFewest);
    measured.values.clear();
  }
  return measured;
}

GateCheck GateRun::Compare(std::string_view query) {
  const CompareGate& gate = *inputs_.spec.compare;
  const GateUnit unit = query == "error_rate" ? GateUnit::kRatio : GateUnit::kSeconds;
  GateCheck check{
      .what = fmt::format("{} no larger than the baseline's: p of Mann-Whitney's test", query),
      .unit = GateUnit::kNumber,
      .limit = gate.alpha,
      .limit_is_least = true};
  if (inputs_.baseline.empty()) {
    check.why = "no color serves beside it: give --baseline";
    return check;
  }
  const Measurements own = Measure(query, inputs_.color);
  check.query = own.query;
  const Measurements base = Measure(query, inputs_.baseline);
  for (const Measurements* one : {&own, &base}) {
    if (!one->values.empty()) continue;
    check.verdict = one->verdict;
    check.why = one->why;
    return check;
  }
  const Answer trust = Trust(true);
  std::vector<double> allowed = base.values;
  for (double& value : allowed) value *= 1 + gate.tolerance;
  check.value = TestLarger(own.values, allowed).p;
  check.samples = own.values.size() + allowed.size();
  Judge(check);
  check.why = fmt::format("median {} against {}", FormatQuantity(Median(own.values), unit),
                          FormatQuantity(Median(base.values), unit));
  if (check.verdict == GateVerdict::kFail) {
    check.why += fmt::format(": larger by more than {}", FormatRatio(gate.tolerance));
  }
  if (!trust.why.empty()) {
    check.verdict = trust.verdict;
    check.why = trust.why;
  }
  return check;
}

}  // namespace tocsin::delivery
