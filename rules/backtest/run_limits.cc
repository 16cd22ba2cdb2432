#include "rules/backtest/run_limits.h"

#include <fmt/core.h>

namespace tocsin {

Status RunLimits::Keep(size_t more) {
  kept_ += more;
  if (max_kept_ == 0 || kept_ <= max_kept_) return Ok();
  return ResourceExhausted(
      fmt::format("the rules record more than {} samples and changes of alerts; take a shorter "
                  "time, a longer step or fewer rules",
                  max_kept_));
}

std::function<bool()> RunLimits::Canceled() const {
  if (!stop_) return {};
  return [this] { return !stop_().ok(); };
}

}  // namespace tocsin
