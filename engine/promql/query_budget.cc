#include "engine/promql/query_budget.h"

#include <algorithm>

namespace tocsin::promql {
namespace {

constexpr uint32_t kEvery = 16;

Error TooManySamples() {
  return ResourceExhausted(
      "query processing would load too many samples into memory in query execution");
}

}  // namespace

void QueryBudget::SeePeak(size_t samples) {
  size_t peak = peak_;
  while (peak < samples && !peak_.compare_exchange_weak(peak, samples)) {
  }
}

Status QueryBudget::Hold(size_t samples) {
  held_ += samples;
  SeePeak(held_);
  if (held_ <= max_samples_) return Ok();
  return TooManySamples();
}

Status QueryBudget::CheckAlive() { return calls_++ % kEvery == 0 ? LookAlive() : Ok(); }

Status QueryBudget::LookAlive() const {
  if (canceled_ && canceled_()) return Canceled("query was canceled in query execution");
  if (clock_.Steady() > deadline_) return TimedOut("query timed out in query execution");
  return Ok();
}

QueryStats QueryBudget::stats() const {
  return {.total_samples = loaded_, .peak_samples = peak_, .series_fetched = series_};
}

Status BudgetShare::CheckAlive() { return calls_++ % kEvery == 0 ? budget_.LookAlive() : Ok(); }

Status BudgetShare::Load(size_t samples) {
  loaded_ += samples;
  return Check(before_ + kept_ + samples);
}

Status BudgetShare::Keep(size_t samples) {
  kept_ += samples;
  return Check(before_ + kept_);
}

Status BudgetShare::Check(size_t held) {
  peak_ = std::max(peak_, held);
  if (held <= budget_.max_samples_) return Ok();
  return TooManySamples();
}

void BudgetShare::Settle() {
  budget_.loaded_ += std::exchange(loaded_, 0);
  budget_.SeePeak(peak_);
  before_ = budget_.held_ += std::exchange(kept_, 0);
}

}  // namespace tocsin::promql
