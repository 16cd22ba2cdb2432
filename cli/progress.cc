#include "cli/progress.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace tocsin::cli {
namespace {

constexpr auto kQuiet = std::chrono::milliseconds(500);
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr size_t kBarWidth = 20;
constexpr std::string_view kWipe = "\r\033[K";

}  // namespace

Progress::Progress(std::string what, uint64_t total, CommandContext& context)
    : what_(std::move(what)),
      total_(std::max<uint64_t>(total, 1)),
      context_(context),
      start_(context.clock.Steady()) {}

Progress::~Progress() {
  const MutexLock lock(mutex_);
  if (drawn_) context_.err(kWipe);
}

void Progress::Advance(uint64_t steps) {
  const MutexLock lock(mutex_);
  done_ = std::min(done_ + steps, total_);
  if (!context_.progress) return;
  const SteadyTime now = context_.clock.Steady();
  if (now - start_ < kQuiet || (drawn_ && now - drawn_at_ < kRedraw)) return;
  drawn_at_ = now;
  drawn_ = true;
  context_.err(Line(now));
}

std::string Progress::Line(SteadyTime now) const {
  const size_t filled = done_ * kBarWidth / total_;
  std::string line =
      fmt::format("{}{} [{}{}] {:3} % ({} of {})", kWipe, what_, std::string(filled, '#'),
                  std::string(kBarWidth - filled, ' '), done_ * 100 / total_, done_, total_);
  if (done_ == 0 || done_ == total_) return line;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double left = elapsed * static_cast<double>(total_ - done_) / static_cast<double>(done_);
  const Duration whole = std::chrono::seconds(static_cast<int64_t>(left + 0.5));
  return line + ", " + FormatPrometheusDuration(whole) + " left";
}

}  // namespace tocsin::cli
