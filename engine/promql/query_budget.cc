#include "engine/promql/query_budget.h"

#include <algorithm>
#include <string>

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
  if (canceled_ && canceled_()) return Canceled("query was canceled in expression evaluation");
  if (clock_.Steady() > deadline_) return TimedOut("query timed out in expression evaluation");
  return Ok();
}

Status QueryBudget::HoldBytes(size_t bytes) {
  held_bytes_ += bytes;
  if (held_bytes_ <= max_bytes_) return Ok();
  return ResourceExhausted("query processing would need more than " + std::to_string(max_bytes_) +
                           " bytes of memory (--query.max-memory) in query execution");
}

void QueryBudget::CountByStep(size_t steps) {
  const MutexLock lock(mutex_);
  looked_.at_step.assign(steps, 0);
}

QueryBudget::Looked QueryBudget::BeginPart() {
  const MutexLock lock(mutex_);
  return std::exchange(looked_, {});
}

void QueryBudget::EndPart(Looked before, size_t times) {
  const MutexLock lock(mutex_);
  const size_t part = looked_.total;
  looked_ = std::move(before);
  looked_.total += part * times;
  for (size_t step = 0; step < std::min(times, looked_.at_step.size()); ++step) {
    looked_.at_step[step] += part;
  }
}

void QueryBudget::Merge(const Looked& looked) {
  const MutexLock lock(mutex_);
  looked_.total += looked.total;
  for (size_t step = 0; step < std::min(looked.at_step.size(), looked_.at_step.size()); ++step) {
    looked_.at_step[step] += looked.at_step[step];
  }
}

QueryStats QueryBudget::stats() const {
  const MutexLock lock(mutex_);
  return {.total_samples = looked_.total,
          .samples_at_step = looked_.at_step,
          .samples_read = loaded_,
          .peak_samples = peak_,
          .series_fetched = series_};
}

BudgetShare::BudgetShare(QueryBudget& budget) : budget_(budget), before_(budget.held()) {
  const MutexLock lock(budget.mutex_);
  looked_.at_step.resize(budget.looked_.at_step.size());
}

Status BudgetShare::CheckAlive() { return calls_++ % kEvery == 0 ? budget_.LookAlive() : Ok(); }

Status BudgetShare::Load(size_t samples, bool from_storage) {
  if (from_storage) loaded_ += samples;
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
  if (looked_.total > 0) {
    budget_.Merge(looked_);
    looked_.total = 0;
    std::ranges::fill(looked_.at_step, 0);
  }
  before_ = budget_.held_ += std::exchange(kept_, 0);
}

}  // namespace tocsin::promql
