#include "tests/support/naive_extended.h"

#include <algorithm>
#include <vector>

namespace tocsin::testing_support {
namespace {

using At = NaiveWindow::At;

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

bool AllOfOneKind(const std::vector<At>& samples) {
  return std::ranges::all_of(samples, [&](const At& at) {
    return (at.number.histogram == nullptr) == (samples.front().number.histogram == nullptr);
  });
}

// a + factor · b; nothing when their buckets do not go together.
std::optional<NaiveNumber> Plus(const NaiveNumber& a, double factor, const NaiveNumber& b,
                                NaiveNotes& notes) {
  if (a.histogram == nullptr) return NaiveNumber{a.value + factor * b.value, nullptr};
  NoteMerge(*a.histogram, *b.histogram, factor > 0 ? "addition" : "subtraction", notes);
  const auto sum = Combined(*a.histogram, factor, *b.histogram);
  if (!sum) return std::nullopt;
  return OfHistogram(*sum);
}

NaiveNumber Times(const NaiveNumber& number, double factor) {
  if (number.histogram == nullptr) return {number.value * factor, nullptr};
  return OfHistogram(Scaled(*number.histogram, factor));
}

bool Fell(const NaiveNumber& before, const NaiveNumber& now) {
  if (before.histogram == nullptr) return now.value < before.value;
  return IsReset(*before.histogram, *now.histogram);
}

// On the line from `before` to `after`; a counter that fell between them began at 0.
std::optional<NaiveNumber> Between(const At& before, const At& after, int64_t t, bool counter,
                                   NaiveNotes& notes) {
  if (t == before.t_ms) return before.number;
  if (t == after.t_ms) return after.number;
  const double part = Seconds(t - before.t_ms) / Seconds(after.t_ms - before.t_ms);
  if (counter && Fell(before.number, after.number)) return Times(after.number, part);
  const auto difference = Plus(after.number, -1, before.number, notes);
  if (!difference) return std::nullopt;
  return Plus(Times(*difference, part), 1, before.number, notes);
}

}  // namespace

NaiveWindow NaiveExtendedWindow(const NaiveWindow& window, NaiveEdge edge) {
  NaiveWindow extended = window;
  extended.samples.clear();
  extended.all.clear();
  for (const At& at : window.all) {
    // Of those before the start the newest stays.
    if (at.t_ms <= window.start_ms) extended.all = {at};
    if (at.t_ms > window.start_ms && at.t_ms <= window.end_ms) extended.all.push_back(at);
    if (at.t_ms > window.end_ms && edge == NaiveEdge::kSmoothed) {
      extended.all.push_back(at);
      break;
    }
  }
  // A window in which nothing lies has no edges either.
  if (!extended.all.empty() && extended.all.back().t_ms <= window.start_ms) extended.all.clear();
  for (const At& at : extended.all) {
    if (at.number.histogram == nullptr) extended.samples.push_back({at.t_ms, at.number.value});
  }
  return extended;
}

std::optional<NaiveNumber> NaiveExtendedRate(std::string_view function, const NaiveWindow& window,
                                             NaiveEdge edge, NaiveNotes& notes) {
  const std::vector<At>& all = window.all;
  if (all.empty()) return std::nullopt;
  if (!AllOfOneKind(all)) {
    NoteMixedWindow(window, notes);
    return std::nullopt;
  }
  if (all.front().t_ms > window.end_ms) return std::nullopt;
  for (const At& at : all) {
    const auto& histogram = at.number.histogram;
    if (histogram && histogram->custom() != all.front().number.histogram->custom()) {
      NoteMerge(*histogram, *all.front().number.histogram, "", notes);
      return std::nullopt;
    }
  }
  const bool counter = function != "delta";
  const bool smoothed = edge == NaiveEdge::kSmoothed;
  // What the counter was, at the edges and between them.
  std::vector<NaiveNumber> seen;
  if (smoothed && all.front().t_ms < window.start_ms) {
    const auto left = Between(all[0], all[1], window.start_ms, counter, notes);
    if (!left) return std::nullopt;
    seen.push_back(*left);
  } else {
    seen.push_back(all.front().number);
  }
  for (const At& at : all) {
    if (at.t_ms > window.start_ms && at.t_ms <= window.end_ms) seen.push_back(at.number);
  }
  if (smoothed && all.back().t_ms > window.end_ms && all[all.size() - 2].t_ms < window.end_ms) {
    const auto right = Between(all[all.size() - 2], all.back(), window.end_ms, counter, notes);
    if (!right) return std::nullopt;
    seen.push_back(*right);
  }
  std::optional<NaiveNumber> increase = Plus(seen.back(), -1, seen.front(), notes);
  for (size_t i = 1; i < seen.size() && counter && increase; ++i) {
    if (Fell(seen[i - 1], seen[i])) increase = Plus(*increase, 1, seen[i - 1], notes);
  }
  if (!increase || function != "rate") return increase;
  return Times(*increase, 1 / Seconds(window.end_ms - window.start_ms));
}

std::optional<NaiveNumber> NaiveSmoothedValue(const NaiveWindow& window, int64_t t_ms,
                                              NaiveNotes& notes) {
  if (!AllOfOneKind(window.all)) {
    NoteMixedWindow(window, notes);
    return std::nullopt;
  }
  const At* before = nullptr;
  const At* after = nullptr;
  for (const At& at : window.all) {
    if (at.t_ms <= t_ms) before = &at;
    if (at.t_ms >= t_ms && after == nullptr) after = &at;
  }
  if (before == nullptr) return std::nullopt;
  if (after == nullptr) return before->number;
  // A float may be a gauge; a histogram is a counter unless it says otherwise.
  return Between(*before, *after, t_ms, before->number.histogram != nullptr, notes);
}

}  // namespace tocsin::testing_support
