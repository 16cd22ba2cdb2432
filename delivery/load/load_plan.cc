#include "delivery/load/load_plan.h"

#include <cmath>

namespace tocsin::delivery {
namespace {

// The fractional parts of multiples of the golden ratio are spread evenly (Weyl's sequence).
double Spread(uint64_t i) {
  constexpr double kGolden = 0.6180339887498949;
  const double x = static_cast<double>(i + 1) * kGolden;
  return x - std::floor(x);
}

double TotalWeight(const LoadPlan& plan) {
  double total = 0;
  for (const Journey& journey : plan.mix) total += journey.weight;
  return total;
}

}  // namespace

Status CheckPlan(const LoadPlan& plan) {
  if (plan.rate < 0 || !std::isfinite(plan.rate)) return InvalidArgument("the rate is negative");
  if (plan.users < 1 || plan.users > 1000) return InvalidArgument("there can be 1 to 1000 users");
  if (plan.duration <= Duration::zero()) return InvalidArgument("the duration is 0");
  if (plan.ramp > plan.duration) return InvalidArgument("the ramp is longer than the duration");
  if (plan.mix.empty() || TotalWeight(plan) <= 0) {
    return InvalidArgument("no journey has a weight above 0");
  }
  return Ok();
}

// During the ramp of length r the rate grows to R, so that R t²/(2r) journeys have begun by t;
// afterwards they are 1/R apart.
std::chrono::nanoseconds IntendedStart(const LoadPlan& plan, uint64_t i) {
  const double ramp = ToSeconds(plan.ramp);
  const double in_ramp = plan.rate * ramp / 2;
  const auto n = static_cast<double>(i);
  const double seconds =
      n < in_ramp ? std::sqrt(2 * ramp * n / plan.rate) : ramp + (n - in_ramp) / plan.rate;
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

uint64_t PlannedJourneys(const LoadPlan& plan) {
  const double flat = ToSeconds(plan.duration) - ToSeconds(plan.ramp) / 2;
  return static_cast<uint64_t>(std::ceil(plan.rate * flat - 1e-9));
}

size_t ChooseJourney(const LoadPlan& plan, uint64_t i) {
  double left = Spread(i) * TotalWeight(plan);
  for (size_t j = 0; j + 1 < plan.mix.size(); ++j) {
    left -= plan.mix[j].weight;
    if (left < 0) return j;
  }
  return plan.mix.size() - 1;
}

}  // namespace tocsin::delivery
